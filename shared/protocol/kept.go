package protocol

// KeptMessage is a message on its way to a session's log, as a client keeps it
// until it is acknowledged. No frame has it.
type KeptMessage struct {
	Key        string     `json:"key"`
	SessionKey string     `json:"sessionKey"`
	Message    string     `json:"message"`
	At         int64      `json:"at"` // milliseconds since 1970 UTC
	After      int64      `json:"after"`
	Tried      bool       `json:"tried"`
	Files      []KeptFile `json:"files,omitempty"`
	Refused    *Error     `json:"refused,omitempty"`
}

// KeptFile is a file that such a message carries. Media has a Path once it is
// uploaded; until then the client holds the content under Key.
type KeptFile struct {
	Key   string `json:"key"`
	Media Media  `json:"media"`
}

// KeptFiles are those of a message that is being written.
type KeptFiles struct {
	Files []KeptFile `json:"files"`
}
