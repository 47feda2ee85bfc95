package upstream

import (
	"encoding/json"

	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
	"github.com/gatehouse-chat/gatehouse/server/internal/agent/reasoning"
)

// enoughLoneCloses is how many answers in a row must have had only the mark that closes
// their reasoning, before the next answer is expected to begin with reasoning.
const enoughLoneCloses = 3

// Answer emits the answer of one response, and collects what the response says about the
// answer as a whole. The adapter calls its methods for the events of the stream.
type Answer struct {
	Usage  agent.Usage
	Ending Ending

	x             *Exchange
	text, thought Joiner
	split         *reasoning.Splitter
}

// NewAnswer returns the Answer of the exchange's next response.
func (x *Exchange) NewAnswer() *Answer {
	return &Answer{x: x, split: reasoning.New(x.server.tags, x.server.loneCloses.Load() >= enoughLoneCloses)}
}

// Text emits the text in a JSON string. The reasoning in the text is emitted as Thinking.
// Text ignores JSON of other types.
func (a *Answer) Text(raw json.RawMessage) error { return a.write(a.text.Add(raw)) }

func (a *Answer) write(text string) error {
	if text == "" {
		return nil
	}
	a.x.begun = true
	return a.emit(a.split.Write(text))
}

// Thinking emits the reasoning in a JSON string. It ignores JSON of other types.
func (a *Answer) Thinking(raw json.RawMessage) error {
	return a.x.Emit(agent.Piece{Thinking: a.thought.Add(raw)})
}

func (a *Answer) emit(pieces []agent.Piece) error {
	for _, p := range pieces {
		if err := a.x.Emit(p); err != nil {
			return err
		}
	}
	return nil
}

// Finish stores the provider's reason why the answer ended, unless it is empty or a null in quotes. From then
// on the exchange waits only finishWait for the rest of the stream.
func (a *Answer) Finish(reason string) {
	if plainReason(reason) == "" {
		return
	}
	a.Ending.Reason = reason
	a.x.finishing()
}

// ToolCall notes that the model has called a tool. name may be empty.
func (a *Answer) ToolCall(name string) {
	a.Ending.ToolCalled, a.x.begun = true, true
	if a.Ending.Tool == "" {
		a.Ending.Tool = name
	}
}

// Close emits what is held back, and takes err as the end of the stream.
func (a *Answer) Close(err error) {
	a.Ending.Err = err
	for _, rest := range []func() error{
		func() error { return a.x.Emit(agent.Piece{Thinking: a.thought.Rest()}) },
		func() error { return a.write(a.text.Rest()) },
		func() error { return a.emit(a.split.End(a.Ending.finish() == agent.FinishStop)) },
	} {
		if err := rest(); err != nil && a.Ending.Err == nil {
			a.Ending.Err = err
		}
	}
	a.Usage.Finish = a.Ending.finish()
	switch {
	case a.split.LoneClose:
		a.x.server.loneCloses.Add(1)
	case a.Usage.Finish == agent.FinishStop:
		a.x.server.loneCloses.Store(0)
	}
}
