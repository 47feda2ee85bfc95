package protocol

import "github.com/gatehouse-chat/gatehouse/shared/jsontext"

// ChatSendParams sends a message and starts a run.
type ChatSendParams struct {
	Message        string  `json:"message"`
	SessionKey     string  `json:"sessionKey,omitempty"`
	AgentID        string  `json:"agentId,omitempty"`
	Stream         *bool   `json:"stream,omitempty"`
	Media          []Media `json:"media,omitempty"`
	IdempotencyKey string  `json:"idempotencyKey,omitempty"`
	Ack            string  `json:"ack,omitempty"`
}

// Media is an uploaded file that a message carries. In chat.send Path is that of
// MediaUploadResult; the gateway fills in what follows Filename. Width and Height
// are an image's, in pixels; Thumbnail tells that Path + "?thumbnail" gives a
// small picture of it.
type Media struct {
	Path      string `json:"path"`
	Filename  string `json:"filename,omitempty"`
	MimeType  string `json:"mimeType,omitempty"`
	Size      int64  `json:"size,omitempty"`
	Width     int64  `json:"width,omitempty"`
	Height    int64  `json:"height,omitempty"`
	Thumbnail bool   `json:"thumbnail,omitempty"`
}

// MediaUploadResult answers POST /api/media/upload.
type MediaUploadResult struct {
	Path      string `json:"path"`
	MimeType  string `json:"mime_type"`
	Filename  string `json:"filename"`
	Size      int64  `json:"size"`
	Width     int64  `json:"width,omitempty"`
	Height    int64  `json:"height,omitempty"`
	Thumbnail bool   `json:"thumbnail,omitempty"`
}

// Usage is what a run cost, in tokens.
type Usage struct {
	InputTokens  int64 `json:"input_tokens"`
	OutputTokens int64 `json:"output_tokens"`
}

// ChatSendResult answers chat.send: by default when the run has ended, with ack
// "accepted" as soon as the message is durable.
type ChatSendResult struct {
	RunID      string  `json:"runId"`
	SessionKey string  `json:"sessionKey"`
	Content    *string `json:"content,omitempty"`
	Usage      *Usage  `json:"usage,omitempty"`
	MessageID  string  `json:"messageId,omitempty"`
	Seq        int64   `json:"seq,omitempty"`
	Epoch      string  `json:"epoch,omitempty"`
	Status     string  `json:"status,omitempty"`
}

// ChatHistoryParams asks for a page of a session's messages, before a seq.
type ChatHistoryParams struct {
	SessionKey string `json:"sessionKey"`
	AgentID    string `json:"agentId,omitempty"`
	Before     int64  `json:"before,omitempty"`
	Limit      *int64 `json:"limit,omitempty"`
}

// ChatHistoryResult is a page of messages, oldest first.
type ChatHistoryResult struct {
	Messages   []Message `json:"messages"`
	SessionKey string    `json:"sessionKey"`
	Epoch      string    `json:"epoch"`
	LastSeq    int64     `json:"lastSeq"`
	HasMore    bool      `json:"hasMore"`
}

// Message is one entry of a transcript. Seq is that of the event which made it.
// ReplyTo is the id of the user's message that an answer answers: transcripts
// are ordered by seq, but an answer stands right behind what it answers.
type Message struct {
	ID        string        `json:"id"`
	Role      MessageRole   `json:"role"`
	Content   string        `json:"content"`
	Status    MessageStatus `json:"status"`
	CreatedAt Time          `json:"createdAt"`
	RunID     string        `json:"runId,omitempty"`
	Seq       int64         `json:"seq"`
	ReplyTo   string        `json:"replyTo,omitempty"`
	Media     []Media       `json:"media,omitempty"`
	Label     string        `json:"label,omitempty"`
	Author    *Author       `json:"author,omitempty"`
	Thinking  string        `json:"thinking,omitempty"`
	Error     string        `json:"error,omitempty"`
	HTML      *HTML         `json:"html,omitempty"`
}

// Author is who wrote a message that the session's owner did not.
type Author struct {
	UserID string `json:"userId"`
	Role   Role   `json:"role"`
}

// HTML is formatted text: from index From on, the answer's block elements are
// now Blocks; or Append is added to the text of the last, open block; or, with
// neither, nothing changes. From -1 drops the formatted text: the plain one is
// shown instead.
type HTML struct {
	From   int64    `json:"from"`
	Blocks []string `json:"blocks,omitempty"`
	Append string   `json:"append,omitempty"`
}

// ChatInjectParams adds to a transcript without starting a run.
type ChatInjectParams struct {
	SessionKey string `json:"sessionKey"`
	Message    string `json:"message"`
	Label      string `json:"label,omitempty"`
}

// ChatInjectResult answers chat.inject.
type ChatInjectResult struct {
	OK        bool   `json:"ok"`
	MessageID string `json:"messageId"`
}

// ChatAbortParams stops a session's runs, or one run.
type ChatAbortParams struct {
	SessionKey string `json:"sessionKey,omitempty"`
	RunID      string `json:"runId,omitempty"`
}

