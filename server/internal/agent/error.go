package agent

import (
	"log/slog"
	"time"
)

// Code classifies a failure for machines. The values are error codes of the wire contract.
type Code string

// The codes that agents end in.
const (
	Unavailable        Code = "UNAVAILABLE"         // the model server is unreachable, overloaded or broke off
	Timeout            Code = "AGENT_TIMEOUT"       // it took too long, or went silent
	ResourceExhausted  Code = "RESOURCE_EXHAUSTED"  // rate limited; RetryAfter is set
	FailedPrecondition Code = "FAILED_PRECONDITION" // the configuration or the conversation must change first
	Internal           Code = "INTERNAL"            // a bug
)

// Error is a failed run.
type Error struct {
	Code Code
	// Message is a sentence for the user. It holds no secret and no internals.
	Message string
	// Retryable says that the same request may succeed when it is sent again.
	Retryable bool
	// RetryAfter is how long to wait before that; zero if the provider did not say and the code does not demand it.
	RetryAfter time.Duration
	// Emitted says that Text or Thinking had reached emit: a retry then starts a second answer, and is the user's to ask for.
	Emitted bool
	// Cause is for operators: log it, never send it. It may quote the provider (bounded), and never holds the API key.
	Cause error
}

// Error returns code, message and cause: text for logs, not for users.
func (e *Error) Error() string {
	s := string(e.Code) + ": " + e.Message
	if e.Cause != nil {
		s += " (" + e.Cause.Error() + ")"
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// LogValue groups the fields an operator searches for.
func (e *Error) LogValue() slog.Value {
	attrs := []slog.Attr{
		slog.String("code", string(e.Code)),
		slog.String("message", e.Message),
		slog.Bool("retryable", e.Retryable),
		slog.Bool("emitted", e.Emitted),
	}
	if e.RetryAfter > 0 {
		attrs = append(attrs, slog.Duration("retry_after", e.RetryAfter))
	}
	if e.Cause != nil {
		attrs = append(attrs, slog.String("cause", e.Cause.Error()))
	}
	return slog.GroupValue(attrs...)
}
