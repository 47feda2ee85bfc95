// Package agent is what answers a user: the [Agent] interface, the errors that a run ends in, and the
// [Window] of history that goes into a prompt. The adapters are the packages beneath it: builtin (the demo,
// no network), openai and anthropic. Only those two import a provider's SDK.
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
	Text  string // may be empty where there are Files
	Files []File // that came with it
}

// Request is what an agent answers: the conversation so far, ending with the message to be answered.
// The agent's own system prompt is part of its configuration and not among the messages.
type Request struct {
	Messages []Message
	// Stream false is a hint that nobody watches the pieces. Agents may stream all the same.
	Stream bool
	// UserID tells users apart for agents that need it. The model adapters do not send it anywhere.
	UserID string
}

// Piece is one increment of an answer. Usually one field is set.
type Piece struct {
	// Text is appended to the answer. It is valid UTF-8 without NUL.
	Text string
	// Thinking is appended to the model's reasoning, which is not part of the answer. Valid UTF-8 without NUL.
	Thinking string
	// Activity names what the agent is doing now ("thinking", "writing"); empty means no change.
	Activity string
}

// Finish is why an answer ended.
type Finish string

// The ways an answer ends. All but FinishStop leave a text that its writer did not complete.
const (
	FinishStop   Finish = "stop"   // the agent was done
	FinishLength Finish = "length" // max_tokens or the model's context was used up
	FinishFilter Finish = "filter" // the provider's content filter stopped it
)

// Usage is what a completed answer cost and how it ended. Counts are tokens as the provider reports them,
// zero if it does not; they are zero too when Run returns an error before the provider has said anything.
type Usage struct {
	InputTokens, OutputTokens int
	Finish                    Finish
}

// Agent answers. It is safe for concurrent use.
type Agent interface {
	// Run answers r. The Text of all pieces, concatenated, is the answer; a nil error means that it is not empty.
	//
	// Run calls emit in order, from its own goroutine, and not again after ctx is done or emit has failed.
	// It returns when the answer is complete, and promptly
	//   - with emit's error, unchanged, once emit has failed;
	//   - with ctx.Err() once ctx is done;
	//   - with an [*Error] when the agent fails.
	// No goroutine or connection of the run outlives it, but for idle connections kept for the next one.
	Run(ctx context.Context, r Request, emit func(Piece) error) (Usage, error)
}
