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

// fakeSessions implements Sessions in memory.
type fakeSessions struct {
	start time.Time

	// mu guards the following fields.
	mu      sync.Mutex
	queue   map[string][]session.StartedRun
	running map[string]string // the running run of each session, by session key
	answers map[string]*storedAnswer
	down    bool // all methods fail
	refused int  // the number of calls that failed because of down

	holder   string          // the holder of the latest run
	renewals []time.Duration // the times of successful renewals, since start

	finishDelay time.Duration // how long Finish takes
	renewCalled chan struct{} // if set, Renew sends to it and then hangs

	// If they are set, Begin sends to beginCalled before it returns, and waits for
	// releaseBegin.
	beginCalled, releaseBegin chan struct{}
}

// storedAnswer is what was stored for one run.
type storedAnswer struct {
	pieces  []session.Piece
	times   []time.Duration // of each Append, since start
	batches []int           // the number of pieces in each Append
	outcome *session.Outcome
	ended   time.Duration // since start
}

func newFakeSessions() *fakeSessions {
	return &fakeSessions{start: time.Now(), queue: map[string][]session.StartedRun{},
		running: map[string]string{}, answers: map[string]*storedAnswer{}}
}

// enqueue queues a run whose history has the texts and a last message. It returns what
// will be stored for the run.
func (fake *fakeSessions) enqueue(key, run, agentID string, texts ...string) *storedAnswer {
	fake.mu.Lock()
	defer fake.mu.Unlock()
	b := session.StartedRun{Run: session.Run{ID: run, AgentID: agentID, Stream: true}, Key: key,
		UserID: "ann"}
	for _, text := range append(texts, "question") {
		b.History = append(b.History,
			session.Message{Message: protocol.Message{Role: protocol.FromUser, Content: text}})
	}
	fake.queue[key] = append(fake.queue[key], b)
	fake.answers[run] = &storedAnswer{}
	return fake.answers[run]
}

func (fake *fakeSessions) setDown(down bool) {
	fake.mu.Lock()
	defer fake.mu.Unlock()
	fake.down = down
}

// checkLocked returns the error of a call while the store is down.
func (fake *fakeSessions) checkLocked() error {
	if fake.down {
		fake.refused++
		return errDisk
	}
	return nil
}

func (fake *fakeSessions) Begin(_ context.Context, key, holder string) (session.StartedRun, error) {
	b, err := fake.begin(key, holder)
	if fake.releaseBegin != nil {
		fake.beginCalled <- struct{}{}
		<-fake.releaseBegin
	}
	return b, err
}

func (fake *fakeSessions) begin(key, holder string) (session.StartedRun, error) {
	fake.mu.Lock()
	defer fake.mu.Unlock()
	if err := fake.checkLocked(); err != nil {
		return session.StartedRun{}, err
	}
	if fake.running[key] != "" || len(fake.queue[key]) == 0 {
		return session.StartedRun{}, store.ErrNotFound
	}
	b := fake.queue[key][0]
	fake.queue[key] = fake.queue[key][1:]
	fake.running[key], fake.holder = b.Run.ID, holder
	return b, nil
}

func (fake *fakeSessions) Renew(ctx context.Context, holder string, until time.Time) error {
	if fake.renewCalled != nil {
		fake.renewCalled <- struct{}{}
		<-ctx.Done()
		return context.Cause(ctx)
	}
	fake.mu.Lock()
	defer fake.mu.Unlock()
	if err := fake.checkLocked(); err != nil {
		return err
	}
	if holder == "" || holder != fake.holder || time.Until(until) != protocol.RunLease {
		return fmt.Errorf("renewed for %q, of %q, until %v from now", holder, fake.holder,
			time.Until(until))
	}
	fake.renewals = append(fake.renewals, time.Since(fake.start))
	return nil
}

func (fake *fakeSessions) Append(_ context.Context, b session.StartedRun, pieces []session.Piece) error {
	fake.mu.Lock()
	defer fake.mu.Unlock()
	if err := fake.checkLocked(); err != nil {
		return err
	}
	if fake.running[b.Key] != b.Run.ID {
		return session.ErrRunEnded
	}
	a := fake.answers[b.Run.ID]
	a.pieces = append(a.pieces, pieces...)
	a.times, a.batches = append(a.times, time.Since(fake.start)), append(a.batches, len(pieces))
	return nil
}

func (fake *fakeSessions) Finish(_ context.Context, b session.StartedRun, o session.Outcome) error {
	time.Sleep(fake.finishDelay)
	fake.mu.Lock()
	defer fake.mu.Unlock()
	if err := fake.checkLocked(); err != nil {
		return err
	}
	if fake.running[b.Key] != b.Run.ID {
		return session.ErrRunEnded
	}
	delete(fake.running, b.Key)
	a := fake.answers[b.Run.ID]
	a.outcome, a.ended = &o, time.Since(fake.start)
	return nil
}

// remove ends the running run of a session, as the deletion of the session does.
func (fake *fakeSessions) remove(key string) {
	fake.mu.Lock()
	defer fake.mu.Unlock()
	delete(fake.running, key)
}

func (a *storedAnswer) text() string {
	var b strings.Builder
	for _, p := range a.pieces {
		b.WriteString(p.Text)
	}
	return b.String()
}

// want fails unless the run has ended in that way and with that text.
func (a *storedAnswer) want(t *testing.T, status session.RunStatus, code protocol.Code,
	text string) {
	t.Helper()
	switch {
	case a.outcome == nil:
		t.Errorf("the run has not ended; its text is %q", a.text())
	case a.outcome.Status != status || a.outcome.Code != code || a.text() != text:
		t.Errorf("the run ended as %+v with %.99q; want %s %s with %.99q", *a.outcome, a.text(),
			status, code, text)
	case (status == session.RunFailed) != (a.outcome.Error != ""):
		t.Errorf("%s has the sentence %q", status, a.outcome.Error)
	}
}

// agentFunc is a function that implements an agent.
type agentFunc func(ctx context.Context, r agent.Request,
	emit func(agent.Piece) error) (agent.Usage, error)

func (f agentFunc) Run(ctx context.Context, r agent.Request,
	emit func(agent.Piece) error) (agent.Usage, error) {
	return f(ctx, r, emit)
}

// wordsAgent returns an agent that emits that many words, with a pause before each word
// but the first.
func wordsAgent(words int, pause time.Duration) agentFunc {
	return func(ctx context.Context, _ agent.Request, emit func(agent.Piece) error) (agent.Usage,
		error) {
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

// advance lets d pass in a bubble, and waits until all that is due has happened.
func advance(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// newRunnerWith returns a Runner with agents.
func newRunnerWith(s Sessions, agents map[string]agent.Agent) *Runner {
	list := map[string]Agent{}
	for id, a := range agents {
		list[id] = Agent{Agent: a, HistoryMessages: 10}
	}
	return New(s, nil, setting.Fixed(Settings{Agents: list}), slog.New(slog.DiscardHandler))
}

// newRunner returns a Runner whose only agent is a, under the name "a".
func newRunner(fake *fakeSessions, a agent.Agent) *Runner {
	return newRunnerWith(fake, map[string]agent.Agent{"a": a})
}
