package protocol

// UnsentMessage is a message that the gateway has not acknowledged, in the form in which a
// client stores it on its own machine. No frame has one.
type UnsentMessage struct {
	Key        string       `json:"key"`
	SessionKey string       `json:"sessionKey"`
	Message    string       `json:"message"`
	At         int64        `json:"at"`    // milliseconds since 1970 UTC
	After      int64        `json:"after"` // last seq of the session that the author had read
	Tried      bool         `json:"tried"` // sent at least once
	Files      []Attachment `json:"files,omitempty"`
	Refused    *Error       `json:"refused,omitempty"` // why the gateway refused it
}

// Attachment is a file of an UnsentMessage or of a draft. Media has a Path once the file is
// uploaded. Until then the client stores the file's content under Key.
type Attachment struct {
	Key   string `json:"key"`
	Media Media  `json:"media"`
}

// Attachments are the files of a draft: a message that the user is still writing.
type Attachments struct {
	Files []Attachment `json:"files"`
}
