// Package agent defines what answers a user: the [Agent] interface, the errors that a run
// can end with, and the part of the history that goes into a prompt.
//
// Its nouns:
//
//   - An agent answers conversations: a model behind an API, or the built-in demo.
//   - A run is one call of [Agent.Run]: one answer.
//   - A [Request] is the conversation to be answered, as a list of messages.
//   - A [Piece] is one increment of the answer while it streams.
//   - A [File] is an attachment of a message, with as much of its content as agents get.
//   - The window is the newest part of a history that fits into a prompt ([Window]).
//   - [Usage] counts the tokens of a run and says why the answer ended.
//   - An [*Error] is a failed run: a code for machines and a sentence for the user.
//
// The adapters are the packages below: builtin (the demo, without a network), openai and
// anthropic. Only the latter two import a provider's SDK; both build on upstream.
package agent

import "context"

// Role says who wrote a message.
type Role string

// The roles of a conversation.
const (
	System    Role = "system"
	User      Role = "user"
	Assistant Role = "assistant"
)

// Message is one entry of the conversation that an agent is given.
type Message struct {
	Role  Role
	Text  string // may be empty if there are Files
	Files []File // the message's attachments
}

// Request is what an agent answers.
type Request struct {
	// Messages are the conversation so far. The last message is the one to be answered.
	// The agent's system prompt is not among them: it is part of the agent's
	// configuration.
	Messages []Message
	// Stream says whether somebody watches the answer grow. If not, the agent may emit
	// the answer as one piece, but need not.
	Stream bool
	// UserID identifies the user. The model adapters do not send it to the provider.
	UserID string
}

// Piece is one increment of an answer. Usually one field is set. Text and Thinking are
// valid UTF-8 without NUL.
type Piece struct {
	// TextWasThinking says that all Text so far was the model's reasoning: that text is
	// appended to the reasoning, and the answer begins anew. The other fields come after
	// that. It happens with models that mark only the end of their reasoning.
	TextWasThinking bool
	// Text is appended to the answer.
	Text string
	// Thinking is appended to the model's reasoning, which is not part of the answer.
	Thinking string
	// Activity names what the agent is doing now ("thinking", "writing"). Empty means
	// that the activity has not changed.
	Activity string
}

// Finish is why an answer ended.
type Finish string

// The reasons why an answer ended. After FinishLength and FinishFilter the answer stops
// early, which is no failure. Every other reason of a provider is an [*Error].
const (
	FinishStop   Finish = "stop"   // the answer is complete
	FinishLength Finish = "length" // max_tokens or the model's context was used up
	FinishFilter Finish = "filter" // the provider's content filter stopped it
)

// Usage is what a run cost, and why its answer ended.
type Usage struct {
	// The tokens that the provider counted. They are zero if it has reported none, for
	// example because the run failed before the first response.
	InputTokens, OutputTokens int
	Finish                    Finish
}

// Agent answers conversations. It is safe for concurrent use.
type Agent interface {
	// Run answers r. The Text of all pieces since the last one with TextWasThinking,
	// concatenated, is the answer. If Run returns no error, the answer is not empty.
	//
	// Run calls emit in order and from the caller's goroutine, and never again after ctx
	// is done or emit has returned an error. Run returns when the answer is complete, and
	// promptly
	//   - with emit's error, unchanged, once emit has failed;
	//   - with ctx.Err() once ctx is done;
	//   - with an [*Error] when the agent fails.
	//
	// When Run returns, its goroutines have ended and its connections are closed, except
	// idle connections that are kept for the next run.
	Run(ctx context.Context, r Request, emit func(Piece) error) (Usage, error)
}
