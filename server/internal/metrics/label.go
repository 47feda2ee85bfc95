package metrics

// A label's values are few and known beforehand, so that each is there, as zero,
// from the start: an alert on one that has never occurred works.

// Labels of requests.
const (
	OK      = "ok"      // the code of a success
	Unknown = "unknown" // the method of a frame that names none of ours
)

// Refusal is why a WebSocket was not opened.
type Refusal string

// The refusals.
const (
	RefusedHandshake Refusal = "handshake" // it is no WebSocket handshake, often for want of the Upgrade header
	RefusedOrigin    Refusal = "origin"    // gateway.allowed_origins
	RefusedStopping  Refusal = "stopping"
	RefusedFull      Refusal = "max_connections"
	RefusedAddress   Refusal = "max_connections_per_address"
	RefusedPending   Refusal = "max_pending_connections"
	RefusedUser      Refusal = "max_connections_per_user" // told in the answer to connect
)

func refusals() []Refusal {
	return []Refusal{RefusedHandshake, RefusedOrigin, RefusedStopping, RefusedFull, RefusedAddress, RefusedPending, RefusedUser}
}

// Drop is why a connection came to no request.
type Drop string

// The drops.
const (
	DroppedFull    Drop = "max_connections"
	DroppedAddress Drop = "max_connections_per_address"
	DroppedRequest Drop = "bad_request" // malformed, too large, or not sent in time
	DroppedSilent  Drop = "silent"      // it sent nothing at all
	DroppedFiles   Drop = "open_files"  // it could not be taken: the process has as many files as it may
)

func drops() []Drop {
	return []Drop{DroppedFull, DroppedAddress, DroppedRequest, DroppedSilent, DroppedFiles}
}

// Limit is a rate limit.
type Limit string

// The limits.
const (
	LimitUser   Limit = "user"   // gateway.rate_limit_rpm
	LimitCalls  Limit = "calls"  // an address's, of calls without a credential
	LimitPolls  Limit = "polls"  // an address's, of status polls
	LimitTokens Limit = "tokens" // an address's, of wrong tokens
)

func limits() []Limit {
	return []Limit{LimitUser, LimitCalls, LimitPolls, LimitTokens}
}

// Violation is what is wrong with a frame.
type Violation string

// The violations.
const (
	NotJSON       Violation = "not_json"
	TooDeep       Violation = "too_deep"
	WrongType     Violation = "wrong_type" // it is no object, or has fields of other types
	BinaryFrame   Violation = "binary"
	FrameType     Violation = "frame_type"
	BadID         Violation = "bad_id"
	UnknownMethod Violation = "unknown_method"
	TooBig        Violation = "too_big"    // closed with 1009
	Fragmented    Violation = "fragmented" // likewise
	Malformed     Violation = "malformed"  // not what RFC 6455 allows; closed with 1002
)

func violations() []Violation {
	return []Violation{NotJSON, TooDeep, WrongType, BinaryFrame, FrameType, BadID, UnknownMethod, TooBig, Fragmented, Malformed}
}

// Outcome is how a run ended.
type Outcome string

// The outcomes.
const (
	Completed Outcome = "completed"
	Failed    Outcome = "failed"
	Cancelled Outcome = "cancelled"
)

func outcomes() []Outcome {
	return []Outcome{Completed, Failed, Cancelled}
}

// Directions of files.
const (
	received = "received"
	served   = "served"
)
