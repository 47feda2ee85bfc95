package sqlite

import (
	"context"
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/retrytest"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/storetest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

func TestAudit(t *testing.T) {
	t.Parallel()
	storetest.Audit(t, reopenable(func(s *Store) audit.Store { return s.Audit() }))
}

func TestAuditTwice(t *testing.T) {
	t.Parallel()
	storetest.Audit(t, reopenable(func(s *Store) audit.Store { return auditLog{retrytest.Twice[*Tx](s)} }))
}

// Whatever a program with a mistake in it tries, the lines stay as they are.
func TestAuditIsAppendOnly(t *testing.T) {
	t.Parallel()
	s := openTest(t)
	a := s.Audit()
	id, err := a.Append(t.Context(), protocol.AuditEntry{At: 9, UserID: "ann", Action: "key.create"})
	if err == nil {
		err = a.Fail(t.Context(), id, "why")
	}
	if err != nil {
		t.Fatal(err)
	}
	before, err := a.List(t.Context(), audit.Filter{Limit: 9})
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		`UPDATE audit SET user_id = 'ben'`, `UPDATE audit_failures SET reason = ''`,
		`DELETE FROM audit`, `DELETE FROM audit_failures`,
		`INSERT OR REPLACE INTO audit VALUES (1, 9, 'ben', '', '', '', '', '', '')`,
		`INSERT OR REPLACE INTO audit_failures VALUES (1, '')`,
		`INSERT INTO audit VALUES (1, 9, 'ben', '', '', '', '', '', '') ON CONFLICT DO UPDATE SET user_id = 'ben'`,
	} {
		err := s.Update(context.Background(), func(tx *Tx) error {
			_, err := tx.Exec(statement)
			return err
		})
		if err == nil || !strings.Contains(err.Error(), "append-only") {
			t.Errorf("%s: %v", statement, err)
		}
	}
	after, err := a.List(t.Context(), audit.Filter{Limit: 9})
	if err != nil || len(after) != 1 || after[0] != before[0] {
		t.Errorf("then the log has %+v (%v)", after, err)
	}
}
