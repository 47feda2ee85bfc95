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
	// pieceInterval is how long text gathers before it becomes an event. The
	// first word never waits.
	pieceInterval = 40 * time.Millisecond
	// maxAnswer bounds an answer with its thinking, in bytes as inside a frame.
	maxAnswer = 400 << 10
	// historyBytes bounds what of a conversation an agent is given.
	historyBytes = 512 << 10
	// maxRun bounds a run, whatever its agent's own timeout is.
	maxRun = 2 * time.Hour
	// agentGrace is how long an agent may take to return once its run was ended.
	agentGrace = 5 * time.Second
	// appendLimit is how long the store may take nothing before a run is given up.
	appendLimit = time.Minute
)

// Why a run fails, beside what its agent says.
var (
	errTooLong   = errors.New("the answer is too long")
	errNotStored = errors.New("the answer cannot be stored")
	errDeaf      = errors.New("the agent goes on although its run has ended: it is left behind")
)

// run lets the agent answer and brings the run to its end.
func (r *Runner) run(ctx context.Context, b session.Begun) {
	log := r.log.With("run", b.Run.ID, "session", b.Key, "agent", b.Run.AgentID)
	o := r.answer(ctx, b, log)
	// Until it is stored the session can begin nothing else, so this gives up
	// only when the gateway stops; the next start then ends it as interrupted.
	err := r.persist(r.runs.Done(), func() error { return r.sessions.Finish(context.Background(), b, o) })
	if err != nil && !errors.Is(err, session.ErrRunEnded) {
		log.Error("run: its end could not be stored; the next start ends it as interrupted", "error", err)
	}
}

// answer streams the agent's answer into the log and says how the run ends.
func (r *Runner) answer(ctx context.Context, b session.Begun, log *slog.Logger) session.Outcome {
	answering, ok := r.settings().Agents[b.Run.AgentID]
	if !ok {
		return unknownAgent(b.Run.AgentID)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, maxRun, errOverran)
	defer cancel()
	s := &stream{r: r, b: b, said: newPieces(maxAnswer), done: make(chan result, 1), cancel: cancel}
	go func() { s.done <- s.ask(ctx, answering, log) }()
	res := s.pump(ctx)
	if errors.Is(res.err, errDeaf) {
		log.Error("run: agent ignores the end of its context", "error", res.err)
	}
	o := outcome(ctx, res)
	if o.Status == session.RunFailed && !errors.Is(res.err, session.ErrRunEnded) {
		log.Warn("run failed", "code", o.Code, "message", o.Error, "error", res.err)
	}
	return o
}

// result is what an agent's Run gave.
type result struct {
	usage agent.Usage
	err   error
}

// stream is an answer on its way from its agent into the log.
type stream struct {
	r      *Runner
	b      session.Begun
	said   *pieces
	done   chan result // the agent's
	cancel context.CancelFunc
}

// pump appends what the agent says until it is done or ctx has ended. When the
// log takes no more, it stops the agent.
func (s *stream) pump(ctx context.Context) result {
	for {
		select {
		case <-s.said.ready:
		case res := <-s.done:
			return s.last(res)
		case <-ctx.Done():
			return s.last(s.await())
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
			return s.last(res)
		case <-ctx.Done():
		}
	}
}

// await gives an agent whose context has ended its time to return. It is heard
// no more.
func (s *stream) await() result {
	s.said.close()
	select {
	case res := <-s.done:
		return res
	case <-time.After(agentGrace):
		return result{err: errDeaf}
	}
}

// last appends the rest of an answer whose agent is done.
func (s *stream) last(res result) result {
	if over := s.said.close(); over && res.err == nil {
		res.err = errTooLong
	}
	if err := s.flush(); err != nil {
		res.err = err
	}
	return res
}

// flush appends what has gathered. Its error wraps errNotStored, unless it is
// session.ErrRunEnded.
func (s *stream) flush() error {
	batch := s.said.take()
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
