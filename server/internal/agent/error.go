package agent

import (
	"log/slog"
	"time"
)

// Code classifies a failure for machines. The values are error codes of the wire
// protocol.
type Code string

// The codes of failed runs.
const (
	// the model server is unreachable or overloaded, or closed the connection
	Unavailable Code = "UNAVAILABLE"
	// the answer took too long, or the server stopped sending
	Timeout           Code = "AGENT_TIMEOUT"
	ResourceExhausted Code = "RESOURCE_EXHAUSTED" // rate limited; RetryAfter is set
	// the configuration or the conversation must change first
	FailedPrecondition Code = "FAILED_PRECONDITION"
	// the answer ended before it was complete, for a reason of the provider's own or none
	Interrupted Code = "INTERRUPTED"
	Internal    Code = "INTERNAL" // a bug
)

// Error is a failed run.
type Error struct {
	Code Code
	// Message is a sentence for the user, without secrets or internals.
	Message string
	// Retryable says that the same request may succeed if it is sent again.
	Retryable bool
	// RetryAfter is how long to wait before a retry. It is zero if the provider named no
	// time, except for ResourceExhausted, which always has one.
	RetryAfter time.Duration
	// Rejected says that the provider refused the conversation itself, and not the key, the
	// model or the moment. The same message would be refused again, also as a part of later
	// prompts.
	Rejected bool
	// Emitted says that Text or Thinking was emitted before the failure. A retry would
	// start a second answer, so only the user may ask for one.
	Emitted bool
	// Cause is for operators: log it, but never send it to a client. It may hold a
	// bounded quote of the provider's response, and never holds the API key.
	Cause error
}

// Error returns the code, the message and the cause, for logs. Users get Message only.
func (e *Error) Error() string {
	s := string(e.Code) + ": " + e.Message
	if e.Cause != nil {
		s += " (" + e.Cause.Error() + ")"
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// LogValue returns the fields as a group, so that an operator can search for each of
// them.
func (e *Error) LogValue() slog.Value {
	attrs := []slog.Attr{
		slog.String("code", string(e.Code)),
		slog.String("message", e.Message),
		slog.Bool("retryable", e.Retryable),
		slog.Bool("emitted", e.Emitted),
		slog.Bool("rejected", e.Rejected),
	}
	if e.RetryAfter > 0 {
		attrs = append(attrs, slog.Duration("retry_after", e.RetryAfter))
	}
	if e.Cause != nil {
		attrs = append(attrs, slog.String("cause", e.Cause.Error()))
	}
	return slog.GroupValue(attrs...)
}
