package metrics

// Label values of requests.
const (
	OK      = "ok"      // the code of a success
	Unknown = "unknown" // the method, if a frame names none that the gateway has
)

// Refusal is why a WebSocket was not opened.
type Refusal string

// The refusals. Some are named after the setting that they enforce.
const (
	// RefusedHandshake is a request that is no WebSocket handshake, often because a
	// proxy has removed its Upgrade header.
	RefusedHandshake Refusal = "handshake"
	RefusedOrigin    Refusal = "origin"   // not in gateway.allowed_origins
	RefusedHost      Refusal = "host"     // not the gateway's, see gateway.hosts
	RefusedStopping  Refusal = "stopping" // the gateway shuts down
	RefusedFull      Refusal = "max_connections"
	RefusedAddress   Refusal = "max_connections_per_address"
	RefusedPending   Refusal = "max_pending_connections"
	// RefusedUser is a refusal in the answer to connect, after the upgrade.
	RefusedUser Refusal = "max_connections_per_user"
)

func refusals() []Refusal {
	return []Refusal{RefusedHandshake, RefusedOrigin, RefusedHost, RefusedStopping, RefusedFull,
		RefusedAddress, RefusedPending, RefusedUser}
}

// Drop is why a TCP connection was closed before its client had sent a whole request.
type Drop string

// The drops.
const (
	DroppedFull    Drop = "max_connections"
	DroppedAddress Drop = "max_connections_per_address"
	DroppedRequest Drop = "bad_request" // the request was malformed, too large or too slow
	DroppedSilent  Drop = "silent"      // the client sent nothing
	DroppedFiles   Drop = "open_files"  // the process cannot open more files
)

func drops() []Drop {
	return []Drop{DroppedFull, DroppedAddress, DroppedRequest, DroppedSilent, DroppedFiles}
}

// Limit is a rate limit.
type Limit string

// The limits.
const (
	LimitUser    Limit = "user"    // gateway.rate_limit_rpm
	LimitUploads Limit = "uploads" // gateway.rate_limit_rpm, for uploads
	LimitCalls   Limit = "calls"   // unauthenticated calls from one address
	LimitPolls   Limit = "polls"   // polls of the pairing status from one address
	LimitTokens  Limit = "tokens"  // wrong tokens from one address
)

func limits() []Limit {
	return []Limit{LimitUser, LimitUploads, LimitCalls, LimitPolls, LimitTokens}
}

// Violation is what is wrong with a frame.
type Violation string

// The violations.
const (
	NotJSON       Violation = "not_json"
	TooDeep       Violation = "too_deep"
	WrongType     Violation = "wrong_type" // no object, or a field has the wrong type
	BinaryFrame   Violation = "binary"
	FrameType     Violation = "frame_type"
	BadID         Violation = "bad_id"
	UnknownMethod Violation = "unknown_method"
	TooBig        Violation = "too_big"    // closes the connection with 1009
	Fragmented    Violation = "fragmented" // too many fragments; closes with 1009
	Malformed     Violation = "malformed"  // violates RFC 6455; closes with 1002
)

func violations() []Violation {
	return []Violation{NotJSON, TooDeep, WrongType, BinaryFrame, FrameType, BadID, UnknownMethod,
		TooBig, Fragmented, Malformed}
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

// Label values of media: the directions, as the gateway sees them.
const (
	received = "received"
	served   = "served"
)
