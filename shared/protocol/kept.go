package protocol

// KeptMessage is a message as a client stores it until the gateway has acknowledged it.
// It is not part of any frame.
type KeptMessage struct {
	Key        string     `json:"key"`
	SessionKey string     `json:"sessionKey"`
	Message    string     `json:"message"`
	At         int64      `json:"at"`    // milliseconds since 1970 UTC
	After      int64      `json:"after"` // last seq of the session that the author had read
	Tried      bool       `json:"tried"`
	Files      []KeptFile `json:"files,omitempty"`
	Refused    *Error     `json:"refused,omitempty"`
}

// KeptFile is a file of a KeptMessage. Media has a Path once the file is uploaded. Until
// then the client stores the content under Key.
type KeptFile struct {
	Key   string `json:"key"`
	Media Media  `json:"media"`
}

// KeptFiles are the files attached to a message that the user is still writing.
type KeptFiles struct {
	Files []KeptFile `json:"files"`
}
