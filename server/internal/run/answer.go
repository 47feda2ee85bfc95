package run

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
)

const (
	// pieceInterval is how long pieces gather before they are appended. A piece after a
	// longer silence is appended at once.
	pieceInterval = 40 * time.Millisecond
	// maxAnswer limits an answer with its thinking, in bytes of JSON.
	maxAnswer = 400 << 10
	// historyBytes limits the text of the conversation that an agent gets.
	historyBytes = 512 << 10
	// maxRun limits a run, whatever the timeout of its agent.
	maxRun = 2 * time.Hour
	// agentGrace is how long an agent may take to return after its run was stopped.
	agentGrace = 5 * time.Second
	// appendLimit is how long the store may fail before the run is stopped.
	appendLimit = time.Minute
)

// Reasons why a run fails, in addition to the agent's errors.
var (
	errTooLong      = errors.New("the answer is too long")
	errNotStored    = errors.New("the answer cannot be stored")
	errUnresponsive = errors.New("the agent did not return after its run was stopped")
)

// run lets the agent answer, and stores the outcome.
func (r *Runner) run(ctx context.Context, b session.StartedRun) {
	log := r.log.With("run", b.Run.ID, "session", b.Key, "agent", b.Run.AgentID)
	o := r.answer(ctx, b, log)
	// The session can begin no other run until the outcome is stored. So persist gives up
	// only when the gateway stops; the next start then ends the run as interrupted.
	err := r.persist(r.runs.Done(),
		func() error { return r.sessions.Finish(context.Background(), b, o) })
	if err != nil && !errors.Is(err, session.ErrRunEnded) {
		log.Error("run: the outcome could not be stored; "+
			"the next start ends the run as interrupted", "error", err)
	}
}

// answer streams the agent's answer into the log, and returns the outcome.
func (r *Runner) answer(ctx context.Context, b session.StartedRun,
	log *slog.Logger) session.Outcome {
	a, ok := r.settings().Agents[b.Run.AgentID]
	if !ok {
		return unknownAgent(b.Run.AgentID)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, maxRun, errOverran)
	defer cancel()
	s := &stream{r: r, b: b, buffer: newBuffer(maxAnswer), done: make(chan result, 1),
		cancel: cancel}
	go func() { s.done <- s.runAgent(ctx, a, log) }()
	res := s.copy(ctx)
	if errors.Is(res.err, errUnresponsive) {
		log.Error("run: the agent did not return after its run was stopped, and was abandoned",
			"error", res.err)
	}
	o := outcome(ctx, res)
	if o.Status == session.RunFailed && !errors.Is(res.err, session.ErrRunEnded) {
		log.Warn("run failed", "code", o.Code, "message", o.Error, "error", res.err)
	}
	return o
}

// result is what an agent's Run returned.
type result struct {
	usage agent.Usage
	err   error
}

// stream copies an answer from its agent to the log. The agent's goroutine writes into
// the buffer, the worker's goroutine appends from there.
type stream struct {
	r      *Runner
	b      session.StartedRun
	buffer *buffer
	done   chan result        // gets the result when the agent has returned
	cancel context.CancelFunc // stops the agent
}

// copy appends what the agent emits, until the agent has returned or ctx is done. If
// appending fails, it stops the agent.
func (s *stream) copy(ctx context.Context) result {
	for {
		select {
		case <-s.buffer.ready:
		case res := <-s.done:
			return s.finish(res)
		case <-ctx.Done():
			return s.finish(s.await())
		}
		if err := s.flush(); err != nil {
			s.cancel()
			res := s.await()
			res.err = err
			return res
		}
		select {
		case <-time.After(pieceInterval):
		case res := <-s.done:
			return s.finish(res)
		case <-ctx.Done():
		}
	}
}

// await waits up to agentGrace for an agent whose context is done. What the agent emits
// meanwhile is dropped.
func (s *stream) await() result {
	s.buffer.close()
	select {
	case res := <-s.done:
		return res
	case <-time.After(agentGrace):
		return result{err: errUnresponsive}
	}
}

// finish appends the rest of the answer after the agent has returned.
func (s *stream) finish(res result) result {
	if tooLong := s.buffer.close(); tooLong && res.err == nil {
		res.err = errTooLong
	}
	if err := s.flush(); err != nil {
		res.err = err
	}
	return res
}

// flush appends the buffered pieces. Its error is session.ErrRunEnded or wraps
// errNotStored.
func (s *stream) flush() error {
	batch := s.buffer.take()
	if len(batch) == 0 {
		return nil
	}
	until, cancel := context.WithTimeout(s.r.runs, appendLimit)
	defer cancel()
	err := s.r.persist(until.Done(), func() error {
		return s.r.sessions.Append(context.Background(), s.b, batch)
	})
	if err == nil || errors.Is(err, session.ErrRunEnded) {
		return err
	}
	return fmt.Errorf("%w: %w", errNotStored, err)
}
