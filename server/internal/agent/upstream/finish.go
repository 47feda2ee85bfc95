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

// finishes are the reasons that model servers give, as plainReason writes them. Reasons of Google's,
// Mistral's, Cohere's and Zhipu's APIs are among them, since gateways pass them on.
var finishes = map[string]agent.Finish{
	"stop": agent.FinishStop, "eos": agent.FinishStop, "eostoken": agent.FinishStop,
	"endturn": agent.FinishStop, "stopsequence": agent.FinishStop, "end": agent.FinishStop,
	"complete": agent.FinishStop, "completed": agent.FinishStop,
	"done": agent.FinishStop, "finished": agent.FinishStop, "finish": agent.FinishStop,

	"length": agent.FinishLength, "maxtokens": agent.FinishLength,
	"maxoutputtokens": agent.FinishLength, "maxcompletiontokens": agent.FinishLength,
	"modellength": agent.FinishLength, "contextlength": agent.FinishLength,
	"modelcontextwindowexceeded": agent.FinishLength, "maxlength": agent.FinishLength,
	"maxnewtokens": agent.FinishLength, "tokenlimit": agent.FinishLength,

	"contentfilter": agent.FinishFilter, "contentfiltered": agent.FinishFilter,
	"refusal": agent.FinishFilter, "safety": agent.FinishFilter,
	"recitation": agent.FinishFilter, "blocklist": agent.FinishFilter,
	"prohibitedcontent": agent.FinishFilter, "spii": agent.FinishFilter,
	"sensitive": agent.FinishFilter, "errortoxic": agent.FinishFilter,
	"guardrailintervened": agent.FinishFilter, "imagesafety": agent.FinishFilter,
	"contentpolicy": agent.FinishFilter, "moderation": agent.FinishFilter,

	"toolcalls": finishTools, "functioncall": finishTools, "tooluse": finishTools,
	"toolcall": finishTools,
}

// finish returns why the answer ended, or "" if the stream does not say so.
func (e Ending) finish() agent.Finish {
	reason := plainReason(e.Reason)
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

// plainReason returns a reason in lower case, without what stands between its words, and
// without the prefix of Google's constants: servers write max_tokens, MAX_TOKENS,
// max-tokens, maxTokens and FINISH_REASON_MAX_TOKENS. It returns "" for a null in quotes.
func plainReason(reason string) string {
	plain := wordBreaks.Replace(strings.ToLower(reason))
	plain = strings.TrimPrefix(plain, "finishreason")
	if plain == "null" || plain == "none" {
		return ""
	}
	return plain
}

var wordBreaks = strings.NewReplacer("_", "", "-", "", " ", "")
