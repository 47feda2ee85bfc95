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
	p.System, p.Messages = prompt(m.params.System, r.Messages)
	if len(p.Messages) == 0 {
		return agent.Usage{}, m.server.NoMessage()
	}
	x := m.server.Begin(ctx, emit)
	defer x.Close()
	a := m.request(x, p)
	withoutImages, had := agent.WithoutImages(r.Messages)
	if had && upstream.RefusedImages(a.ending.Err) {
		_, p.Messages = prompt(m.params.System, withoutImages)
		a = m.request(x, p)
	}
	a.usage.Finish = a.ending.Finish
	return a.usage, x.End(a.ending)
}

// answer is what one response has said about the answer, except its text.
type answer struct {
	usage  agent.Usage
	ending upstream.Ending
}

// request sends one request and emits the answer.
func (m *model) request(x *upstream.Exchange, p sdk.MessageNewParams) answer {
	stream := m.service.NewStreaming(x.Context(), p, option.WithHTTPClient(x))
	defer func() { _ = stream.Close() }()
	var a answer
	for stream.Next() {
		if err := a.handle(x, stream.Current()); err != nil {
			a.ending.Err = err
			return a
		}
	}
	a.ending.Err = stream.Err()
	var event *sdk.Error
	if errors.As(a.ending.Err, &event) {
		a.ending.ErrorEvent = []byte(event.RawJSON())
	}
	return a
}

// handle emits the piece in event, and stores what event says about the answer as a
// whole.
func (a *answer) handle(x *upstream.Exchange, event sdk.MessageStreamEventUnion) error {
	piece := agent.Piece{}
	switch event.Type {
	case "message_start":
		u := event.Message.Usage
		a.usage.InputTokens = int(u.InputTokens + u.CacheReadInputTokens +
			u.CacheCreationInputTokens)
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
		return nil // an event of a later version of the API, or of another API
	}
	a.ending.Known = true
	return x.Emit(piece)
}

// finish translates the API's reason why an answer ended.
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
