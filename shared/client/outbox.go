package client

import (
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Outgoing is a message on its way to a session's log. Whoever may be closed
// before it has arrived keeps it (AppendJSON) until it is acknowledged.
type Outgoing struct {
	Key        string // idempotency key: whatever is sent again under it counts once
	SessionKey string
	Message    string
	Files      []protocol.KeptFile
	At         protocol.Time // when it was written; a session's messages are sent in this order
	After      int64         // the session's last seq that its writer had read

	Tried   bool            // it was sent, so that the gateway may have it
	Refused *protocol.Error // the gateway does not want it; only a person tries again

	Ack *protocol.ChatSendResult // the gateway has it; not kept

	sending bool
}

// AppendJSON appends the message as it is kept.
func (m *Outgoing) AppendJSON(dst []byte) []byte {
	kept := protocol.KeptMessage{
		Key: m.Key, SessionKey: m.SessionKey, Message: m.Message, Files: m.Files,
		At: int64(m.At), After: m.After, Tried: m.Tried, Refused: m.Refused,
	}
	return kept.AppendJSON(dst)
}

// DecodeJSON reads what AppendJSON wrote.
func (m *Outgoing) DecodeJSON(d *jsontext.Decoder) {
	var kept protocol.KeptMessage
	kept.DecodeJSON(d)
	*m = Outgoing{
		Key: kept.Key, SessionKey: kept.SessionKey, Message: kept.Message, Files: kept.Files,
		At: protocol.Time(kept.At), After: kept.After, Tried: kept.Tried, Refused: kept.Refused,
	}
}

// Outbox keeps a user's messages until the gateway has them. Those of a session
// are sent in the order of their times, the next one only when the one before is
// acknowledged; one whose files are not uploaded is waited for, one that was refused
// steps aside, and sessions do not wait for each other. The zero value is empty. It is pure, and one goroutine uses it at a
// time.
type Outbox struct {
	all    []*Outgoing // by time and key
	pauses map[string]pause
}

// pause is a session's, after an answer that said to try later.
type pause struct {
	until clock.Time
	wait  clock.Duration
}

// Add takes a message in, and reports false when there is one of its key.
func (o *Outbox) Add(m *Outgoing) bool {
	if o.Find(m.Key) != nil {
		return false
	}
	at := len(o.all)
	for at > 0 && before(m, o.all[at-1]) {
		at--
	}
	o.all = append(o.all, nil)
	copy(o.all[at+1:], o.all[at:])
	o.all[at] = m
	return true
}

func before(a, b *Outgoing) bool { return a.At < b.At || a.At == b.At && a.Key < b.Key }

// Next gives the messages whose turn it is, at most one a session.
func (o *Outbox) Next(now clock.Time) []*Outgoing {
	busy := map[string]bool{}
	for _, m := range o.all {
		busy[m.SessionKey] = busy[m.SessionKey] || m.sending
	}
	var next []*Outgoing
	for _, m := range o.all {
		if m.Ack != nil || m.Refused != nil || busy[m.SessionKey] {
			continue
		}
		busy[m.SessionKey] = true
		if m.Uploaded() && !now.Before(o.pauses[m.SessionKey].until) {
			next = append(next, m)
		}
	}
	return next
}

// Begin notes that one of Next is being sent. It is to be Answered.
func (o *Outbox) Begin(m *Outgoing) { m.sending, m.Tried = true, true }

// Answered takes the gateway's answer to a message that was begun. After one
// that may be tried again by itself the session pauses, for as long as the
// gateway says, but for 1 s at least and then for twice as long each time up to
// 30 s.
func (o *Outbox) Answered(m *Outgoing, ack *protocol.ChatSendResult, err *protocol.Error, now clock.Time) {
	m.sending = false
	if err != nil && Retryable(err) {
		wait := min(max(2*o.pauses[m.SessionKey].wait, firstWait), longestWait)
		if o.pauses == nil {
			o.pauses = map[string]pause{}
		}
		o.pauses[m.SessionKey] = pause{now.Add(max(wish(err.RetryAfterMs), wait)), wait}
		return
	}
	delete(o.pauses, m.SessionKey)
	if err != nil {
		m.Refused = err
		return
	}
	m.Ack, m.Refused = ack, nil
}

// Retryable reports whether the same request may succeed later by itself. A
// credential that is refused is no fault of the request: it waits.
func Retryable(err *protocol.Error) bool {
	switch err.Code {
	case protocol.Unavailable, protocol.ResourceExhausted, protocol.NotPaired, protocol.Unauthorized:
		return true
	}
	return err.Retryable
}

// Resume ends all pauses, as for a new connection.
func (o *Outbox) Resume() { clear(o.pauses) }

// Paused reports whether a session waits before its next message is sent.
func (o *Outbox) Paused() bool { return len(o.pauses) > 0 }

// All gives every message in the order in which they were written. It is valid
// until the Outbox changes.
func (o *Outbox) All() []*Outgoing { return o.all }

// Of gives a session's messages in their order.
func (o *Outbox) Of(sessionKey string) []*Outgoing {
	var list []*Outgoing
	for _, m := range o.all {
		if m.SessionKey == sessionKey {
			list = append(list, m)
		}
	}
	return list
}

// Find gives the message of that key, or nil.
func (o *Outbox) Find(key string) *Outgoing {
	for _, m := range o.all {
		if m.Key == key {
			return m
		}
	}
	return nil
}

// Remove lets go of a message, whatever becomes of it.
func (o *Outbox) Remove(m *Outgoing) {
	for i := range o.all {
		if o.all[i] == m {
			o.all = append(o.all[:i], o.all[i+1:]...)
			return
		}
	}
}

// CanTakeBack reports whether the gateway does not have the message for sure.
func (m *Outgoing) CanTakeBack() bool {
	return m.Ack == nil && !m.sending && (!m.Tried || m.Refused != nil)
}

// Sending reports whether the answer to the message is awaited here.
func (m *Outgoing) Sending() bool { return m.sending }

// Unsent counts the messages that the gateway does not have for sure.
func (o *Outbox) Unsent() int {
	n := 0
	for _, m := range o.all {
		if m.Ack == nil {
			n++
		}
	}
	return n
}
