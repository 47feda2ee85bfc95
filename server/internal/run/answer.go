package run

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

const (
	// pieceInterval is how long text gathers before it becomes an event. The
	// first word never waits.
	pieceInterval = 40 * time.Millisecond
	// maxAnswer bounds an answer, in bytes as it is inside a frame.
	maxAnswer = 400 << 10
	// historyBytes bounds what of a conversation an agent is given.
	historyBytes = 512 << 10
)

var errTooLong = errors.New("the answer is too long")

// run lets the agent answer and brings the run to its end.
func (r *Runner) run(ctx context.Context, b session.Begun) {
	o := r.answer(ctx, b)
	if o.Status == session.RunFailed {
		r.log.Warn("run failed", "run", b.Run.ID, "session", b.Key, "agent", b.Run.AgentID, "code", o.Code, "message", o.Error)
	}
	err := r.persist(func() error { return r.sessions.Finish(context.Background(), b, o) })
	if err != nil && !errors.Is(err, session.ErrRunEnded) {
		r.log.Error("run: its end could not be stored; the next start ends it as interrupted",
			"run", b.Run.ID, "session", b.Key, "error", err)
	}
}

// result is what an agent's Run gave.
type result struct {
	usage agent.Usage
	err   error
}

// answer streams the agent's answer into the log and says how the run ends.
func (r *Runner) answer(ctx context.Context, b session.Begun) session.Outcome {
	answering, ok := r.agents[b.Run.AgentID]
	if !ok {
		return session.Outcome{Status: session.RunFailed, Code: protocol.FailedPrecondition,
			Error: fmt.Sprintf("The agent %q is no longer configured. Start a chat with another one.", b.Run.AgentID)}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	said := newPieces(maxAnswer)
	done := make(chan result, 1)
	go func() { done <- r.ask(ctx, answering, b, said) }()
	return r.outcome(ctx, r.stream(b, said, done, cancel))
}

// ask runs the agent; a panic in it ends only this run.
func (r *Runner) ask(ctx context.Context, a Agent, b session.Begun, said *pieces) (res result) {
	defer func() {
		if v := recover(); v != nil {
			r.log.Error("run: panic in an agent", "run", b.Run.ID, "agent", b.Run.AgentID, "panic", v, "stack", string(debug.Stack()))
			res.err = &agent.Error{Code: agent.Internal, Message: "The agent failed because of a bug. It was logged."}
		}
	}()
	res.usage, res.err = a.Run(ctx, agent.Request{
		Messages: prompt(b.History, a.HistoryMessages), Stream: b.Run.Stream, UserID: b.UserID,
	}, said.add)
	return res
}

// stream appends what the agent says until it is done. When the log takes no
// more, it stops the agent.
func (r *Runner) stream(b session.Begun, said *pieces, done <-chan result, stop context.CancelCauseFunc) result {
	flush := func() error {
		batch := said.take()
		if len(batch) == 0 {
			return nil
		}
		return r.persist(func() error { return r.sessions.Append(context.Background(), b, batch) })
	}
	end := func(res result) result {
		if err := flush(); err != nil {
			res.err = err
		}
		return res
	}
	for {
		select {
		case <-said.ready:
		case res := <-done:
			return end(res)
		}
		if err := flush(); err != nil {
			stop(err)
			said.close()
			<-done
			return result{err: err}
		}
		select {
		case <-time.After(pieceInterval):
		case res := <-done:
			return end(res)
		}
	}
}

// Waits between tries to store, and how long a store may be unavailable before
// the run is given up.
const (
	firstRetry   = 100 * time.Millisecond
	lastRetry    = 2 * time.Second
	persistLimit = time.Minute
)

// persist tries until the store takes it. A refusal of the domain is final.
func (r *Runner) persist(try func() error) error {
	started := time.Now()
	for wait := firstRetry; ; wait = min(2*wait, lastRetry) {
		err := try()
		var refusal *protocol.Error
		if err == nil || errors.Is(err, session.ErrRunEnded) || errors.As(err, &refusal) || time.Since(started) > persistLimit {
			return err
		}
		r.log.Warn("run: the store takes nothing, trying again", "wait", wait, "error", err)
		time.Sleep(wait)
	}
}

// outcome says how a run ends, for those who read its transcript.
func (r *Runner) outcome(ctx context.Context, res result) session.Outcome {
	usage := protocol.Usage{InputTokens: int64(res.usage.InputTokens), OutputTokens: int64(res.usage.OutputTokens)}
	failed := func(code protocol.Code, sentence string) session.Outcome {
		return session.Outcome{Status: session.RunFailed, Code: code, Error: sentence, Usage: usage}
	}
	cause := context.Cause(ctx)
	var failure *agent.Error
	switch {
	case res.err == nil:
		return session.Outcome{Status: session.RunCompleted, Usage: usage}
	case errors.Is(cause, errAborted):
		return session.Outcome{Status: session.RunCancelled, Usage: usage}
	case errors.Is(cause, errStopping):
		return failed(protocol.Interrupted, "The gateway was stopped before the answer was complete. Ask again to get a whole one.")
	case errors.Is(res.err, errTooLong):
		return failed(protocol.ResourceExhausted, "The answer grew too long and was cut off here.")
	case errors.As(res.err, &failure):
		if failure.Cause != nil {
			r.log.Warn("agent failed", "error", failure)
		}
		return failed(protocol.Code(failure.Code), failure.Message)
	default:
		r.log.Error("run failed unexpectedly", "error", res.err)
		return failed(protocol.Internal, "The answer failed because of a bug in the gateway. It was logged.")
	}
}
