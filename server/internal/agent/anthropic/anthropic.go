package anthropic

import (
	"context"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	sdk "github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"
	"github.com/anthropics/anthropic-sdk-go/packages/param"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
	"github.com/gatehouse-chat/gatehouse/server/internal/agent/reasoning"
	"github.com/gatehouse-chat/gatehouse/server/internal/agent/upstream"
)

// model is the agent. It is safe for concurrent use.
type model struct {
	server  *upstream.Server
	service sdk.MessageService
	params  sdk.MessageNewParams
	// noTemperature says that the model has refused a temperature.
	noTemperature atomic.Bool
}

// Retire closes the idle connections. Call it when a reload has replaced the agent: runs
// that are under way go on.
func (m *model) Retire() { m.server.Retire() }

// Run implements [agent.Agent]. It always asks for a stream. If the model refuses the
// images of the conversation or the temperature, Run asks once more without that.
func (m *model) Run(ctx context.Context, r agent.Request,
	emit func(agent.Piece) error) (agent.Usage, error) {
	if err := ctx.Err(); err != nil {
		return agent.Usage{}, err
	}
	history := slices.Clone(r.Messages)
	for i := range history {
		if history[i].Role == agent.Assistant { // as older versions have stored it
			history[i].Text = reasoning.Without(m.server.Reasoning(), history[i].Text)
		}
	}
	if _, turns := prompt(nil, history); len(turns) == 0 {
		return agent.Usage{}, m.server.NoMessage()
	}
	x := m.server.Begin(ctx, emit)
	defer x.Close()
	for {
		p := m.params
		p.System, p.Messages = prompt(m.params.System, history)
		if m.noTemperature.Load() {
			p.Temperature = param.Opt[float64]{}
		}
		a := m.request(x, p)
		refusal := x.Refusal(a.Ending)
		if p.Temperature.Valid() && upstream.RefusedParameter(refusal, "temperature") {
			m.noTemperature.Store(true)
			continue
		}
		if without, had := agent.WithoutImages(history); had && upstream.RefusedImages(refusal) {
			history = without
			continue
		}
		return a.Usage, x.End(a.Ending)
	}
}

// request sends one request and emits the answer.
func (m *model) request(x *upstream.Exchange, p sdk.MessageNewParams) *upstream.Answer {
	a := answer{x.NewAnswer()}
	var response *http.Response
	stream := m.service.NewStreaming(x.Context(), p, option.WithHTTPClient(x),
		option.WithResponseInto(&response))
	defer func() { _ = stream.Close() }()
	err := stream.Err()
	if err == nil {
		// The SDK's own reader is not used: it reads no answer that is not a stream.
		err = upstream.ReadEvents(response.Body, a.event)
	}
	a.Close(err)
	return a.Answer
}

// prompt turns a history into what the API demands: a system prompt, and turns that
// alternate, begin with the user's and are not empty.
//
//   - System messages before the first turn are appended to the system prompt. Later
//     ones
//     become notes in a turn of the user.
//   - Messages of one role in a row become one turn.
//   - Assistant messages before the first user message, and empty messages, are left
//     out.
func prompt(system []sdk.TextBlockParam,
	history []agent.Message) ([]sdk.TextBlockParam, []sdk.MessageParam) {
	system = slices.Clone(system)
	var turns []agent.Message
	for _, m := range history {
		if m = m.Flatten(); strings.TrimSpace(m.Text) == "" && len(m.Files) == 0 {
			continue
		}
		if m.Role == agent.System {
			if len(turns) == 0 {
				system = append(system, sdk.TextBlockParam{Text: m.Text})
				continue
			}
			m = agent.Message{Role: agent.User, Text: "[Note added to the conversation]\n" + m.Text}
		}
		last := len(turns) - 1
		switch {
		case last < 0 && m.Role == agent.Assistant:
			// The first turn must be the user's.
		case last >= 0 && turns[last].Role == m.Role:
			turns[last] = turns[last].Join(m)
		default:
			turns = append(turns, m)
		}
	}
	params := make([]sdk.MessageParam, 0, len(turns))
	for _, t := range turns {
		if t.Role == agent.Assistant {
			params = append(params,
				sdk.NewAssistantMessage(sdk.NewTextBlock(strings.TrimRight(t.Text, " \t\r\n"))))
			continue
		}
		params = append(params, sdk.NewUserMessage(userBlocks(t)...))
	}
	return system, params
}

// userBlocks returns the content of a user's turn: images first, as the API recommends,
// then the text.
func userBlocks(t agent.Message) []sdk.ContentBlockParamUnion {
	var blocks []sdk.ContentBlockParamUnion
	for _, f := range t.Files {
		blocks = append(blocks,
			sdk.NewImageBlockBase64(f.MimeType, base64.StdEncoding.EncodeToString(f.Data)))
	}
	if t.Text != "" {
		blocks = append(blocks, sdk.NewTextBlock(t.Text))
	}
	return blocks
}
