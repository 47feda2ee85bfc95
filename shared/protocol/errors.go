package protocol

// Code identifies an error for programs.
type Code string

// The codes of protocol v3.
const (
	InvalidRequest     Code = "INVALID_REQUEST"
	Unauthorized       Code = "UNAUTHORIZED"
	Forbidden          Code = "FORBIDDEN"
	NotPaired          Code = "NOT_PAIRED"
	NotFound           Code = "NOT_FOUND"
	AlreadyExists      Code = "ALREADY_EXISTS"
	FailedPrecondition Code = "FAILED_PRECONDITION"
	ResourceExhausted  Code = "RESOURCE_EXHAUSTED"
	Unavailable        Code = "UNAVAILABLE"
	Interrupted        Code = "INTERRUPTED"
	AgentTimeout       Code = "AGENT_TIMEOUT"
	Internal           Code = "INTERNAL"
)

// Codes returns all codes.
func Codes() []Code {
	return []Code{InvalidRequest, Unauthorized, Forbidden, NotPaired, NotFound, AlreadyExists,
		FailedPrecondition, ResourceExhausted, Unavailable, Interrupted, AgentTimeout, Internal}
}

// Error is an error on the wire: a code for programs and a sentence for people.
type Error struct {
	Code         Code          `json:"code"`
	Message      string        `json:"message"`
	Details      *ErrorDetails `json:"details,omitempty"`
	Retryable    bool          `json:"retryable,omitempty"`
	RetryAfterMs int64         `json:"retryAfterMs,omitempty"`
}

// ErrorDetails are fields that some errors have.
type ErrorDetails struct {
	Status    string `json:"status,omitempty"`    // of a pairing: denied, expired, revoked, unknown
	RunID     string `json:"runId,omitempty"`     // of a failed run
	MessageID string `json:"messageId,omitempty"` // of a failed run's partial answer
	OwnerID   string `json:"ownerId,omitempty"`   // of a failed run's session, if not the caller
	Supported string `json:"supported,omitempty"` // protocol versions
}

// Error returns the code and the sentence.
func (e *Error) Error() string { return string(e.Code) + ": " + e.Message }

// Refuse returns an Error that is not retryable.
func Refuse(code Code, message string) *Error { return &Error{Code: code, Message: message} }

// Exhausted returns a RESOURCE_EXHAUSTED Error, which is always retryable.
func Exhausted(message string, retryAfterMs int64) *Error {
	return &Error{
		Code: ResourceExhausted, Message: message,
		Retryable: true, RetryAfterMs: max(1, retryAfterMs),
	}
}
