package timeline

import (
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Apply applies an event, live or replayed. Events may come in any order, and more than
// once. Apply returns all changes to the transcript, including those by buffered events that
// follow this one.
func (t *Timeline) Apply(e Event) (Outcome, []Change) {
	p := parse(e)
	switch {
	case p.session != "" && p.session != t.key, e.Seq <= 0 && !p.deleted():
		return Ignored, nil
	case t.announcesOtherLog(e, &p):
		return t.switchLog(e, &p), nil
	case t.stale:
		t.beginLog(e)
		t.bufferEvent(e)
		return Reset, nil
	case e.Seq <= t.seq:
		return Ignored, nil
	case e.Seq > t.seq+1:
		if !t.bufferEvent(e) {
			return t.markStale(), nil
		}
		return Buffered, nil
	case !p.readable:
		return t.markStale(), nil
	}
	t.beginLog(e)
	changes, ok := t.step(e, &p, nil)
	if !ok {
		return t.markStale(), changes
	}
	return t.release(changes)
}

// beginLog clears the buffer before the first event of a log, since the buffered events
// belong to an earlier log.
func (t *Timeline) beginLog(e Event) {
	if e.Seq == 1 {
		t.buffer.clear()
	}
}

// release applies the buffered events that are next.
func (t *Timeline) release(changes []Change) (Outcome, []Change) {
	for {
		e, ok := t.buffer.take(t.seq + 1)
		if !ok {
			return Applied, changes
		}
		p := parse(e)
		if t.announcesOtherLog(e, &p) {
			return t.switchLog(e, &p), changes
		}
		if !p.readable {
			return t.markStale(), changes
		}
		if changes, ok = t.step(e, &p, changes); !ok {
			return t.markStale(), changes
		}
	}
}

// markStale makes the transcript Stale. Its messages stay until it is loaded again.
func (t *Timeline) markStale() Outcome {
	t.buffer.clear()
	t.stale, t.deleted = true, false
	return Reset
}

// bufferEvent buffers an event. It reports false if the buffer has no room for the event.
func (t *Timeline) bufferEvent(e Event) bool {
	t.highest = max(t.highest, e.Seq)
	return t.buffer.add(e)
}

// announcesOtherLog reports whether the event says that the session was reset, restored or
// deleted, so that its current log has ended. If a new log was announced already, that one
// counts as current.
func (t *Timeline) announcesOtherLog(e Event, p *payload) bool {
	if p.name != protocol.EventSessionUpdated {
		return false
	}
	u := &p.update
	current := t.epoch
	if t.announced != "" {
		current = t.announced
	}
	known := u.Session != nil && u.Session.Epoch != "" && current != ""
	switch {
	case known && u.Session.Epoch != current:
		return true
	case p.deleted():
		return e.Seq <= 0 || e.Seq > t.seq
	case u.Change == protocol.SessionReset:
		return !known && t.seq > 0
	}
	return false
}

// switchLog makes the transcript Stale after an event that announces another log. Later
// events belong to that log.
func (t *Timeline) switchLog(e Event, p *payload) Outcome {
	t.markStale()
	t.deleted = p.deleted()
	t.highest, t.rejected, t.announced = 0, false, unknownEpoch
	if s := p.update.Session; s != nil && s.Epoch != "" {
		t.announced = s.Epoch
	}
	if e.Seq > 0 {
		t.bufferEvent(e)
	}
	return Reset
}

// payload is an event's payload, decoded except for the inner payload of agent events.
type payload struct {
	name     string
	readable bool
	session  string
	agent    protocol.AgentEvent
	chat     protocol.ChatEvent
	update   protocol.SessionUpdated
}

// deleted reports whether the event says that the session was deleted. Such an event may
// have no seq.
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

// decode decodes a payload. An absent payload counts as empty.
func decode(text jsontext.Raw, read func(*jsontext.Decoder)) bool {
	return len(text) == 0 || jsontext.Read(text, read) == nil
}

// step applies the next event, and reports whether the event could be decoded.
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
			t.epoch, t.announced = s.Epoch, s.Epoch
		}
	}
	if ok {
		t.seq = e.Seq
		t.highest = max(t.highest, e.Seq)
	}
	return f.changes, ok
}
