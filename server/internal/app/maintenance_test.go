package app

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent/builtin"
	"github.com/gatehouse-chat/gatehouse/server/internal/config"
	"github.com/gatehouse-chat/gatehouse/server/internal/media"
	"github.com/gatehouse-chat/gatehouse/server/internal/run"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/server/internal/setting"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/sqlite"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/storetest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// stuckStore is a store that, once gone is set, answers nothing until the caller's
// context ends.
type stuckStore struct {
	session.Store
	gone  bool
	waits []time.Duration
}

func (a *stuckStore) wait(ctx context.Context) error {
	if a.gone {
		began := time.Now()
		<-ctx.Done()
		a.waits = append(a.waits, time.Since(began))
		return context.Cause(ctx)
	}
	return nil
}

func (a *stuckStore) Update(ctx context.Context, fn func(session.Tx) error) error {
	if err := a.wait(ctx); err != nil {
		return err
	}
	return a.Store.Update(ctx, fn)
}

func (a *stuckStore) View(ctx context.Context, fn func(session.Tx) error) error {
	if err := a.wait(ctx); err != nil {
		return err
	}
	return a.Store.View(ctx, fn)
}

// fixture is a gateway that only runs maintenance, in a synctest bubble.
type fixture struct {
	*gatehouse
	t     *testing.T
	store *stuckStore
	log   bytes.Buffer
}

func newFixture(t *testing.T, keep config.Retention) *fixture {
	t.Helper()
	store, err := sqlite.Open(t.Context(), t.TempDir(), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	demo, err := builtin.New(builtin.Config{})
	if err != nil {
		t.Fatal(err)
	}
	h := &fixture{t: t, store: &stuckStore{Store: store.Sessions()}, gatehouse: &gatehouse{}}
	h.settings.Store(&settings{config: config.Config{Retention: keep},
		run: run.Settings{Agents: map[string]run.Agent{"a": {Agent: demo, HistoryMessages: 9}}}})
	h.Log = slog.New(slog.NewTextHandler(&h.log, nil))
	if h.media, err = media.New(t.TempDir(), store.Media(),
		current(h.gatehouse, func(s *settings) media.Settings { return s.media })); err != nil {
		t.Fatal(err)
	}
	h.sessions = session.New(h.store, storetest.DiscardEvents{}, setting.Fixed(session.Settings{}))
	h.runner = run.New(h.sessions, h.media, current(h.gatehouse,
		func(s *settings) run.Settings { return s.run }), h.Log)
	t.Cleanup(func() {
		h.runner.Stop(context.Background())
		if err := errors.Join(h.media.Close(), store.Close()); err != nil {
			t.Error(err)
		}
	})
	return h
}

func ann() session.Caller { return session.Caller{UserID: "ann", Role: protocol.Operator} }

func (h *fixture) send(key string) session.Sent {
	h.t.Helper()
	sent, err := h.sessions.Send(h.t.Context(), ann().To(key),
		session.SendRequest{DefaultAgent: "a", Message: "echo one two three"})
	if err != nil {
		h.t.Fatal(err)
	}
	return sent
}

// replay gives the events of a session after a seq.
func (h *fixture) replay(key string, after int64) session.Replay {
	h.t.Helper()
	r, err := h.sessions.Replay(h.t.Context(), ann().To(key), "", after,
		session.Span{Events: 99, Bytes: 1 << 20})
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

func (h *fixture) answers(key string) (all []protocol.Message) {
	h.t.Helper()
	p, err := h.sessions.History(h.t.Context(), ann().To(key), 0, 99)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, m := range p.Messages {
		if m.Role == protocol.FromAssistant {
			all = append(all, m)
		}
	}
	return all
}

func (h *fixture) pass(d time.Duration) { time.Sleep(d); synctest.Wait() }

func TestOldDataIsRemoved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newFixture(t, config.Retention{Pieces: 2 * time.Hour, Sessions: 5 * time.Hour})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go h.maintainSessions(ctx)
		h.send("k")
		h.runner.Wake("k")
		h.pass(110 * time.Minute)
		whole, text := h.replay("k", 0), h.answers("k")[0].Content
		if len(whole.Events) < 5 || whole.Reset || !strings.HasPrefix(text, "one two three") {
			t.Fatalf("%d events, %+v", len(whole.Events), text)
		}
		h.pass(15 * time.Minute)
		if r := h.replay("k", 3); !r.Reset || h.answers("k")[0].Content != text {
			t.Errorf("after two hours: %+v, %+v", r, h.answers("k"))
		}
		if !strings.Contains(h.log.String(), `msg="pieces of old answers removed" number=`) {
			t.Errorf("the log is %s", h.log.String())
		}
		h.send("k") // it is used again
		h.runner.Wake("k")
		h.pass(4 * time.Hour)
		h.answers("k")
		h.pass(65 * time.Minute)
		var refusal *protocol.Error
		if _, err := h.sessions.Find(t.Context(), ann().To("k")); !errors.As(err, &refusal) ||
			refusal.Code != protocol.NotFound {
			t.Errorf("after five hours: %v", err)
		}
		if log := h.log.String(); !strings.Contains(log, `msg="old sessions deleted" number=1`) ||
			strings.Contains(log, "ERROR") {
			t.Errorf("the log is %s", log)
		}
	})
}

func TestSessionsStayWithoutRetention(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newFixture(t, config.Retention{Pieces: 24 * time.Hour})
		h.send("k")
		h.runner.Wake("k")
		h.pass(20 * 365 * 24 * time.Hour)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go h.maintainSessions(ctx)
		h.pass(time.Hour)
		if n := len(h.answers("k")); n != 1 {
			t.Errorf("%d answers", n)
		}
	})
}

// A run whose process has ended is ended too, once its lease is over, while this
// process runs; then the queued run behind it is answered.
func TestLostRunsAreRecovered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newFixture(t, config.Retention{Pieces: 24 * time.Hour})
		h.send("k")
		h.send("k")
		b, err := h.sessions.Begin(t.Context(), "k", "another process")
		if err != nil {
			t.Fatal(err)
		}
		if err := h.sessions.Append(t.Context(), b, []session.Piece{{Text: "well"}}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go h.maintainSessions(ctx)
		h.pass(protocol.RunLease - time.Second)
		if a := h.answers("k"); len(a) != 1 || a[0].Status != protocol.StatusStreaming {
			t.Errorf("while its lease lasts: %+v", a)
		}
		h.pass(maintenanceInterval + 10*time.Second)
		a := h.answers("k")
		if len(a) != 2 || a[0].Status != protocol.StatusFailed || a[0].Content != "well" ||
			a[1].Status != protocol.StatusComplete {
			t.Errorf("then: %+v", a)
		}
		if n := strings.Count(h.log.String(), "interrupted=1"); n != 1 {
			t.Errorf("the log is %s", h.log.String())
		}
	})
}

// A store that does not answer delays neither the next round nor the stop.
func TestMaintenanceIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newFixture(t, config.Retention{Pieces: time.Hour, Sessions: time.Hour})
		h.store.gone = true
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { h.maintainSessions(ctx); close(ended) }()
		h.pass(3*maintenanceInterval + maintenanceTimeout/2)
		if len(h.store.waits) != 9 {
			t.Errorf("the steps waited %d times in three rounds of three", len(h.store.waits))
		}
		for _, wait := range h.store.waits {
			if wait != maintenanceTimeout {
				t.Errorf("a step waited %v", wait)
			}
		}
		before := time.Now()
		cancel()
		<-ended
		if took := time.Since(before); took != 0 {
			t.Errorf("maintenance ended after %v", took)
		}
	})
}