// ChatAbortResult says which runs were stopped or taken back.
type ChatAbortResult struct {
	OK      bool     `json:"ok"`
	Aborted bool     `json:"aborted"`
	RunIDs  []string `json:"runIds"`
}

// ChatStatusParams asks what a session is doing.
type ChatStatusParams struct {
	SessionKey string `json:"sessionKey"`
}

// ChatStatusResult answers chat.session.status.
type ChatStatusResult struct {
	IsRunning bool      `json:"isRunning"`
	RunID     string    `json:"runId"`
	Activity  *Activity `json:"activity"`
	Queued    int64     `json:"queued"`
	LastSeq   int64     `json:"lastSeq"`
	Epoch     string    `json:"epoch"`
}

// ChatRetryParams answers a user's message once more: RunID is the run that
// failed or was stopped.
type ChatRetryParams struct {
	SessionKey     string `json:"sessionKey"`
	RunID          string `json:"runId"`
	Stream         *bool  `json:"stream,omitempty"`
	IdempotencyKey string `json:"idempotencyKey,omitempty"`
	Ack            string `json:"ack,omitempty"`
}

// ChatReplayParams asks for a session's events after a seq; with Epoch, only
// of that log.
type ChatReplayParams struct {
	SessionKey string `json:"sessionKey"`
	Epoch      string `json:"epoch,omitempty"`
	AfterSeq   int64  `json:"afterSeq"`
	Limit      *int64 `json:"limit,omitempty"`
}

// ChatReplayResult is a part of a log, as event frames in the order of their
// seq; there is more while LastSeq is beyond the last of them. With Reset the
// events cannot be had: chat.history is to be read instead.
type ChatReplayResult struct {
	Events     []Frame `json:"events"`
	SessionKey string  `json:"sessionKey"`
	Epoch      string  `json:"epoch"`
	LastSeq    int64   `json:"lastSeq"`
	Reset      bool    `json:"reset"`
}

// ChatWatchParams makes an admin's connection follow a session, from after
// AfterSeq where that is given.
type ChatWatchParams struct {
	SessionKey string `json:"sessionKey"`
	Epoch      string `json:"epoch,omitempty"`
	AfterSeq   *int64 `json:"afterSeq,omitempty"`
}

// ChatUnwatchParams ends that.
type ChatUnwatchParams struct {
	SessionKey string `json:"sessionKey"`
}

// Activity is what a run is busy with.
type Activity struct {
	Phase string `json:"phase"`
	Tool  string `json:"tool,omitempty"`
}

// AgentEvent is the payload of an agent event; Payload is one of the types
// below, as Type says.
type AgentEvent struct {
	Type       string       `json:"type"`
	SessionKey string       `json:"sessionKey"`
	AgentID    string       `json:"agentId"`
	RunID      string       `json:"runId"`
	UserID     string       `json:"userId"`
	Channel    string       `json:"channel"`
	Payload    jsontext.Raw `json:"payload"`
}

// RunStartedPayload opens an answer; UserMessageID is what it answers.
type RunStartedPayload struct {
	MessageID     string `json:"messageId,omitempty"`
	UserMessageID string `json:"userMessageId,omitempty"`
	CreatedAt     Time   `json:"createdAt,omitempty"`
}

// TextPayload is the payload of thinking and chunk events.
type TextPayload struct {
	Content string `json:"content"`
	HTML    *HTML  `json:"html,omitempty"`
}

// ToolCallPayload is an agent's call of a tool.
type ToolCallPayload struct {
	ID        string       `json:"id"`
	Name      string       `json:"name"`
	Arguments jsontext.Raw `json:"arguments"`
}

// ToolResultPayload is what a tool answered.
type ToolResultPayload struct {
	ID      string `json:"id"`
	Content string `json:"content"`
	IsError bool   `json:"is_error"`
}

// RunCompletedPayload ends a run; Content is the whole answer, and HTML brings
// the formatted answer to its final state.
type RunCompletedPayload struct {
	MessageID string `json:"messageId"`
	Content   string `json:"content"`
	Usage     *Usage `json:"usage,omitempty"`
	HTML      *HTML  `json:"html,omitempty"`
}

// RunFailedPayload ends a run that failed; Error is a sentence for people.
type RunFailedPayload struct {
	Error     string `json:"error"`
	Code      Code   `json:"code"`
	MessageID string `json:"messageId,omitempty"`
	HTML      *HTML  `json:"html,omitempty"`
}

// RunCancelledPayload ends a run that was stopped; without MessageID it was
// taken back before it began.
type RunCancelledPayload struct {
	MessageID string `json:"messageId,omitempty"`
	HTML      *HTML  `json:"html,omitempty"`
}

// ChatEvent is the payload of a chat event.
type ChatEvent struct {
	Type       string  `json:"type"`
	SessionKey string  `json:"sessionKey"`
	Message    Message `json:"message"`
}
