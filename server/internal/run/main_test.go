package run

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/server/internal/setting"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errDisk = errors.New("the disk is full")

// desk is Sessions in memory.
type desk struct {
	start time.Time

	mu      sync.Mutex
	queue   map[string][]session.Begun
	running map[string]string // run by session key
	answers map[string]*answered
	down    bool // Append and Finish fail, and Begin too
	refused int  // calls while it was down

	holder   string          // of the runs that were begun
	renewals []time.Duration // since the desk's start; those that were refused are not among them

	finishing time.Duration // what Finish takes
	renewing  chan struct{} // if set, Renew says that it was called, and hangs

	arrived, gate chan struct{} // if set, Begin says that it knows what to answer, and waits
}

// answered is what was stored of a run.
type answered struct {
	pieces  []session.Piece
	times   []time.Duration // of each Append, since the desk's start
	batches []int           // pieces in each
	outcome *session.Outcome
	ended   time.Duration
}

func newDesk() *desk {
	return &desk{start: time.Now(), queue: map[string][]session.Begun{}, running: map[string]string{}, answers: map[string]*answered{}}
}

// ask queues a run, and gives what will be stored of it.
func (d *desk) ask(key, run, agentID string, said ...string) *answered {
	d.mu.Lock()
	defer d.mu.Unlock()
	b := session.Begun{Run: session.Run{ID: run, AgentID: agentID, Stream: true}, Key: key, UserID: "ann"}
	for _, text := range append(said, "question") {
		b.History = append(b.History, session.Message{Message: protocol.Message{Role: protocol.FromUser, Content: text}})
	}
	d.queue[key] = append(d.queue[key], b)
	d.answers[run] = &answered{}
	return d.answers[run]
}

func (d *desk) setDown(down bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.down = down
}

// check is the fault of a call, if it is to have one.
func (d *desk) check() error {
	if d.down {
		d.refused++
		return errDisk
	}
	return nil
}

func (d *desk) Begin(_ context.Context, key, holder string) (session.Begun, error) {
	b, err := d.begin(key, holder)
	if d.gate != nil {
		d.arrived <- struct{}{}
		<-d.gate
	}
	return b, err
}

func (d *desk) begin(key, holder string) (session.Begun, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.check(); err != nil {
		return session.Begun{}, err
	}
	if d.running[key] != "" || len(d.queue[key]) == 0 {
		return session.Begun{}, store.ErrNotFound
	}
	b := d.queue[key][0]
	d.queue[key] = d.queue[key][1:]
	d.running[key], d.holder = b.Run.ID, holder
	return b, nil
}

func (d *desk) Renew(ctx context.Context, holder string, until time.Time) error {
	if d.renewing != nil {
		d.renewing <- struct{}{}
		<-ctx.Done()
		return context.Cause(ctx)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.check(); err != nil {
		return err
	}
	if holder == "" || holder != d.holder || time.Until(until) != protocol.RunLease {
		return fmt.Errorf("renewed for %q, of %q, until %v from now", holder, d.holder, time.Until(until))
	}
	d.renewals = append(d.renewals, time.Since(d.start))
	return nil
}

func (d *desk) Append(_ context.Context, b session.Begun, pieces []session.Piece) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.check(); err != nil {
		return err
	}
	if d.running[b.Key] != b.Run.ID {
		return session.ErrRunEnded
	}
	a := d.answers[b.Run.ID]
	a.pieces = append(a.pieces, pieces...)
	a.times, a.batches = append(a.times, time.Since(d.start)), append(a.batches, len(pieces))
	return nil
}

func (d *desk) Finish(_ context.Context, b session.Begun, o session.Outcome) error {
	time.Sleep(d.finishing)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.check(); err != nil {
		return err
	}
	if d.running[b.Key] != b.Run.ID {
		return session.ErrRunEnded
	}
	delete(d.running, b.Key)
	a := d.answers[b.Run.ID]
	a.outcome, a.ended = &o, time.Since(d.start)
	return nil
}

// remove ends a session's run as a deletion does.
func (d *desk) remove(key string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.running, key)
}

func (a *answered) text() string {
	var b strings.Builder
	for _, p := range a.pieces {
		b.WriteString(p.Text)
	}
	return b.String()
}

// want fails unless the run ended so, with that text.
func (a *answered) want(t *testing.T, status session.RunStatus, code protocol.Code, text string) {
	t.Helper()
	switch {
	case a.outcome == nil:
		t.Errorf("the run has not ended; it said %q", a.text())
	case a.outcome.Status != status || a.outcome.Code != code || a.text() != text:
		t.Errorf("the run ended as %+v with %.99q; want %s %s with %.99q", *a.outcome, a.text(), status, code, text)
	case (status == session.RunFailed) != (a.outcome.Error != ""):
		t.Errorf("%s has the sentence %q", status, a.outcome.Error)
	}
}

// acting is an agent as a function.
type acting func(ctx context.Context, r agent.Request, emit func(agent.Piece) error) (agent.Usage, error)

func (f acting) Run(ctx context.Context, r agent.Request, emit func(agent.Piece) error) (agent.Usage, error) {
	return f(ctx, r, emit)
}

// saying says so many words, one at a time with a pause before each but the
// first, as an agent should.
func saying(words int, pause time.Duration) acting {
	return func(ctx context.Context, _ agent.Request, emit func(agent.Piece) error) (agent.Usage, error) {
		for i := range words {
			if i > 0 && pause > 0 {
				select {
				case <-time.After(pause):
				case <-ctx.Done():
					return agent.Usage{}, ctx.Err()
				}
			}
			if err := emit(agent.Piece{Text: word(i)}); err != nil {
				return agent.Usage{}, err
			}
		}
		return agent.Usage{InputTokens: 1, OutputTokens: words, Finish: agent.FinishStop}, nil
	}
}

func word(i int) string { return fmt.Sprint(i, " ") }

func words(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(word(i))
	}
	return b.String()
}

// pass lets time pass in a bubble, and everything happen that is due.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func runner(d Sessions, agents map[string]agent.Agent) *Runner {
	list := map[string]Agent{}
	for id, a := range agents {
		list[id] = Agent{Agent: a, HistoryMessages: 10}
	}
	return New(d, nil, setting.Fixed(Settings{Agents: list}), slog.New(slog.DiscardHandler))
}

// one is a Runner with the agent "a".
func one(d *desk, a agent.Agent) *Runner { return runner(d, map[string]agent.Agent{"a": a}) }
