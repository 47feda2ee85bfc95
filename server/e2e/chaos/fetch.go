package chaos

import (
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// fetch requests what a session needs, unless a request is under way.
func (d *device) fetch(f *followedSession, n need) {
	switch {
	case n == nothing || f.fetching:
	case n == events:
		f.fetching = true
		d.replay(f)
	default:
		f.fetching = true
		d.history(f)
	}
}

// callFor calls a method for a transcript. take gets the answer and returns what the
// transcript needs then.
func (d *device) callFor(f *followedSession, method string, params protocol.Payload, take func(jsontext.Raw) need) {
	d.call(method, params, func(payload jsontext.Raw, failed *protocol.Error) {
		if d.followed[f.key] != f {
			return
		}
		f.fetching = false
		switch {
		case failed == nil:
			d.fetch(f, take(payload))
		case failed.Code == protocol.NotFound && d.run.disposable(f.key):
			delete(d.followed, f.key)
		default:
			d.checkRetryable(f.key, method, failed)
			d.after(askAgain, func() { d.fetch(f, history) })
		}
	})
}

func (d *device) history(f *followedSession) {
	d.run.counts.histories.Add(1)
	limit := int64(pick(d.rng, []int{1, 3, 20, 50, 200}))
	d.callFor(f, protocol.MethodChatHistory, &protocol.ChatHistoryParams{SessionKey: f.key, Limit: &limit}, func(payload jsontext.Raw) need {
		var h protocol.ChatHistoryResult
		if err := protocol.Decode(payload, &h); err != nil {
			d.noteViolation(f.key, "an unreadable history: %v", err)
			return nothing
		}
		d.noteFaults(f, f.load(h))
		return d.needOf(f)
	})
}

// needOf returns what a transcript lacks.
func (d *device) needOf(f *followedSession) need {
	if f.timeline.Stale() {
		return history
	}
	if _, open := f.timeline.Gap(); open && f.timeline.Cursor().AfterSeq >= f.replayEnd {
		return events
	}
	return nothing
}

func (d *device) replay(f *followedSession) {
	c := f.timeline.Cursor()
	limit := int64(pick(d.rng, []int{1, 10, 500, 2000}))
	params := &protocol.ChatReplayParams{SessionKey: f.key, Epoch: c.Epoch,
		AfterSeq: c.AfterSeq, Limit: &limit}
	d.callFor(f, protocol.MethodChatReplay, params, func(payload jsontext.Raw) need {
		var r protocol.ChatReplayResult
		if err := protocol.Decode(payload, &r); err != nil {
			d.noteViolation(f.key, "an unreadable replay: %v", err)
			return nothing
		}
		for i, e := range r.Events {
			if e.Seq != c.AfterSeq+int64(i)+1 {
				d.noteViolation(f.key, "chat.replay after %d gave seq %d at place %d",
					c.AfterSeq, e.Seq, i)
			}
			if h, ok := digestEvent(e); ok {
				d.checkSeen(r.Epoch, h, e)
			} else {
				d.noteViolation(f.key, "an event that cannot be read: %s %s", e.Event, e.Payload)
			}
		}
		d.noteFaults(f, f.replay(r))
		return d.needOf(f)
	})
}

func (d *device) noteFaults(f *followedSession, faults []string) {
	for _, fault := range faults {
		d.noteViolation(f.key, "%s", fault)
	}
}
