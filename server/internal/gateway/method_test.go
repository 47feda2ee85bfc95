package gateway

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/access"
	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/hub"
	"github.com/gatehouse-chat/gatehouse/server/internal/metrics"
	"github.com/gatehouse-chat/gatehouse/server/internal/present"
	"github.com/gatehouse-chat/gatehouse/server/internal/registry"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// auditStore is the store of an audit log that appends its calls to steps, among the other
// steps of a call.
type auditStore struct {
	audit.Store
	steps *[]string
	full  bool
}

func (l auditStore) Append(_ context.Context, e protocol.AuditEntry) (int64, error) {
	if l.full {
		return 0, errors.New("full")
	}
	*l.steps = append(*l.steps, e.Action+" "+e.Target)
	return 1, nil
}

func (l auditStore) Fail(_ context.Context, _ int64, why string) error {
	*l.steps = append(*l.steps, "failed: "+why)
	return nil
}

// TestServe takes calls of a row through prepare, the audit log and execute. A call is
// executed after its entry is written, with the same value, and never without an entry. A
// call that is refused or panics is audited as failed.
func TestServe(t *testing.T) {
	t.Parallel()
	refused := badParams("no")
	const line, executed = "key.create key:prepared", "executed key:prepared"
	for _, row := range []struct {
		name         string
		refuse, fail error         // the errors of prepare and execute
		full         bool          // the audit log takes no entry
		panics       bool          // execute panics
		unaudited    bool          // describe gives nil
		code         protocol.Code // "" is ok
		want         []string      // the course of events
	}{
		{name: "done", want: []string{line, executed}},
		{name: "refused by prepare", refuse: refused, code: protocol.InvalidRequest,
			want: []string{line, "failed: INVALID_REQUEST: no"}},
		{name: "refused by execute", fail: refused, code: protocol.InvalidRequest,
			want: []string{line, executed, "failed: INVALID_REQUEST: no"}},
		{name: "broken", panics: true, code: protocol.Internal,
			want: []string{line, executed, "failed: failed; the gateway's log has the cause"}},
		{name: "not audited", unaudited: true, want: []string{executed}},
		{name: "no entry can be written", full: true, code: protocol.Unavailable},
		{name: "no entry can be written, refused", full: true, refuse: refused, code: protocol.Unavailable},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var steps []string
			logger := slog.New(slog.DiscardHandler)
			g := &Gateway{Options: Options{Log: logger, Metrics: metrics.New(), Hub: hub.New(present.NewFormatter()),
				Audit: audit.New(auditStore{steps: &steps, full: row.full}, audit.Options{Log: logger})}}
			boss := &client{Connection: &registry.Connection{}, g: g,
				who: &access.Identity{UserID: "boss", Role: protocol.Admin}}
			c := &call{client: boss, ctx: t.Context()}
			answer := &protocol.Empty{}
			m := method(rowOf(row.refuse, func(target string) *audit.Act {
				if row.unaudited {
					return nil
				}
				return &audit.Act{Target: target}
			}, func(target string) (protocol.Payload, error) {
				steps = append(steps, "executed "+target)
				if row.panics {
					panic("a bug")
				}
				return answer, row.fail
			}))
			payload, err := handled(m, c)
			if code := refusalCode(err); code != row.code || err == nil &&
				payload != protocol.Payload(answer) {
				t.Errorf("the method gives %v, %v (%s), want code %q", payload, err, code, row.code)
			}
			if !slices.Equal(steps, row.want) {
				t.Errorf("the steps are %q, want %q", steps, row.want)
			}
		})
	}
}

// handled calls a method and gives its result, or errPanic if it panics.
func handled(m Method, c *call) (payload protocol.Payload, err error) {
	defer func() {
		if recover() != nil {
			err = errPanic
		}
	}()
	return m.handle(c)
}

func refusalCode(err error) protocol.Code {
	var refused *protocol.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &refused):
		return refused.Code
	}
	return protocol.Internal
}

func rowOf(refuse error, describe func(string) *audit.Act,
	execute func(string) (protocol.Payload, error)) row[*protocol.Empty, string] {
	return row[*protocol.Empty, string]{
		name: "a.test", action: audit.KeyCreate,
		prepare:  func(*call, *protocol.Empty) (string, error) { return "key:prepared", refuse },
		describe: func(_ *call, target string) *audit.Act { return describe(target) },
		execute:  func(_ *call, target string) (protocol.Payload, error) { return execute(target) },
	}
}

// TestRowsAreComplete checks that each row has the fields that it needs.
func TestRowsAreComplete(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, m := range methods {
		if m.Name == "" || m.Does == "" || m.handle == nil || seen[m.Name] || m.Least != "" &&
			(!m.Least.Valid() || m.params == nil) {
			t.Errorf("the row %+v is incomplete, or not the only one of its name", m)
		}
		seen[m.Name] = true
	}
}
