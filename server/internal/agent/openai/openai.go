package openai

import (
	"context"
	"encoding/base64"
	"net/http"
	"slices"

	sdk "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
	"github.com/gatehouse-chat/gatehouse/server/internal/agent/reasoning"
	"github.com/gatehouse-chat/gatehouse/server/internal/agent/upstream"
)

// model is the agent. It is safe for concurrent use.
type model struct {
	server      *upstream.Server
	completions sdk.ChatCompletionService
	params      sdk.ChatCompletionNewParams
	prompt      string // the system prompt
	dialect     sharedDialect
}

// Retire closes the idle connections. Call it when a reload has replaced the agent: runs
// that are under way go on.
func (m *model) Retire() { m.server.Retire() }

// Run implements [agent.Agent]. It asks for a stream, unless the model refuses to stream.
// If the model refuses the images of the conversation or a part of the request, Run asks
// once more without that.
func (m *model) Run(ctx context.Context, r agent.Request,
	emit func(agent.Piece) error) (agent.Usage, error) {
	if err := ctx.Err(); err != nil {
		return agent.Usage{}, err
	}
	if len(r.Messages) == 0 {
		return agent.Usage{}, m.server.NoMessage()
	}
	x := m.server.Begin(ctx, emit)
	defer x.Close()
	history := withoutReasoning(m.server.Reasoning(), r.Messages)
	for {
		d := m.dialect.load()
		a := m.request(x, d, history)
		refusal := x.Refusal(a.Ending)
		if m.dialect.learn(d, refusal, m.params.MaxTokens.Valid() ||
			m.params.MaxCompletionTokens.Valid(), m.params.Temperature.Valid()) {
			continue
		}
		if without, had := agent.WithoutImages(history); had && upstream.RefusedImages(refusal) {
			history = without
			continue
		}
		return a.Usage, x.End(a.Ending)
	}
}

// request sends one request in the dialect d and emits the answer.
func (m *model) request(x *upstream.Exchange, d dialect, history []agent.Message) *upstream.Answer {
	p := m.params
	d.apply(&p)
	p.Messages = messages(m.prompt, history, d.noSystem)
	a := answer{x.NewAnswer()}
	var response *http.Response
	_, err := m.completions.New(x.Context(), p, option.WithHTTPClient(x),
		option.WithJSONSet("stream", !d.noStream), option.WithResponseBodyInto(&response))
	if err == nil {
		err = upstream.ReadEvents(response.Body, a.event)
		_ = response.Body.Close()
	}
	a.Close(err)
	return a.Answer
}

// withoutReasoning returns the history with answers that begin with reasoning, as older
// versions have stored them, cut to the answer.
func withoutReasoning(tags []reasoning.Tag, history []agent.Message) []agent.Message {
	history = slices.Clone(history)
	for i, m := range history {
		if m.Role == agent.Assistant {
			history[i].Text = reasoning.Without(tags, m.Text)
		}
	}
	return history
}

// messages turns a history into the messages of a request. The system prompt is the
// first. Messages of one role in a row become one message: the chat templates of many
// local models refuse two user messages in a row, which a history has after an aborted
// run. With noSystem, system messages become a part of the user's messages. Answers
// without text are left out.
func messages(prompt string, history []agent.Message,
	noSystem bool) []sdk.ChatCompletionMessageParamUnion {
	var joined []agent.Message
	if prompt != "" {
		history = slices.Insert(slices.Clone(history), 0,
			agent.Message{Role: agent.System, Text: prompt})
	}
	for _, m := range history {
		m = m.Flatten()
		if m.Role == agent.System && noSystem {
			m.Role = agent.User
		}
		if m.Role == agent.Assistant && (m.Text == "" || noSystem && len(joined) == 0) {
			continue
		}
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
