package openai

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"

	sdk "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/respjson"
	"github.com/openai/openai-go/v3/packages/ssestream"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
	"github.com/gatehouse-chat/gatehouse/server/internal/agent/upstream"
)

// model is the agent. It is safe for concurrent use.
type model struct {
	server      *upstream.Server
	completions sdk.ChatCompletionService
	params      sdk.ChatCompletionNewParams
	prompt      string      // the system prompt
	noUsage     atomic.Bool // the server refuses stream_options, which ask for the usage
}

// Retire closes the idle connections. Call it when a reload has replaced the agent: runs
// that are under way go on.
func (m *model) Retire() { m.server.Retire() }

// Run implements [agent.Agent]. It always asks for a stream. If the model refuses the
// images of the conversation, Run asks once more without them.
func (m *model) Run(ctx context.Context, r agent.Request,
	emit func(agent.Piece) error) (agent.Usage, error) {
	if err := ctx.Err(); err != nil {
		return agent.Usage{}, err
	}
	p := m.params
	p.Messages = messages(m.prompt, r.Messages)
	if len(r.Messages) == 0 {
		return agent.Usage{}, m.server.NoMessage()
	}
	x := m.server.Begin(ctx, emit)
	defer x.Close()
	p.StreamOptions.IncludeUsage = sdk.Bool(true)
	if m.noUsage.Load() {
		p.StreamOptions = sdk.ChatCompletionStreamOptionsParam{}
	}
	a := m.request(x, p)
	if p.StreamOptions.IncludeUsage.Value && refusedUsage(a.ending.Err) {
		m.noUsage.Store(true)
		p.StreamOptions = sdk.ChatCompletionStreamOptionsParam{}
		a = m.request(x, p)
	}
	withoutImages, had := agent.WithoutImages(r.Messages)
	if had && upstream.RefusedImages(a.ending.Err) {
		p.Messages = messages(m.prompt, withoutImages)
		a = m.request(x, p)
	}
	a.usage.Finish = a.ending.Finish
	return a.usage, x.End(a.ending)
}

// refusedUsage reports whether the server rejects stream_options instead of ignoring
// them.
func refusedUsage(err error) bool {
	var status *upstream.StatusError
	return errors.As(err, &status) &&
		(status.Status == http.StatusBadRequest ||
			status.Status == http.StatusUnprocessableEntity) &&
		strings.Contains(status.Detail, "stream_options")
}

// answer is what one response has said about the answer, except its text.
type answer struct {
	usage  agent.Usage
	ending upstream.Ending
}

// request sends one request and emits the answer.
func (m *model) request(x *upstream.Exchange, p sdk.ChatCompletionNewParams) answer {
	stream := m.completions.NewStreaming(x.Context(), p, option.WithHTTPClient(x))
	defer func() { _ = stream.Close() }()
	var a answer
	for stream.Next() {
		if err := a.handle(x, stream.Current()); err != nil {
			a.ending.Err = err
			return a
		}
	}
	a.ending.Err = stream.Err()
	var event *ssestream.StreamError
	if errors.As(a.ending.Err, &event) {
		a.ending.ErrorEvent = event.Event.Data
	}
	if a.ending.Err == nil && a.ending.Finish == "" && !x.Drained() {
		a.ending.Finish = agent.FinishStop // the stream ended with [DONE] and without a reason
	}
	return a
}

// handle emits the pieces in chunk, and stores what chunk says about the answer as a
// whole.
func (a *answer) handle(x *upstream.Exchange, chunk sdk.ChatCompletionChunk) error {
	if chunk.Usage.JSON.CompletionTokens.Valid() {
		a.usage.InputTokens = int(chunk.Usage.PromptTokens)
		a.usage.OutputTokens = int(chunk.Usage.CompletionTokens)
		a.ending.Known = true
	}
	for _, c := range chunk.Choices {
		if c.Index != 0 {
			continue
		}
		a.ending.Known = true
		if err := x.Emit(agent.Piece{Thinking: thinking(c.Delta.JSON.ExtraFields)}); err != nil {
			return err
		}
		if err := x.Emit(agent.Piece{Text: c.Delta.Content + c.Delta.Refusal}); err != nil {
			return err
		}
		if c.FinishReason != "" {
			a.ending.Finish = finish(c.FinishReason)
		}
	}
	return nil
}

// thinking returns the reasoning in a delta. Servers name the field reasoning_content
// (DeepSeek, vLLM, llama.cpp) or reasoning (Ollama, OpenRouter, newer vLLM). If a server
// sends both, they are equal.
func thinking(extra map[string]respjson.Field) string {
	for _, name := range []string{"reasoning_content", "reasoning"} {
		var text string
		if field, ok := extra[name]; ok && json.Unmarshal([]byte(field.Raw()), &text) == nil &&
			text != "" {
			return text
		}
	}
	return ""
}

// finish translates the API's reason why an answer ended.
func finish(reason string) agent.Finish {
	switch reason {
	case "length":
		return agent.FinishLength
	case "content_filter":
		return agent.FinishFilter
	default:
		return agent.FinishStop
	}
}

// messages turns a history into the messages of a request. The system prompt is the
// first. Messages of one role in a row become one message: the chat templates of many
// local models refuse two user messages in a row, which a history has after an aborted
// run.
func messages(prompt string, history []agent.Message) []sdk.ChatCompletionMessageParamUnion {
	var joined []agent.Message
	if prompt != "" {
		joined = append(joined, agent.Message{Role: agent.System, Text: prompt})
	}
	for _, m := range history {
		m = m.Flatten()
		if last := len(joined) - 1; last >= 0 && joined[last].Role == m.Role {
			joined[last] = joined[last].Join(m)
			continue
		}
		joined = append(joined, m)
	}
	params := make([]sdk.ChatCompletionMessageParamUnion, 0, len(joined))
	for _, m := range joined {
		switch m.Role {
		case agent.System:
			params = append(params, sdk.SystemMessage(m.Text))
		case agent.Assistant:
			params = append(params, sdk.AssistantMessage(m.Text))
		default:
			params = append(params, userMessage(m))
		}
	}
	return params
}

// userMessage returns a message of the user. If it has no images, its content is plain
// text, which every server accepts.
func userMessage(m agent.Message) sdk.ChatCompletionMessageParamUnion {
	if len(m.Files) == 0 {
		return sdk.UserMessage(m.Text)
	}
	var parts []sdk.ChatCompletionContentPartUnionParam
	if m.Text != "" {
		parts = append(parts, sdk.TextContentPart(m.Text))
	}
	for _, f := range m.Files {
		parts = append(parts, sdk.ImageContentPart(sdk.ChatCompletionContentPartImageImageURLParam{
			URL: "data:" + f.MimeType + ";base64," + base64.StdEncoding.EncodeToString(f.Data)}))
	}
	return sdk.UserMessage(parts)
}
