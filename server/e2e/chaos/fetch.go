package chaos

import (
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// get asks for what is needed, unless something is under way already.
func (d *device) get(f *follow, n need) {
	switch {
	case n == nothing || f.asked:
	case n == events:
		f.asked = true
		d.replay(f)
	default:
		f.asked = true
		d.history(f)
	}
}

// ask calls a method for a transcript; take gets the answer and says what is
// needed then.
func (d *device) ask(f *follow, method string, params protocol.Payload, take func(jsontext.Raw) need) {
	d.call(method, params, func(payload jsontext.Raw, failed *protocol.Error) {
		if d.follows[f.key] != f {
			return
		}
		f.asked = false
		switch {
		case failed == nil:
			d.get(f, take(payload))
		case failed.Code == protocol.NotFound && d.run.disposable(f.key):
			delete(d.follows, f.key)
		default:
			d.passing(f.key, method, failed)
			d.after(askAgain, func() { d.get(f, history) })
		}
	})
}

func (d *device) history(f *follow) {
	d.run.counts.histories.Add(1)
	limit := int64(pick(d.dice, []int{1, 3, 20, 50, 200}))
	d.ask(f, protocol.MethodChatHistory, &protocol.ChatHistoryParams{SessionKey: f.key, Limit: &limit}, func(payload jsontext.Raw) need {
		var h protocol.ChatHistoryResult
		if err := protocol.Decode(payload, &h); err != nil {
			d.violate(f.key, "an unreadable history: %v", err)
			return nothing
		}
		d.report(f, f.load(h))
		return d.lacks(f)
	})
}

// lacks is what a transcript needs to be whole.
func (d *device) lacks(f *follow) need {
	if f.line.Stale() {
		return history
	}
	if _, open := f.line.Gap(); open && f.line.Cursor().AfterSeq >= f.until {
		return events
	}
	return nothing
}

func (d *device) replay(f *follow) {
	c := f.line.Cursor()
	limit := int64(pick(d.dice, []int{1, 10, 500, 2000}))
	params := &protocol.ChatReplayParams{SessionKey: f.key, Epoch: c.Epoch, AfterSeq: c.AfterSeq, Limit: &limit}
	d.ask(f, protocol.MethodChatReplay, params, func(payload jsontext.Raw) need {
		var r protocol.ChatReplayResult
		if err := protocol.Decode(payload, &r); err != nil {
			d.violate(f.key, "an unreadable replay: %v", err)
			return nothing
		}
		for i, e := range r.Events {
			if e.Seq != c.AfterSeq+int64(i)+1 {
				d.violate(f.key, "chat.replay after %d gave seq %d at place %d", c.AfterSeq, e.Seq, i)
			}
			if h, ok := hear(e); ok {
				d.check(r.Epoch, h, e)
			} else {
				d.violate(f.key, "an event that cannot be read: %s %s", e.Event, e.Payload)
			}
		}
		d.report(f, f.replay(r))
		return d.lacks(f)
	})
}

func (d *device) report(f *follow, faults []string) {
	for _, fault := range faults {
		d.violate(f.key, "%s", fault)
	}
}
