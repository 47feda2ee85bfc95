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
	prompt      string
	noUsage     atomic.Bool // the server has refused stream_options
}

// Retire lets go of idle connections, for an agent that another has taken the place of. Its runs go on.
func (m *model) Retire() { m.server.Retire() }

// Run implements [agent.Agent]. It always streams.
func (m *model) Run(ctx context.Context, r agent.Request, emit func(agent.Piece) error) (agent.Usage, error) {
	if err := ctx.Err(); err != nil {
		return agent.Usage{}, err
	}
	p := m.params
	p.Messages = messages(m.prompt, r.Messages)
	if len(r.Messages) == 0 {
		return agent.Usage{}, m.server.Nothing()
	}
	x := m.server.Begin(ctx, emit)
	defer x.Close()
	p.StreamOptions.IncludeUsage = sdk.Bool(true)
	if m.noUsage.Load() {
		p.StreamOptions = sdk.ChatCompletionStreamOptionsParam{}
	}
	a := m.answer(x, p)
	if p.StreamOptions.IncludeUsage.Value && refusedUsage(a.ending.Err) {
		m.noUsage.Store(true)
		p.StreamOptions = sdk.ChatCompletionStreamOptionsParam{}
		a = m.answer(x, p)
	}
	if blind, had := agent.Blind(r.Messages); had && upstream.RefusedImages(a.ending.Err) {
		p.Messages = messages(m.prompt, blind)
		a = m.answer(x, p)
	}
	a.usage.Finish = a.ending.Finish
	return a.usage, x.End(a.ending)
}

// refusedUsage recognises servers that reject stream_options instead of ignoring it.
func refusedUsage(err error) bool {
	var status *upstream.StatusError
	return errors.As(err, &status) &&
		(status.Status == http.StatusBadRequest || status.Status == http.StatusUnprocessableEntity) &&
		strings.Contains(status.Detail, "stream_options")
}

// answer is what one response has brought.
type answer struct {
	usage  agent.Usage
	ending upstream.Ending
}

func (m *model) answer(x *upstream.Exchange, p sdk.ChatCompletionNewParams) answer {
	stream := m.completions.NewStreaming(x.Context(), p, option.WithHTTPClient(x))
	defer func() { _ = stream.Close() }()
	var a answer
	for stream.Next() {
		if err := a.take(x, stream.Current()); err != nil {
			a.ending.Err = err
			return a
		}
	}
	a.ending.Err = stream.Err()
	var report *ssestream.StreamError
	if errors.As(a.ending.Err, &report) {
		a.ending.Report = report.Event.Data
	}
	if a.ending.Err == nil && a.ending.Finish == "" && !x.Drained() {
		a.ending.Finish = agent.FinishStop // [DONE] without a reason
	}
	return a
}

// take emits a chunk's pieces and notes what it says about the answer as a whole.
func (a *answer) take(x *upstream.Exchange, chunk sdk.ChatCompletionChunk) error {
	if chunk.Usage.JSON.CompletionTokens.Valid() {
		a.usage.InputTokens, a.usage.OutputTokens = int(chunk.Usage.PromptTokens), int(chunk.Usage.CompletionTokens)
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

// thinking is the reasoning in a delta, under the name that the server gives it: reasoning_content (DeepSeek, vLLM,
// llama.cpp) or reasoning (Ollama, OpenRouter, newer vLLM). Where both are sent they are equal.
func thinking(extra map[string]respjson.Field) string {
	for _, name := range []string{"reasoning_content", "reasoning"} {
		var text string
		if field, ok := extra[name]; ok && json.Unmarshal([]byte(field.Raw()), &text) == nil && text != "" {
			return text
		}
	}
	return ""
}

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

// messages puts the system prompt first and joins neighbours of one role: chat templates of many local models refuse
// two questions in a row, which an aborted run leaves behind.
func messages(prompt string, history []agent.Message) []sdk.ChatCompletionMessageParamUnion {
	var joined []agent.Message
	if prompt != "" {
		joined = append(joined, agent.Message{Role: agent.System, Text: prompt})
	}
	for _, m := range history {
		m = m.Flat()
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
			params = append(params, question(m))
		}
	}
	return params
}

// question is a user's message. Without images it is plain text, which every server takes.
func question(m agent.Message) sdk.ChatCompletionMessageParamUnion {
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
