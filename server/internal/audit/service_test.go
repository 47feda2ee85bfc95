package audit_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/sqlite"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// log is an audit log in a real store that can be made to fail.
type log struct {
	*audit.Service
	audit.Store
	t       testing.TB
	down    bool // appending fails
	written int  // the calls of Options.Written
	out     bytes.Buffer
}

func newLog(t testing.TB) *log {
	t.Helper()
	s, err := sqlite.Open(context.Background(), t.TempDir(), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	l := &log{t: t, Store: s.Audit()}
	l.Service = audit.New(failingStore{l.Store, l},
		audit.Options{Log: slog.New(slog.NewTextHandler(&l.out, nil)),
			Written: func() { l.written++ }})
	return l
}

// failingStore fails while the log is down.
type failingStore struct {
	audit.Store
	l *log
}

func (s failingStore) Append(ctx context.Context, e protocol.AuditEntry) (int64, error) {
	if s.l.down {
		return 0, store.Full
	}
	return s.Store.Append(ctx, e)
}

func (s failingStore) Fail(ctx context.Context, id int64, why string) error {
	if s.l.down {
		return store.Full
	}
	return s.Store.Fail(ctx, id, why)
}

// entries returns all entries, oldest first.
func (l *log) entries() []protocol.AuditEntry {
	l.t.Helper()
	list, err := l.Store.List(context.Background(), audit.Filter{Limit: 10_000})
	if err != nil {
		l.t.Fatal(err)
	}
	slices.Reverse(list)
	return list
}

var (
	ann  = audit.Actor{UserID: "ann", Role: protocol.Admin, Via: "token", Address: "192.0.2.1"}
	read = audit.Act{Action: audit.SessionRead, Target: audit.Session("k")}
)

func TestBegin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLog(t)
		ended, err := l.Begin(t.Context(), ann,
			audit.Act{Action: audit.KeyRevoke, Target: audit.Key("k"), Detail: "x"})
		if err != nil {
			t.Fatal(err)
		}
		want := protocol.AuditEntry{ID: 1, At: protocol.At(time.Now()), UserID: "ann",
			Role: protocol.Admin, Via: "token",
			Address: "192.0.2.1", Action: "key.revoke", Target: "key:k", Detail: "x", Outcome: protocol.AuditDone}
		if got := l.entries(); len(got) != 1 || got[0] != want || l.written != 1 {
			t.Errorf("before the act the log has %+v, Written was called %d times", got, l.written)
		}
		ended(nil)
		if got := l.entries(); len(got) != 1 || got[0] != want || l.written != 1 {
			t.Errorf("after it the log has %+v, Written was called %d times", got, l.written)
		}
		for _, c := range []struct {
			err error
			why string
		}{
			{protocol.Refuse(protocol.NotFound, "no such key"), "NOT_FOUND: no such key"},
			{errors.New("dial tcp 10.0.0.1: secret"), "failed; the gateway's log has the cause"},
		} {
			if ended, err = l.Begin(t.Context(), ann,
				audit.Act{Action: audit.KeyRevoke}); err != nil {
				t.Fatal(err)
			}
			ended(c.err)
			if got := l.entries(); got[len(got)-1].Outcome != protocol.AuditFailed ||
				got[len(got)-1].Detail != c.why {
				t.Errorf("after %v the log has %+v", c.err, got)
			}
		}
	})
}

// While the store fails, acts are refused. The failure of an act that had begun is stored
// later.
func TestStoreFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLog(t)
		ended, err := l.Begin(t.Context(), ann, audit.Act{Action: audit.KeyRevoke})
		if err != nil {
			t.Fatal(err)
		}
		l.down = true
		ended(errors.New("x"))
		l.WrongToken("192.0.2.9")
		var refused *protocol.Error
		for name, fn := range map[string]func() error{
			"an act": func() error {
				_, err := l.Begin(t.Context(), ann, audit.Act{Action: audit.KeyCreate})
				return err
			},
			"a read": func() error { return l.BeginRead(t.Context(), ann, read) },
		} {
			if err := fn(); !errors.As(err, &refused) || refused.Code != protocol.Unavailable ||
				!refused.Retryable || !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := l.Sweep(t.Context()); err == nil {
			t.Error("Sweep returned no error")
		}
		l.WrongToken("192.0.2.9")
		l.down = false
		if err := l.Sweep(t.Context()); err != nil {
			t.Error(err)
		}
		got := l.entries()
		if len(got) != 2 || got[0].Outcome != protocol.AuditFailed ||
			got[1].Detail != "2 wrong tokens" {
			t.Errorf("then the log has %+v", got)
		}
		if err := l.BeginRead(t.Context(), ann, read); err != nil || len(l.entries()) != 3 {
			t.Errorf("a read that was refused has no entry later: %v", err)
		}
	})
}

func TestBeginRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLog(t)
		ben, elsewhere, other := ann, ann, read
		ben.UserID, elsewhere.Address, other.Target = "ben", "192.0.2.2", audit.Session("l")
		for round := 1; round <= 2; round++ {
			var all sync.WaitGroup
			for _, r := range []struct {
				who audit.Actor
				act audit.Act
			}{{ann, read}, {ann, read}, {ann, other}, {ben, read}, {elsewhere, read}} {
				all.Go(func() {
					if err := l.BeginRead(t.Context(), r.who, r.act); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			if n := len(l.entries()); n != 4*round {
				t.Errorf("%d entries in round %d", n, round)
			}
			time.Sleep(10*time.Minute - time.Second)
			if err := l.Sweep(t.Context()); err != nil {
				t.Error(err)
			}
			if err := l.BeginRead(t.Context(), ann, read); err != nil ||
				len(l.entries()) != 4*round {
				t.Errorf("just before ten minutes are over: %d entries (%v)", len(l.entries()), err)
			}
			time.Sleep(time.Second)
		}
	})
}

// Whatever the number of addresses, the entries of a minute are limited and count all
// wrong tokens.
func TestWrongTokens(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	const addresses = 200
	for i := range addresses {
		for range i%3 + 1 {
			l.WrongToken("192.0.2." + string(rune('a'+i)))
		}
	}
	if n := len(l.entries()); n != 0 {
		t.Errorf("%d entries at once", n)
	}
	for range 2 {
		if err := l.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	got := l.entries()
	if len(got) != 51 || got[0].Action != audit.WrongTokens || got[0].Detail != "1 wrong token" ||
		got[50].Address != "other addresses" || got[50].Detail != "300 wrong tokens" {
		t.Errorf("%d entries, the last %+v", len(got), got[len(got)-1])
	}
}

func TestRetain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLog(t)
		const day = 24 * time.Hour
		for range 10 { // an entry a day
			if _, err := l.Begin(t.Context(), ann, audit.Act{Action: audit.KeyCreate}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(day)
		}
		retain := func(age time.Duration, removed, left int) {
			t.Helper()
			n, err := l.Retain(t.Context(), time.Now().Add(-age))
			if got := l.entries(); err != nil || n != removed || len(got) != left {
				t.Errorf("%d entries were removed and %d are left (%v), want %d and %d", n,
					len(got), err, removed, left)
			}
		}
		retain(10*day, 0, 10)
		retain(9*day, 0, 10) // the oldest entry is less than a day older
		retain(8*day+day/2, 2, 9)
		if last := l.entries()[8]; last.Action != audit.LogPrune || last.Via != "gateway" ||
			!strings.Contains(last.Detail, "UTC") {
			t.Errorf("the last entry is %+v", last)
		}
		retain(8*day+day/2, 0, 9)
		l.down = true
		if n, err := l.Retain(t.Context(), time.Now()); n != 0 || err == nil {
			t.Errorf("without an entry, %d were removed (%v)", n, err)
		}
	})
}

// Whatever the texts of an act, each text of its entry is one line of limited length.
func TestTextsAreLimited(t *testing.T) {
	t.Parallel()
	l := newLog(t)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text") +
			strings.Repeat(rapid.SampledFrom([]string{"", "x", "é", "\xff", "\n"}).Draw(t, "unit"),
				rapid.IntRange(0, 900).Draw(t, "times"))
		if _, err := l.Begin(context.Background(),
			audit.Actor{UserID: text, Via: text, Address: text},
			audit.Act{Action: audit.KeyCreate, Target: text, Detail: text}); err != nil {
			t.Fatal(err)
		}
		list, err := l.Store.List(context.Background(), audit.Filter{Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		for _, got := range []string{list[0].UserID, list[0].Via, list[0].Address, list[0].Target,
			list[0].Detail} {
			if !utf8.ValidString(got) || utf8.RuneCountInString(got) > 400 ||
				strings.ContainsAny(got, "\n\r\x00\u2028") {
				t.Fatalf("%q is kept as %q", text, got)
			}
		}
	})
}
