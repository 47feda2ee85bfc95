package run

import (
	"context"
	"errors"
	"fmt"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// outcome returns how a run ends, with a sentence for the readers of the transcript.
func outcome(ctx context.Context, res result) session.Outcome {
	o := session.Outcome{Status: session.RunFailed,
		Usage: protocol.Usage{InputTokens: int64(res.usage.InputTokens),
			OutputTokens: int64(res.usage.OutputTokens)}}
	cause := context.Cause(ctx)
	var failure *agent.Error
	switch {
	case res.err == nil:
		o.Status, o.Finish = session.RunCompleted, finish(res.usage.Finish)
	case errors.Is(res.err, errNotStored):
		o.Code, o.Error = protocol.Unavailable, "The gateway could not store more of the answer, "+
			"so it stops here. Try again to get a complete one."
	case errors.Is(cause, errAborted):
		o.Status = session.RunCancelled
	case errors.Is(cause, errStopping):
		o.Code, o.Error = protocol.Interrupted, "The gateway was stopped before the answer was "+
			"complete. Try again to get a complete one."
	case errors.Is(cause, errOverran):
		o.Code, o.Error = protocol.AgentTimeout, "The answer took too long and was stopped."
	case errors.Is(res.err, errTooLong):
		o.Code, o.Error = protocol.ResourceExhausted, "The answer got too long "+
			"and was cut off here."
	case errors.As(res.err, &failure):
		o.Code, o.Error = protocol.Code(failure.Code), failure.Message
		if o.Rejected = failure.Rejected; o.Rejected {
			o.Error += " This message is left out of what the model reads from now on."
		}
	default:
		o.Code, o.Error = protocol.Internal, "The answer failed because of a bug in the gateway. "+
			"It was logged."
	}
	return o
}

// finish returns why a completed answer ended. An agent that gives no reason has finished
// its answer.
func finish(f agent.Finish) protocol.Finish {
	switch f {
	case agent.FinishLength:
		return protocol.FinishLength
	case agent.FinishFilter:
		return protocol.FinishFilter
	default:
		return protocol.FinishStop
	}
}

// unknownAgent is the outcome of a run whose agent was removed from the configuration.
func unknownAgent(id string) session.Outcome {
	return session.Outcome{Status: session.RunFailed, Code: protocol.FailedPrecondition,
		Error: fmt.Sprintf("The agent %q is no longer configured. "+
			"Start a chat with another one.", id)}
}
