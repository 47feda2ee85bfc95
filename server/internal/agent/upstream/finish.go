package upstream

import (
	"strings"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
)

// Ending is how the stream of a response ended, as the adapter saw it.
type Ending struct {
	Err        error  // why reading the stream failed, if it did
	ErrorEvent []byte // the provider's error event, as JSON; empty if there was none
	Known      bool   // whether at least one event belongs to the API
	Reason     string // the provider's reason why the answer ended; empty if it gave none
	Done       bool   // whether the stream had the event that ends it
	ToolCalled bool   // whether the model has called a tool; it was given none
	Tool       string // the name of the tool
}

// finishTools is the finish of an answer that ends in calls of tools, and finishUnknown
// that of an answer whose reason says nothing good. Both are failures, so agents never
// return them.
const (
	finishTools   agent.Finish = "tools"
	finishUnknown agent.Finish = "unknown"
)

// finishes are the reasons that model servers give, in lower case. Reasons of Google's,
// Mistral's, Cohere's and Zhipu's APIs are among them, since gateways pass them on.
var finishes = map[string]agent.Finish{
	"stop": agent.FinishStop, "eos": agent.FinishStop, "eos_token": agent.FinishStop,
	"end_turn": agent.FinishStop, "stop_sequence": agent.FinishStop, "end": agent.FinishStop,
	"complete": agent.FinishStop, "completed": agent.FinishStop,

	"length": agent.FinishLength, "max_tokens": agent.FinishLength,
	"max_output_tokens": agent.FinishLength, "max_completion_tokens": agent.FinishLength,
	"model_length": agent.FinishLength, "context_length": agent.FinishLength,
	"model_context_window_exceeded": agent.FinishLength,

	"content_filter": agent.FinishFilter, "content_filtered": agent.FinishFilter,
	"refusal": agent.FinishFilter, "safety": agent.FinishFilter,
	"recitation": agent.FinishFilter, "blocklist": agent.FinishFilter,
	"prohibited_content": agent.FinishFilter, "spii": agent.FinishFilter,
	"sensitive": agent.FinishFilter, "error_toxic": agent.FinishFilter,
	"guardrail_intervened": agent.FinishFilter,

	"tool_calls": finishTools, "function_call": finishTools, "tool_use": finishTools,
	"tool_call": finishTools,
}

// finish returns why the answer ended, or "" if the stream does not say so.
func (e Ending) finish() agent.Finish {
	reason := strings.ToLower(e.Reason)
	if reason == "" && e.Done {
		reason = "stop" // some servers give no reason
	}
	if reason == "" {
		return ""
	}
	f, known := finishes[reason]
	if !known {
		f = finishUnknown
	}
	return f
}
