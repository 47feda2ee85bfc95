package anthropic

import (
	"encoding/json"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent/upstream"
)

// streamEvent is what matters of an event of the API, or of a whole message.
type streamEvent struct {
	Type         string          `json:"type"`
	Message      message         `json:"message"`       // message_start
	ContentBlock block           `json:"content_block"` // content_block_start
	Delta        delta           `json:"delta"`         // content_block_delta, message_delta
	Usage        *usage          `json:"usage"`         // message_delta
	Error        json.RawMessage `json:"error"`
}

// message is a whole message, or the beginning of one.
type message struct {
	Content    []block `json:"content"`
	StopReason string  `json:"stop_reason"`
	Usage      *usage  `json:"usage"`
}

// block is a block of a message's content. Blocks of type redacted_thinking have neither
// Text nor Thinking.
type block struct {
	Type     string          `json:"type"`
	Text     json.RawMessage `json:"text"`
	Thinking json.RawMessage `json:"thinking"`
	Name     string          `json:"name"` // of a tool
}

type delta struct {
	Text       json.RawMessage `json:"text"`
	Thinking   json.RawMessage `json:"thinking"`
	StopReason string          `json:"stop_reason"`
}

type usage struct {
	InputTokens   float64  `json:"input_tokens"`
	CacheRead     float64  `json:"cache_read_input_tokens"`
	CacheCreation float64  `json:"cache_creation_input_tokens"`
	OutputTokens  *float64 `json:"output_tokens"`
}

// answer reads the events of one response.
type answer struct{ *upstream.Answer }

// event handles an event. It reports whether more events may follow.
func (a answer) event(e upstream.Event) (more bool, err error) {
	var v streamEvent
	if err := e.Decode(&v); err != nil {
		switch {
		case e.Done():
			a.Ending.Done = true
			return false, nil
		case e.Type == "error":
			a.Ending.ErrorEvent = e.Data
			return false, nil
		case e.Whole:
			return false, nil // not of this API
		}
		return false, err
	}
	if e.Type == "error" || v.Type == "error" || len(v.Error) > 0 && string(v.Error) != "null" {
		a.Ending.ErrorEvent = e.Data
		return false, nil
	}
	if e.Whole {
		return false, a.whole(e)
	}
	known := true
	switch v.Type {
	case "message_start":
		a.usage(v.Message.Usage)
		a.Usage.OutputTokens = 0 // that count is of no word yet
	case "content_block_start":
		err = a.block(v.ContentBlock)
	case "content_block_delta":
		if err = a.Thinking(v.Delta.Thinking); err == nil {
			err = a.Text(v.Delta.Text)
		}
	case "message_delta":
		a.usage(v.Usage)
		a.Finish(v.Delta.StopReason)
	case "message_stop":
		a.Ending.Done = true
	case "content_block_stop":
	default:
		known = false // an event of a later version of the API, or of another API
	}
	a.Ending.Known = a.Ending.Known || known
	return !a.Ending.Done, err
}

// whole handles an answer that is no stream.
func (a answer) whole(e upstream.Event) error {
	var m message
	if e.Decode(&m) != nil || m.Content == nil {
		return nil // not of this API
	}
	a.Ending.Known, a.Ending.Done = true, true
	a.usage(m.Usage)
	for _, b := range m.Content {
		if err := a.block(b); err != nil {
			return err
		}
	}
	a.Finish(m.StopReason)
	return nil
}

func (a answer) block(b block) error {
	switch b.Type {
	case "tool_use", "server_tool_use", "mcp_tool_use":
		a.ToolCall(b.Name)
		return nil
	}
	if err := a.Thinking(b.Thinking); err != nil {
		return err
	}
	return a.Text(b.Text)
}

func (a answer) usage(u *usage) {
	if u == nil {
		return
	}
	if in := u.InputTokens + u.CacheRead + u.CacheCreation; in > 0 {
		a.Usage.InputTokens = int(in)
	}
	if u.OutputTokens != nil {
		a.Usage.OutputTokens = int(*u.OutputTokens)
	}
}
