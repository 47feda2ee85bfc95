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
	Own            bool    `json:"own,omitempty"`
}

// Media is an uploaded file of a message. In chat.send, Path comes from
// MediaUploadResult, and the gateway fills in the fields after Filename. Size is in
// bytes. Width and Height are an image's, in pixels. Thumbnail reports that
// Path + "?thumbnail" serves a small picture of the image. NoText reports that models get
// only the file's name: it is neither an image nor text, and no text was found in it.
type Media struct {
	Path      string `json:"path"`
	Filename  string `json:"filename,omitempty"`
	MimeType  string `json:"mimeType,omitempty"`
	Size      int64  `json:"size,omitempty"`
	Width     int64  `json:"width,omitempty"`
	Height    int64  `json:"height,omitempty"`
	Thumbnail bool   `json:"thumbnail,omitempty"`
	NoText    bool   `json:"noText,omitempty"`
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
	NoText    bool   `json:"no_text,omitempty"`
}

// Usage is the cost of a run, in tokens. WithAliases sets the other fields.
type Usage struct {
	InputTokens      int64 `json:"input_tokens"`
	OutputTokens     int64 `json:"output_tokens"`
	PromptTokens     int64 `json:"prompt_tokens,omitempty"`     // InputTokens, for v3
	CompletionTokens int64 `json:"completion_tokens,omitempty"` // OutputTokens, for v3
	TotalTokens      int64 `json:"total_tokens,omitempty"`      // the sum, for v3
}

// ChatSendResult answers chat.send. If ChatSendParams.Ack is AckAccepted, the answer comes as
// soon as the message is durable; otherwise when the run has ended, with why its answer
// ended as Finish. Status is a Send… value.
type ChatSendResult struct {
	RunID      string  `json:"runId"`
	SessionKey string  `json:"sessionKey"`
	Content    *string `json:"content,omitempty"`
	Usage      *Usage  `json:"usage,omitempty"`
	Finish     Finish  `json:"finish,omitempty"`
	MessageID  string  `json:"messageId,omitempty"`
	Seq        int64   `json:"seq,omitempty"`
	Epoch      string  `json:"epoch,omitempty"`
	Status     string  `json:"status,omitempty"`
	OwnerID    string  `json:"ownerId,omitempty"`
}

// ChatHistoryParams asks for a page of a session's messages: the latest ones before the
// seq Before, or the latest ones of all.
type ChatHistoryParams struct {
	SessionKey string `json:"sessionKey"`
	AgentID    string `json:"agentId,omitempty"`
	Before     int64  `json:"before,omitempty"`
	Limit      *int64 `json:"limit,omitempty"`
}

// ChatHistoryResult is a page of messages, oldest first. Activity is what the running run
// is doing, on the newest page.
type ChatHistoryResult struct {
	Messages   []Message `json:"messages"`
	Activity   *Activity `json:"activity,omitempty"`
	SessionKey string    `json:"sessionKey"`
	Epoch      string    `json:"epoch"`
	LastSeq    int64     `json:"lastSeq"`
	HasMore    bool      `json:"hasMore"`
	OwnerID    string    `json:"ownerId,omitempty"`
}

// Message is one entry of a transcript. Seq is the seq of the event that added it.
// ReplyTo is the id of the user message that an answer replies to. Transcripts are
// ordered by seq, except that an answer directly follows the message it replies to.
// Finish says why a complete answer ended. Rejected says, of a failed answer, that the
// provider refused the message it replies to: later prompts leave that message out.
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
	Finish    Finish        `json:"finish,omitempty"`
	Rejected  bool          `json:"rejected,omitempty"`
	HTML      *HTML         `json:"html,omitempty"`
	Created   Time          `json:"created_at,omitempty"` // CreatedAt, for v3; in histories
	MediaRefs []MediaRef    `json:"media_refs,omitempty"` // Media, for v3; in histories
}

// MediaRef is a Media as v3 names its fields. Kind is image or document.
type MediaRef struct {
	ID       string `json:"id"`
	MimeType string `json:"mime_type"`
	Kind     string `json:"kind"`
	Path     string `json:"path"`
	Filename string `json:"filename,omitempty"`
}

// Author is the user who wrote a message, if that is not the session's owner.
type Author struct {
	UserID string `json:"userId"`
	Role   Role   `json:"role"`
}

// HTML is a patch of an answer's formatted text, which is a list of block elements. The
// patch does one of these:
//
//   - If From is -1, it removes the formatted text, so that the plain text is shown.
//   - If there are Blocks, they replace the blocks from index From on.
//   - If there is Append, it is added to the text of the last block.
//   - Without any of these, nothing changes.
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
	Own        bool   `json:"own,omitempty"`
}

// ChatInjectResult answers chat.inject.
type ChatInjectResult struct {
	OK        bool   `json:"ok"`
	MessageID string `json:"messageId"`
	OwnerID   string `json:"ownerId,omitempty"`
}

// ChatAbortParams stops one run, or all runs of a session.
type ChatAbortParams struct {
	SessionKey string `json:"sessionKey,omitempty"`
	RunID      string `json:"runId,omitempty"`
	Own        bool   `json:"own,omitempty"`
}

