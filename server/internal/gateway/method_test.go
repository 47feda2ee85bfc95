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
	"github.com/gatehouse-chat/gatehouse/server/internal/registry"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// auditLines is the store of an audit log that keeps a course of events with what
// else is noted in it.
type auditLines struct {
	audit.Store
	course *[]string
	full   bool
}

func (l auditLines) Append(_ context.Context, e protocol.AuditEntry) (int64, error) {
	if l.full {
		return 0, errors.New("full")
	}
	*l.course = append(*l.course, e.Action+" "+e.Target)
	return 1, nil
}

func (l auditLines) Fail(_ context.Context, _ int64, why string) error {
	*l.course = append(*l.course, "failed: "+why)
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
		refuse, fail error         // what prepare and execute give
		full         bool          // no line can be written
		panics       bool          // execute does
		untold       bool          // describe gives nil
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
		{name: "not to be told", untold: true, want: []string{executed}},
		{name: "no room for a line", full: true, code: protocol.Unavailable},
		{name: "no room for a line, refused", full: true, refuse: refused, code: protocol.Unavailable},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var course []string
			logger := slog.New(slog.DiscardHandler)
			g := &Gateway{Options: Options{Log: logger, Metrics: metrics.New(), Hub: hub.New(),
				Audit: audit.New(auditLines{course: &course, full: row.full}, audit.Options{Log: logger})}}
			boss := &client{Connection: &registry.Connection{}, g: g,
				who: &access.Identity{UserID: "boss", Role: protocol.Admin}}
			c := &call{client: boss, ctx: t.Context()}
			answer := &protocol.Empty{}
			m := method(rowOf(row.refuse, func(target string) *audit.Act {
				if row.untold {
					return nil
				}
				return &audit.Act{Target: target}
			}, func(target string) (protocol.Payload, error) {
				course = append(course, "executed "+target)
				if row.panics {
					panic("a bug")
				}
				return answer, row.fail
			}))
			payload, err := handled(m, c)
			if code := refusalCode(err); code != row.code || err == nil &&
				payload != protocol.Payload(answer) {
				t.Errorf("it gives %v, %v (%s), want %q", payload, err, code, row.code)
			}
			if !slices.Equal(course, row.want) {
				t.Errorf("the course is %q, want %q", course, row.want)
			}
		})
	}
}

// handled is what a method gives, or errPanic where it panics.
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

// TestRowsAreWhole checks that each row has the fields that it needs.
func TestRowsAreWhole(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, m := range methods {
		if m.Name == "" || m.Does == "" || m.handle == nil || seen[m.Name] || m.Least != "" &&
			(!m.Least.Valid() || m.params == nil) {
			t.Errorf("the row %+v lacks something, or is there twice", m)
		}
		seen[m.Name] = true
	}
}
