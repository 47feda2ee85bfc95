package anthropic

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	sdk "github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
	"github.com/gatehouse-chat/gatehouse/server/internal/agent/upstream"
)

// model is the agent. It is safe for concurrent use.
type model struct {
	server  *upstream.Server
	service sdk.MessageService
	params  sdk.MessageNewParams
}

// Retire lets go of idle connections, for an agent that another has taken the place of. Its runs go on.
func (m *model) Retire() { m.server.Retire() }

// Run implements [agent.Agent]. It always streams.
func (m *model) Run(ctx context.Context, r agent.Request, emit func(agent.Piece) error) (agent.Usage, error) {
	if err := ctx.Err(); err != nil {
		return agent.Usage{}, err
	}
	p := m.params
	p.System, p.Messages = prompt(m.params.System, r.Messages)
	if len(p.Messages) == 0 {
		return agent.Usage{}, m.server.Nothing()
	}
	x := m.server.Begin(ctx, emit)
	defer x.Close()
	a := m.answer(x, p)
	if blind, had := agent.Blind(r.Messages); had && upstream.RefusedImages(a.ending.Err) {
		_, p.Messages = prompt(m.params.System, blind)
		a = m.answer(x, p)
	}
	a.usage.Finish = a.ending.Finish
	return a.usage, x.End(a.ending)
}

// answer is what a response has brought.
type answer struct {
	usage  agent.Usage
	ending upstream.Ending
}

func (m *model) answer(x *upstream.Exchange, p sdk.MessageNewParams) answer {
	stream := m.service.NewStreaming(x.Context(), p, option.WithHTTPClient(x))
	defer func() { _ = stream.Close() }()
	var a answer
	for stream.Next() {
		if err := a.take(x, stream.Current()); err != nil {
			a.ending.Err = err
			return a
		}
	}
	a.ending.Err = stream.Err()
	var report *sdk.Error
	if errors.As(a.ending.Err, &report) {
		a.ending.Report = []byte(report.RawJSON())
	}
	return a
}

// take emits an event's piece and notes what it says about the answer as a whole.
func (a *answer) take(x *upstream.Exchange, event sdk.MessageStreamEventUnion) error {
	piece := agent.Piece{}
	switch event.Type {
	case "message_start":
		u := event.Message.Usage
		a.usage.InputTokens = int(u.InputTokens + u.CacheReadInputTokens + u.CacheCreationInputTokens)
	case "content_block_start":
		piece = agent.Piece{Text: event.ContentBlock.Text, Thinking: event.ContentBlock.Thinking}
	case "content_block_delta":
		piece = agent.Piece{Text: event.Delta.Text, Thinking: event.Delta.Thinking}
	case "message_delta":
		a.usage.OutputTokens = int(event.Usage.OutputTokens)
		if reason := event.Delta.StopReason; reason != "" {
			a.ending.Finish = finish(reason)
		}
	case "message_stop":
		a.ending.Finish = cmp.Or(a.ending.Finish, agent.FinishStop)
	case "content_block_stop":
	default:
		return nil // an event of a later version of the API, or of another one
	}
	a.ending.Known = true
	return x.Emit(piece)
}

func finish(reason sdk.StopReason) agent.Finish {
	switch reason {
	case sdk.StopReasonMaxTokens, sdk.StopReasonModelContextWindowExceeded:
		return agent.FinishLength
	case sdk.StopReasonRefusal:
		return agent.FinishFilter
	default:
		return agent.FinishStop
	}
}

// prompt arranges a history as the API demands it: system messages before the first turn join the system prompt,
// later ones become notes in the user's turn where they stand; turns alternate, the first is the user's, none is empty.
func prompt(system []sdk.TextBlockParam, history []agent.Message) ([]sdk.TextBlockParam, []sdk.MessageParam) {
	system = slices.Clone(system)
	var turns []agent.Message
	for _, m := range history {
		if m = m.Flat(); strings.TrimSpace(m.Text) == "" && len(m.Files) == 0 {
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
		case last >= 0 && turns[last].Role == m.Role:
			turns[last] = turns[last].Join(m)
		default:
			turns = append(turns, m)
		}
	}
	params := make([]sdk.MessageParam, 0, len(turns))
	for _, t := range turns {
		if t.Role == agent.Assistant {
			params = append(params, sdk.NewAssistantMessage(sdk.NewTextBlock(strings.TrimRight(t.Text, " \t\r\n"))))
			continue
		}
		params = append(params, sdk.NewUserMessage(question(t)...))
	}
	return system, params
}

// question is what a user's turn consists of: its images, and then what is said of them.
func question(t agent.Message) []sdk.ContentBlockParamUnion {
	var blocks []sdk.ContentBlockParamUnion
	for _, f := range t.Files {
		blocks = append(blocks, sdk.NewImageBlockBase64(f.MimeType, base64.StdEncoding.EncodeToString(f.Data)))
	}
	if t.Text != "" {
		blocks = append(blocks, sdk.NewTextBlock(t.Text))
	}
	return blocks
}