// ChatAbortResult lists the runs that were stopped or withdrawn.
type ChatAbortResult struct {
	OK      bool     `json:"ok"`
	Aborted bool     `json:"aborted"`
	RunIDs  []string `json:"runIds"`
	OwnerID string   `json:"ownerId,omitempty"`
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
	OwnerID   string    `json:"ownerId,omitempty"`
}

// ChatRetryParams asks for another answer to a user's message. RunID is the run that
// failed or was stopped.
type ChatRetryParams struct {
	SessionKey     string `json:"sessionKey"`
	RunID          string `json:"runId"`
	Stream         *bool  `json:"stream,omitempty"`
	IdempotencyKey string `json:"idempotencyKey,omitempty"`
	Ack            string `json:"ack,omitempty"`
	Own            bool   `json:"own,omitempty"`
}

// ChatReplayParams asks for a session's events after a seq; if Epoch is given, only of
// that log.
type ChatReplayParams struct {
	SessionKey string `json:"sessionKey"`
	Epoch      string `json:"epoch,omitempty"`
	AfterSeq   int64  `json:"afterSeq"`
	Limit      *int64 `json:"limit,omitempty"`
}

// ChatReplayResult is a part of a log, as event frames in the order of seq. There are
// more events if LastSeq is greater than the last frame's seq. Reset reports that the
// events are no longer available: read chat.history instead.
type ChatReplayResult struct {
	Events     []Frame `json:"events"`
	SessionKey string  `json:"sessionKey"`
	Epoch      string  `json:"epoch"`
	LastSeq    int64   `json:"lastSeq"`
	Reset      bool    `json:"reset"`
	OwnerID    string  `json:"ownerId,omitempty"`
}

// ChatWatchParams makes an admin's connection receive a session's events: those after
// AfterSeq, if it is given, and live ones.
type ChatWatchParams struct {
	SessionKey string `json:"sessionKey"`
	Epoch      string `json:"epoch,omitempty"`
	AfterSeq   *int64 `json:"afterSeq,omitempty"`
}

// ChatUnwatchParams ends what chat.watch began.
type ChatUnwatchParams struct {
	SessionKey string `json:"sessionKey"`
}

// Activity is what a run is doing. Phase is a Phase… value, or a name that the agent gives.
// Tool is the tool that the run uses, if any. While the run waits before it asks the agent
// again, Reason is a Wait… value and Until is the end of the wait.
type Activity struct {
	Phase  string `json:"phase"`
	Tool   string `json:"tool,omitempty"`
	Reason string `json:"reason,omitempty"`
	Until  Time   `json:"until,omitempty"`
}

// AgentEvent is the payload of an agent event. Type says which of the following payload
// types Payload is.
type AgentEvent struct {
	Type       string       `json:"type"`
	SessionKey string       `json:"sessionKey"`
	AgentID    string       `json:"agentId"`
	RunID      string       `json:"runId"`
	UserID     string       `json:"userId"`
	Channel    string       `json:"channel"`
	Payload    jsontext.Raw `json:"payload"`
}

// RunStartedPayload begins an answer to the message UserMessageID.
type RunStartedPayload struct {
	MessageID     string `json:"messageId,omitempty"`
	UserMessageID string `json:"userMessageId,omitempty"`
	CreatedAt     Time   `json:"createdAt,omitempty"`
}

// TextPayload is the payload of thinking and chunk events. In a thinking event,
// TextWasThinking says that the chunks so far were reasoning: they are appended to the
// thinking before Content, and the answer is empty again.
type TextPayload struct {
	Content         string `json:"content"`
	TextWasThinking bool   `json:"textWasThinking,omitempty"`
	HTML            *HTML  `json:"html,omitempty"`
}

// ToolCallPayload is an agent's call of a tool.
type ToolCallPayload struct {
	ID        string       `json:"id"`
	Name      string       `json:"name"`
	Arguments jsontext.Raw `json:"arguments"`
}

// ToolResultPayload is a tool's result. Result is Content, for v3.
type ToolResultPayload struct {
	ID      string `json:"id"`
	Content string `json:"content"`
	Result  string `json:"result"`
	IsError bool   `json:"is_error"`
}

// RunCompletedPayload ends a run. Content is the whole answer, and HTML is the last patch
// of the formatted text.
type RunCompletedPayload struct {
	MessageID string `json:"messageId"`
	Content   string `json:"content"`
	Usage     *Usage `json:"usage,omitempty"`
	Finish    Finish `json:"finish,omitempty"`
	HTML      *HTML  `json:"html,omitempty"`
}

// RunFailedPayload ends a run that failed; Error is a sentence for people. Rejected is
// that of the Message.
type RunFailedPayload struct {
	Error     string `json:"error"`
	Code      Code   `json:"code"`
	MessageID string `json:"messageId,omitempty"`
	Rejected  bool   `json:"rejected,omitempty"`
	HTML      *HTML  `json:"html,omitempty"`
}

// RunCancelledPayload ends a run that was stopped. Without MessageID the run was
// withdrawn before it began.
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
