package run

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/server/internal/setting"
)

// Sessions is what a Runner needs of the sessions' domain.
type Sessions interface {
	Begin(ctx context.Context, key, holder string) (session.Begun, error)
	Append(ctx context.Context, b session.Begun, pieces []session.Piece) error
	Finish(ctx context.Context, b session.Begun, o session.Outcome) error
	Renew(ctx context.Context, holder string, until time.Time) error
}

// Agent is an agent with how much of a conversation it is given.
type Agent struct {
	agent.Agent
	HistoryMessages int
	Images          bool // it takes images
}

// Runner runs what is queued. It is safe for concurrent use.
type Runner struct {
	sessions Sessions
	files    Files
	settings setting.Live[Settings]
	log      *slog.Logger
	holder   string // names this Runner in the leases of its runs

	runs     context.Context // what every run's context descends from
	cut      context.CancelCauseFunc
	stopping chan struct{} // closed by Stop

	mu           sync.Mutex
	workers      map[string]*worker // by session key
	stopRenewing context.CancelFunc // of leases; there are workers
	idle         sync.WaitGroup
}

// worker is a busy session. Its fields are guarded by the Runner's mutex.
type worker struct {
	again  bool // there may be a run to begin
	runID  string
	cancel context.CancelCauseFunc // of the run under way
	abort  string                  // a run to be aborted should it be the one that begins
}

// Why a run's context ends before its answer is complete.
var (
	errAborted  = errors.New("aborted by a user")
	errStopping = errors.New("the gateway stops")
	errOverran  = errors.New("the run took too long")
)

// Settings are what the configuration says of agents.
type Settings struct {
	Agents map[string]Agent // by id
}

// New makes a Runner. An agent answers to its end the runs that it has begun, also
// when a reload has put another in its place.
func New(sessions Sessions, files Files, settings setting.Live[Settings], log *slog.Logger) *Runner {
	r := &Runner{sessions: sessions, files: files, settings: settings, log: log, holder: rand.Text(),
		stopping: make(chan struct{}), workers: map[string]*worker{}}
	r.runs, r.cut = context.WithCancelCause(context.Background())
	return r
}

// Wake makes sure that the session's queued runs are taken up. It returns at
// once. A Runner that stops takes up nothing: what is queued waits in the store
// for the next start.
func (r *Runner) Wake(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stops() {
		return
	}
	if w := r.workers[key]; w != nil {
		w.again = true
		return
	}
	if len(r.workers) == 0 {
		r.startRenewing()
	}
	w := &worker{again: true}
	r.workers[key] = w
	r.idle.Go(func() { r.work(key, w) })
}

// Abort stops the session's run, or only the run named; it gives the run it
// stopped, or "". The run's end follows as an event. A run that is beginning can
// be aborted by its name alone.
func (r *Runner) Abort(key, runID string) (stopped string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.workers[key]
	switch {
	case w == nil:
		return ""
	case w.cancel == nil && runID != "":
		w.abort = runID
		return runID
	case w.cancel == nil || runID != "" && runID != w.runID:
		return ""
	}
	w.cancel(errAborted)
	return w.runID
}

// Running is how many runs are under way.
func (r *Runner) Running() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, w := range r.workers {
		if w.cancel != nil {
			n++
		}
	}
	return n
}

// Stop takes up no more runs and waits for those under way until ctx ends; then
// it ends them as failed (INTERRUPTED), with what they have said. That takes as
// long as the store needs, and agentGrace for an agent that does not listen.
func (r *Runner) Stop(ctx context.Context) {
	r.mu.Lock()
	if !r.stops() {
		close(r.stopping)
	}
	r.mu.Unlock()
	done := make(chan struct{})
	go func() { r.idle.Wait(); close(done) }()
	select {
	case <-done:
		return
	case <-ctx.Done():
	}
	r.cut(errStopping)
	<-done
}

func (r *Runner) stops() bool {
	select {
	case <-r.stopping:
		return true
	default:
		return false
	}
}

// work takes the session's queued runs until none is left.
func (r *Runner) work(key string, w *worker) {
	for r.more(key, w) {
		b, err := r.begin(key)
		if err != nil {
			continue
		}
		ctx, cancel := context.WithCancelCause(r.runs)
		r.begun(w, b.Run.ID, cancel)
		r.run(ctx, b)
		cancel(nil)
	}
}

// begin begins the session's next run. It gives an error when none waits, or the
// Runner stops before the store can say.
func (r *Runner) begin(key string) (b session.Begun, err error) {
	err = r.persist(r.stopping, func() error {
		b, err = r.sessions.Begin(context.Background(), key, r.holder)
		return err
	})
	return b, err
}

// more reports whether there may be another run, and retires the worker if not.
func (r *Runner) more(key string, w *worker) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if w.cancel != nil {
		w.again = true // a run has ended: another may wait behind it
	}
	w.runID, w.cancel, w.abort = "", nil, ""
	if w.again && !r.stops() {
		w.again = false
		return true
	}
	delete(r.workers, key)
	if len(r.workers) == 0 {
		r.stopRenewing()
	}
	return false
}

// begun makes the run one that can be aborted, and aborts it if somebody asked
// for that while it began.
func (r *Runner) begun(w *worker, runID string, cancel context.CancelCauseFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w.runID, w.cancel = runID, cancel
	if w.abort == runID {
		cancel(errAborted)
	}
}
