package openai

import (
	"bytes"
	"encoding/json"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent/upstream"
)

// chunk is what matters of a chat.completion.chunk, or of a whole chat.completion. Fields
// whose type differs between servers are raw.
type chunk struct {
	Choices []choice        `json:"choices"`
	Usage   *tokens         `json:"usage"`
	Error   json.RawMessage `json:"error"`
	Object  string          `json:"object"`
	Detail  json.RawMessage `json:"detail"`
	Code    json.RawMessage `json:"code"`    // of an error without "error"
	Message json.RawMessage `json:"message"` // of an error without "error"
}

type choice struct {
	Index        json.Number     `json:"index"`
	Delta        *delta          `json:"delta"`   // of a chunk
	Message      *delta          `json:"message"` // of a whole answer, or of a chunk without delta
	Text         json.RawMessage `json:"text"`    // of the older completions API
	FinishReason json.RawMessage `json:"finish_reason"`
	Error        json.RawMessage `json:"error"`
}

// delta is a part of an answer. Content is a string, or a list of parts.
type delta struct {
	Content      json.RawMessage `json:"content"`
	Refusal      json.RawMessage `json:"refusal"`
	Reasoning1   json.RawMessage `json:"reasoning_content"` // DeepSeek, vLLM, llama.cpp
	Reasoning2   json.RawMessage `json:"reasoning"`         // Ollama, OpenRouter, newer vLLM
	Thinking     json.RawMessage `json:"thinking"`
	Reasoning3   json.RawMessage `json:"reasoning_details"` // OpenRouter
	ToolCalls    json.RawMessage `json:"tool_calls"`
	FunctionCall json.RawMessage `json:"function_call"`
}

type tokens struct {
	PromptTokens     *float64 `json:"prompt_tokens"`
	CompletionTokens *float64 `json:"completion_tokens"`
}

// part is an element of a content that is a list, or of reasoning_details.
type part struct {
	Type     string          `json:"type"`
	Text     json.RawMessage `json:"text"`
	Refusal  json.RawMessage `json:"refusal"`
	Thinking json.RawMessage `json:"thinking"` // a string, or a list of parts (Mistral)
	Summary  json.RawMessage `json:"summary"`
}

// answer reads the events of one response.
type answer struct{ *upstream.Answer }

// event handles an event. It reports whether more events may follow.
func (a answer) event(e upstream.Event) (more bool, err error) {
	if e.Done() {
		a.Ending.Done = true
		return false, nil
	}
	var c chunk
	if err := e.Decode(&c); err != nil {
		switch {
		case e.Type == "error":
			a.Ending.ErrorEvent = e.Data
			return false, nil
		case e.Whole:
			return false, nil // not of this API
		case e.Foreign():
			return true, nil
		}
		return false, err
	}
	if isError(e, c) {
		a.Ending.ErrorEvent = e.Data
		return false, nil
	}
	if c.Usage != nil && c.Usage.CompletionTokens != nil {
		a.Usage.OutputTokens = int(*c.Usage.CompletionTokens)
		if c.Usage.PromptTokens != nil {
			a.Usage.InputTokens = int(*c.Usage.PromptTokens)
		}
		a.Ending.Known = true
	}
	for _, choice := range c.Choices {
		if more, err := a.choice(choice, e.Whole); !more || err != nil {
			return false, err
		}
	}
	a.Ending.Done = a.Ending.Done || e.Whole && a.Ending.Known
	return !e.Whole, nil
}

// isError reports whether an event is an error: by its type, or by what it has in place of
// an answer.
func isError(e upstream.Event, c chunk) bool {
	return e.Type == "error" || given(c.Error) ||
		len(c.Choices) == 0 && (c.Object == "error" || given(c.Detail) ||
			given(c.Code) && given(c.Message))
}

// given reports whether a field says something: it is there, and not null, false or empty.
func given(raw json.RawMessage) bool {
	switch string(raw) {
	case "", "null", "false", `""`, "{}", "[]":
		return false
	}
	return true
}

func (a answer) choice(c choice, whole bool) (more bool, err error) {
	if n, err := c.Index.Float64(); err == nil && n != 0 {
		return true, nil
	}
	a.Ending.Known = true
	if err := a.content(c, whole); err != nil {
		return false, err
	}
	var reason string
	if json.Unmarshal(c.FinishReason, &reason) == nil {
		a.Finish(reason)
	}
	if given(c.Error) {
		a.Ending.ErrorEvent = bytes.Join([][]byte{[]byte(`{"error":`), c.Error, []byte("}")}, nil)
		return false, nil
	}
	return true, nil
}

// content emits the text of a choice, which stands in one of three places.
func (a answer) content(c choice, whole bool) error {
	switch {
	case c.Message != nil && (whole || c.Delta == nil):
		return a.delta(*c.Message)
	case c.Delta != nil:
		return a.delta(*c.Delta)
	default:
		return a.Text(c.Text)
	}
}

func (a answer) delta(d delta) error {
	if given(d.ToolCalls) || given(d.FunctionCall) {
		a.ToolCall(toolName(d))
	}
	if err := a.reasoning(d); err != nil {
		return err
	}
	if bytes.HasPrefix(d.Content, []byte("[")) {
		return a.parts(d.Content)
	}
	if err := a.Text(d.Content); err != nil {
		return err
	}
	return a.Text(d.Refusal)
}

// reasoning emits the first of the fields with reasoning that has text. If a server sends
// several, they say the same.
func (a answer) reasoning(d delta) error {
	for _, raw := range []json.RawMessage{d.Reasoning1, d.Reasoning2, d.Thinking} {
		if bytes.HasPrefix(raw, []byte(`"`)) && given(raw) {
			return a.Thinking(raw)
		}
	}
	return a.thoughts(d.Reasoning3)
}

// parts emits a content that is a list.
func (a answer) parts(raw json.RawMessage) error {
	var list []part
	if json.Unmarshal(raw, &list) != nil {
		return a.texts(raw)
	}
	for _, p := range list {
		err := error(nil)
		switch {
		case given(p.Thinking):
			err = a.thoughts(p.Thinking)
		case p.Type == "reasoning" || p.Type == "thinking" || p.Type == "reasoning_content":
			err = a.Thinking(p.Text)
		case given(p.Refusal):
			err = a.Text(p.Refusal)
		default:
			err = a.Text(p.Text)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// texts emits a content that is a list of strings.
func (a answer) texts(raw json.RawMessage) error {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		return nil
	}
	for _, text := range list {
		if err := a.Text(text); err != nil {
			return err
		}
	}
	return nil
}

// thoughts emits reasoning that is a string, or a list of parts.
func (a answer) thoughts(raw json.RawMessage) error {
	if !bytes.HasPrefix(raw, []byte("[")) {
		return a.Thinking(raw)
	}
	var list []part
	if json.Unmarshal(raw, &list) != nil {
		return nil
	}
	for _, p := range list {
		for _, text := range []json.RawMessage{p.Thinking, p.Text, p.Summary} {
			if err := a.Thinking(text); err != nil {
				return err
			}
		}
	}
	return nil
}

// toolName returns the name of the tool that a delta begins to call, or "".
func toolName(d delta) string {
	type function struct {
		Name string `json:"name"`
	}
	var calls []struct {
		Function function `json:"function"`
	}
	if json.Unmarshal(d.ToolCalls, &calls) == nil && len(calls) > 0 {
		return calls[0].Function.Name
	}
	var f function
	_ = json.Unmarshal(d.FunctionCall, &f) // without a name, there is none
	return f.Name
}
