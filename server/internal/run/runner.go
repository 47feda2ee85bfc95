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

// Sessions is what a Runner needs of [session.Service], which documents the methods.
type Sessions interface {
	Begin(ctx context.Context, key, holder string) (session.StartedRun, error)
	Append(ctx context.Context, started session.StartedRun, pieces []session.Piece) error
	Finish(ctx context.Context, started session.StartedRun, o session.Outcome) error
	Renew(ctx context.Context, holder string, until time.Time) error
}

// Agent is an agent of the configuration, with the limits on its prompts.
type Agent struct {
	agent.Agent
	HistoryMessages int  // how many messages the agent gets at most
	Images          bool // whether the agent takes images
}

// Runner runs the queued runs of all sessions. It is safe for concurrent use.
type Runner struct {
	sessions Sessions
	files    Files
	settings setting.Live[Settings]
	log      *slog.Logger
	holder   string // names this Runner in the leases of its runs

	runs       context.Context         // the parent of the context of every run
	cancelRuns context.CancelCauseFunc // ends runs
	stopping   chan struct{}           // is closed by Stop
	goroutines sync.WaitGroup          // of workers and of renewing

	// mu guards the following fields, and the fields of every worker.
	mu           sync.Mutex
	workers      map[string]*worker // by session key
	stopRenewing context.CancelFunc // not nil while there are workers
}

// worker is the worker of a busy session. The Runner's mutex guards its fields.
type worker struct {
	recheck bool                    // a run may have been queued since the worker last looked
	runID   string                  // the running run, if cancel is not nil
	agentID string                  // the agent of that run
	cancel  context.CancelCauseFunc // stops the running run; nil if none runs
	abort   string                  // the run to abort if it is the one that is beginning
}

// Reasons why the context of a run ends before its answer is complete.
var (
	errAborted  = errors.New("aborted by a user")
	errStopping = errors.New("the gateway stops")
	errOverran  = errors.New("the run took too long")
)

// Settings are the agents of the configuration.
type Settings struct {
	Agents map[string]Agent // by id
}

// New returns a Runner. When a reload replaces an agent, the runs of the old agent go on.
func New(sessions Sessions, files Files, settings setting.Live[Settings],
	log *slog.Logger) *Runner {
	r := &Runner{sessions: sessions, files: files, settings: settings, log: log,
		holder: rand.Text(), stopping: make(chan struct{}), workers: map[string]*worker{}}
	r.runs, r.cancelRuns = context.WithCancelCause(context.Background())
	return r
}

// Wake makes sure that the queued runs of the session will run. It does not block. If the
// Runner is stopping, Wake does nothing: the runs stay queued in the store until the next
// start.
func (r *Runner) Wake(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.isStopping() {
		return
	}
	if w := r.workers[key]; w != nil {
		w.recheck = true
		return
	}
	if len(r.workers) == 0 {
		r.startRenewingLocked()
	}
	w := &worker{recheck: true}
	r.workers[key] = w
	r.goroutines.Go(func() { r.runQueued(key, w) })
}

// Abort stops the running run of the session. If runID is not empty, Abort stops only
// that run. It returns the id of the run that it stops, or "". The run's end follows as
// an event.
//
// While a run is beginning, its id is not known here yet. Abort then returns runID, and
// stops the run as soon as it has begun, if it is that one.
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

// Running returns the number of running runs.
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

// Answering reports whether a run of that agent is running.
func (r *Runner) Answering(agentID string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range r.workers {
		if w.cancel != nil && w.agentID == agentID {
			return true
		}
	}
	return false
}

// Stop begins no more runs and waits for the running ones. When ctx is done, Stop ends
// them as failed (INTERRUPTED) with the text they have so far. It then waits until they
// are stored, and up to agentGrace for agents that do not return.
func (r *Runner) Stop(ctx context.Context) {
	r.mu.Lock()
	if !r.isStopping() {
		close(r.stopping)
	}
	r.mu.Unlock()
	done := make(chan struct{})
	go func() { r.goroutines.Wait(); close(done) }()
	select {
	case <-done:
		return
	case <-ctx.Done():
	}
	r.cancelRuns(errStopping)
	<-done
}

func (r *Runner) isStopping() bool {
	select {
	case <-r.stopping:
		return true
	default:
		return false
	}
}

// runQueued is the worker's loop: it runs the queued runs of the session until none is
// left.
func (r *Runner) runQueued(key string, w *worker) {
	for r.next(key, w) {
		b, err := r.begin(key)
		if err != nil {
			continue
		}
		ctx, cancel := context.WithCancelCause(r.runs)
		r.setRunning(w, b.Run, cancel)
		r.run(ctx, b)
		cancel(nil)
	}
}

// begin begins the next run of the session. It returns an error if no run is queued, or
// if the Runner stops before the store has answered.
func (r *Runner) begin(key string) (b session.StartedRun, err error) {
	err = r.persist(r.stopping, func() error {
		b, err = r.sessions.Begin(context.Background(), key, r.holder)
		return err
	})
	return b, err
}

// next reports whether another run may be queued. If not, it removes the worker.
func (r *Runner) next(key string, w *worker) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if w.cancel != nil {
		w.recheck = true // a run has ended: another may be queued
	}
	w.runID, w.cancel, w.abort = "", nil, ""
	if w.recheck && !r.isStopping() {
		w.recheck = false
		return true
	}
	delete(r.workers, key)
	if len(r.workers) == 0 {
		r.stopRenewing()
	}
	return false
}

// setRunning stores the run as the one that Abort stops. If Abort was called for the run
// while it was beginning, setRunning stops it.
func (r *Runner) setRunning(w *worker, run session.Run, cancel context.CancelCauseFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w.runID, w.agentID, w.cancel = run.ID, run.AgentID, cancel
	if w.abort == run.ID {
		cancel(errAborted)
	}
}
