package sqlite

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/retrytest"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/storetest"
)

func TestSessions(t *testing.T) {
	t.Parallel()
	storetest.Sessions(t, func(t testing.TB) session.Store { return openTest(t).Sessions() })
}

func TestSessionsTwice(t *testing.T) {
	t.Parallel()
	storetest.Sessions(t, func(t testing.TB) session.Store { return retrytest.Twice(openTest(t).Sessions()) })
}

// Every query of sessions finds its rows by an index and takes them in the
// index's order, so that none gets slower as the gateway gets older.
func TestSessionQueriesUseIndexes(t *testing.T) {
	t.Parallel()
	s := openTest(t)
	var queries []string
	plans := map[string]string{}
	if err := s.Update(t.Context(), func(tx *Tx) error {
		before := map[string]bool{}
		for q := range tx.c.stmts {
			before[q] = true
		}
		useEverything(sessionTx{tx})
		for q := range tx.c.stmts {
			if !before[q] {
				queries = append(queries, q)
			}
		}
		for _, q := range queries {
			for row, err := range tx.Query(`EXPLAIN QUERY PLAN `+q, make([]any, strings.Count(q, "?"))...) {
				if err != nil {
					return fmt.Errorf("%s: %w", q, err)
				}
				var id, parent, unused int64
				var detail string
				if err := row.Scan(&id, &parent, &unused, &detail); err != nil {
					return err
				}
				plans[q] += detail + "\n"
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(queries) < 20 {
		t.Errorf("only %d queries were seen", len(queries))
	}
	for _, q := range queries {
		t.Logf("%s\n%s", q, plans[q])
		for line := range strings.Lines(plans[q]) {
			switch {
			case strings.Contains(line, "TEMP B-TREE"):
				t.Errorf("%s sorts:\n%s", q, plans[q])
			case strings.HasPrefix(line, "SCAN (subquery"): // rows that another line finds
			case strings.HasPrefix(line, "SCAN ") && !strings.Contains(line, "runs_active"):
				t.Errorf("%s reads a whole table:\n%s", q, plans[q])
			case wholeSession.MatchString(line) && !strings.HasPrefix(q, "DELETE ") && !strings.HasPrefix(q, "INSERT INTO sessions"):
				t.Errorf("%s reads all there is of a session:\n%s", q, plans[q])
			}
		}
	}
}

// wholeSession matches what a plan says of reading all of a session's rows. The
// foreign keys' checks at the insertion of a session do so, and find none.
var wholeSession = regexp.MustCompile(`^SEARCH (events|messages|runs) USING (PRIMARY KEY|INDEX [a-z]+(_autoindex_[a-z]+_[0-9]|_session|_id|_seq)) \(session_id=\?\)`)

// useEverything runs each query once; what it finds does not matter.
func useEverything(tx session.Tx) {
	r := session.Record{Key: "k", UserID: "u"}
	_ = tx.SaveSession(&r)
	_ = tx.SaveSession(&r)
	_, _ = tx.Advance(r.ID, "r", 1)
	_, _ = tx.Session("k")
	_, _ = tx.SessionByID(r.ID)
	_, _ = tx.Sessions(session.List{UserID: "u", Limit: 1})
	_, _ = tx.Sessions(session.List{Limit: 1})
	_, _ = tx.Candidates(session.List{UserID: "u", Limit: 1})
	_, _ = tx.Candidates(session.List{Limit: 1})
	_, _ = tx.CountSessions("u", 1)
	_, _ = tx.CountSessions("", 1)
	_ = tx.AppendEvent(r.ID, session.StoredEvent{Seq: 1, Payload: []byte{}})
	_, _ = tx.Events(r.ID, 0, session.Span{Events: 1})
	_, _ = tx.RunEvents(r.ID, "r", 0, 1)
	_, _ = tx.LastRunEvent(r.ID, 0, "r", [2]string{"chunk", "activity"})
	_ = tx.SaveMessage(r.ID, session.Message{})
	_, _ = tx.Message(r.ID, "m")
	_, _ = tx.MessageAt(r.ID, 1)
	_, _, _ = tx.Messages(r.ID, session.Place{}, session.Bound{Messages: 1})
	_ = tx.SaveRun(session.Run{ID: "r", SessionID: r.ID})
	_, _ = tx.Run("r")
	_, _ = tx.ActiveRuns(r.ID)
	_, _ = tx.ActiveRuns(0)
	_, _ = tx.UserRuns("u")
	_ = tx.RenewLeases("h", time.Now())
	_, _ = tx.Uncompacted(time.Now(), 1)
	_, _ = tx.UnchangedSince(time.Now(), 1)
	_, _, _ = tx.RemovePieces(session.Run{ID: "r", SessionID: r.ID, EndSeq: 9}, 0, 1)
	_, _, _ = tx.RemoveEvents(r.ID, 1, 1)
	_ = tx.SaveSend(session.Send{Digest: []byte{}})
	_, _ = tx.Send("u", "k")
	_ = tx.ClearSession(r.ID)
}
