package client

import (
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Outgoing is a message that the gateway has not stored yet. A program that may end before
// the message is acknowledged stores the message (AppendJSON).
type Outgoing struct {
	Key        string // idempotency key: a message that is sent twice is stored once
	SessionKey string
	Message    string
	Files      []protocol.Attachment
	At         protocol.Time // when it was written: the order in which a session's messages are sent
	After      int64         // the session's last seq that its author had read

	Tried   bool            // it was sent at least once, so the gateway may have it
	Refused *protocol.Error // the gateway refused it; only a person may try again

	Ack *protocol.ChatSendResult // the gateway's acknowledgement, or nil; not stored

	sending bool // its answer is pending
}

// AppendJSON appends the message as protocol.UnsentMessage.
func (m *Outgoing) AppendJSON(dst []byte) []byte {
	kept := protocol.UnsentMessage{
		Key: m.Key, SessionKey: m.SessionKey, Message: m.Message, Files: m.Files,
		At: int64(m.At), After: m.After, Tried: m.Tried, Refused: m.Refused,
	}
	return kept.AppendJSON(dst)
}

// DecodeJSON reads what AppendJSON wrote.
func (m *Outgoing) DecodeJSON(d *jsontext.Decoder) {
	var kept protocol.UnsentMessage
	kept.DecodeJSON(d)
	*m = Outgoing{
		Key: kept.Key, SessionKey: kept.SessionKey, Message: kept.Message, Files: kept.Files,
		At: protocol.Time(kept.At), After: kept.After, Tried: kept.Tried, Refused: kept.Refused,
	}
}

// Outbox holds a user's messages until the gateway has acknowledged them, and says which to
// send next (see Next). Of a session, it sends the messages in the order of their times,
// each after the one before is acknowledged. A message waits until its files are uploaded;
// a refused message is skipped; sessions do not wait for each other. The zero value is
// empty. An Outbox does no I/O. It is not safe for concurrent use.
type Outbox struct {
	all    []*Outgoing      // by time and key
	pauses map[string]pause // by session key
}

// pause is the time until a session's next message may be sent, after a failure.
type pause struct {
	until clock.Time
	wait  clock.Duration // doubled by the next failure
}

// Add adds a message. It reports false if there is a message with the same key.
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

// Next returns the messages to send now, at most one of each session.
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

// Begin notes that a message from Next is being sent. The caller calls Answered later.
func (o *Outbox) Begin(m *Outgoing) { m.sending, m.Tried = true, true }

// Answered handles the gateway's answer to a message that was begun. After a retryable
// error the session pauses: for as long as the gateway says, but at least for 1 s, and
// twice as long after each further error, up to 30 s.
func (o *Outbox) Answered(
	m *Outgoing, ack *protocol.ChatSendResult, err *protocol.Error, now clock.Time,
) {
	m.sending = false
	if err != nil && Retryable(err) {
		wait := min(max(2*o.pauses[m.SessionKey].wait, firstWait), maxWait)
		if o.pauses == nil {
			o.pauses = map[string]pause{}
		}
		o.pauses[m.SessionKey] = pause{now.Add(max(retryWait(err.RetryAfterMs), wait)), wait}
		return
	}
	delete(o.pauses, m.SessionKey)
	if err != nil {
		m.Refused = err
		return
	}
	m.Ack, m.Refused = ack, nil
}

// Retryable reports whether the same request may succeed later without a change. That
// includes a refused credential, which is not a fault of the request.
func Retryable(err *protocol.Error) bool {
	switch err.Code {
	case protocol.Unavailable, protocol.ResourceExhausted, protocol.NotPaired, protocol.Unauthorized:
		return true
	}
	return err.Retryable
}

// Resume ends all pauses, as for a new connection.
func (o *Outbox) Resume() { clear(o.pauses) }

// Paused reports whether any session is pausing.
func (o *Outbox) Paused() bool { return len(o.pauses) > 0 }

// All returns all messages in the order in which they were written. The slice is valid until
// the Outbox changes.
func (o *Outbox) All() []*Outgoing { return o.all }

// Of returns a session's messages in order.
func (o *Outbox) Of(sessionKey string) []*Outgoing {
	var list []*Outgoing
	for _, m := range o.all {
		if m.SessionKey == sessionKey {
			list = append(list, m)
		}
	}
	return list
}

// Find returns the message with that key, or nil.
func (o *Outbox) Find(key string) *Outgoing {
	for _, m := range o.all {
		if m.Key == key {
			return m
		}
	}
	return nil
}

// Remove removes a message, whether or not it was sent.
func (o *Outbox) Remove(m *Outgoing) {
	for i := range o.all {
		if o.all[i] == m {
			o.all = append(o.all[:i], o.all[i+1:]...)
			return
		}
	}
}

// CanTakeBack reports whether it is certain that the gateway does not have the message.
func (m *Outgoing) CanTakeBack() bool {
	return m.Ack == nil && !m.sending && (!m.Tried || m.Refused != nil)
}

// Sending reports whether the message was sent and its answer is pending.
func (m *Outgoing) Sending() bool { return m.sending }

// Unsent counts the messages that the gateway has not acknowledged.
func (o *Outbox) Unsent() int {
	n := 0
	for _, m := range o.all {
		if m.Ack == nil {
			n++
		}
	}
	return n
}
