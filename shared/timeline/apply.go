package timeline

import (
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Apply takes one event, live or replayed, in any order and any number of times,
// and gives what it changed in the transcript, together with what it released.
func (t *Timeline) Apply(e Event) (Outcome, []Change) {
	p := parse(e)
	switch {
	case p.session != "" && p.session != t.key, e.Seq <= 0 && !p.deleted():
		return Ignored, nil
	case t.otherLog(e, &p):
		return t.leave(e, &p), nil
	case t.stale:
		t.begin(e)
		t.hold(e)
		return Reset, nil
	case e.Seq <= t.seq:
		return Ignored, nil
	case e.Seq > t.seq+1:
		if !t.hold(e) {
			return t.giveUp(), nil
		}
		return Buffered, nil
	case !p.readable:
		return t.giveUp(), nil
	}
	t.begin(e)
	changes, ok := t.step(e, &p, nil)
	if !ok {
		return t.giveUp(), changes
	}
	return t.release(changes)
}

// begin lets go of what came before the first event of a log: it was of another.
func (t *Timeline) begin(e Event) {
	if e.Seq == 1 {
		t.held.clear()
	}
}

// release applies what was held back and is next.
func (t *Timeline) release(changes []Change) (Outcome, []Change) {
	for {
		e, ok := t.held.take(t.seq + 1)
		if !ok {
			return Applied, changes
		}
		p := parse(e)
		if t.otherLog(e, &p) {
			return t.leave(e, &p), changes
		}
		if !p.readable {
			return t.giveUp(), changes
		}
		if changes, ok = t.step(e, &p, changes); !ok {
			return t.giveUp(), changes
		}
	}
}

// giveUp makes the transcript Stale; what it shows stays until it is loaded anew.
func (t *Timeline) giveUp() Outcome {
	t.held.clear()
	t.stale, t.gone = true, false
	return Reset
}

// hold keeps an event back, and reports false when there is no room for it.
func (t *Timeline) hold(e Event) bool {
	t.seen = max(t.seen, e.Seq)
	return t.held.add(e)
}

// otherLog reports whether the event tells that the log folded here, or the one
// after it, is no more: its session was reset, restored or deleted.
func (t *Timeline) otherLog(e Event, p *payload) bool {
	if p.name != protocol.EventSessionUpdated {
		return false
	}
	u := &p.update
	now := t.epoch
	if t.told != "" {
		now = t.told
	}
	known := u.Session != nil && u.Session.Epoch != "" && now != ""
	switch {
	case known && u.Session.Epoch != now:
		return true
	case p.deleted():
		return e.Seq <= 0 || e.Seq > t.seq
	case u.Change == protocol.SessionReset:
		return !known && t.seq > 0
	}
	return false
}

// leave gives up for an event that tells of another log, to which what comes
// from now on belongs.
func (t *Timeline) leave(e Event, p *payload) Outcome {
	t.giveUp()
	t.gone = p.deleted()
	t.seen, t.refused, t.told = 0, false, unnamed
	if s := p.update.Session; s != nil && s.Epoch != "" {
		t.told = s.Epoch
	}
	if e.Seq > 0 {
		t.hold(e)
	}
	return Reset
}

// payload is an event's, read as far as its outer object.
type payload struct {
	name     string
	readable bool
	session  string
	agent    protocol.AgentEvent
	chat     protocol.ChatEvent
	update   protocol.SessionUpdated
}

// deleted reports whether the event tells that the session was deleted, which it
// may do without a seq.
func (p *payload) deleted() bool { return p.update.Change == protocol.SessionDeleted }

func parse(e Event) payload {
	p := payload{name: e.Name}
	switch e.Name {
	case protocol.EventAgent:
		p.readable = decode(e.Payload, p.agent.DecodeJSON)
		p.session = p.agent.SessionKey
	case protocol.EventChat:
		p.readable = decode(e.Payload, p.chat.DecodeJSON)
		p.session = p.chat.SessionKey
	case protocol.EventSessionUpdated:
		p.readable = decode(e.Payload, p.update.DecodeJSON)
		p.session = p.update.SessionKey
	default:
		p.readable = true
	}
	return p
}

// decode takes an absent payload for an empty one.
func decode(text jsontext.Raw, read func(*jsontext.Decoder)) bool {
	return len(text) == 0 || jsontext.Read(text, read) == nil
}

// step applies the event whose turn it is, and reports whether it could be read.
func (t *Timeline) step(e Event, p *payload, changes []Change) ([]Change, bool) {
	f := fold{t: t, seq: e.Seq, changes: changes}
	ok := true
	switch e.Name {
	case protocol.EventAgent:
		ok = f.agent(&p.agent)
	case protocol.EventChat:
		f.chat(&p.chat)
	case protocol.EventSessionUpdated:
		if s := p.update.Session; s != nil && t.epoch == "" {
			t.epoch, t.told = s.Epoch, s.Epoch
		}
	}
	if ok {
		t.seq = e.Seq
		t.seen = max(t.seen, e.Seq)
	}
	return f.changes, ok
}
