package app

import (
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// outgoing is an own message on its way to the log.
type outgoing struct {
	key  string // idempotency key: whatever is sent again under it counts once
	text string
	at   protocol.Time

	sending bool            // a chat.send is under way
	tried   bool            // one was, so that the gateway may have it
	refused *protocol.Error // the gateway does not want it; only the user tries again
	ack     *protocol.ChatSendResult
	after   int64 // the session's last seq when it was first sent
}

// outbox keeps a session's messages until the gateway has them. They are sent
// in order, the next one only when the one before is acknowledged; one that was
// refused steps aside. A message leaves when the log shows it.
type outbox struct {
	queue []*outgoing
	pause time.Time // until when the gateway wants to be left alone
}

func (o *outbox) add(m *outgoing) { o.queue = append(o.queue, m) }

// next is the message to send now, or nil.
func (o *outbox) next(now time.Time) *outgoing {
	if now.Before(o.pause) {
		return nil
	}
	for _, m := range o.queue {
		if m.sending {
			return nil
		}
		if m.ack == nil && m.refused == nil {
			return m
		}
	}
	return nil
}

// answered takes the gateway's answer to sending m. What may be tried again
// stays in its place.
func (o *outbox) answered(m *outgoing, ack *protocol.ChatSendResult, err *protocol.Error, now time.Time) {
	m.sending = false
	switch {
	case err == nil:
		m.ack = ack
	case retryable(err):
		o.pause = now.Add(max(time.Duration(err.RetryAfterMs)*time.Millisecond, time.Second))
	default:
		m.refused = err
	}
}

// retryable reports whether the same request may succeed later by itself. A
// credential that is refused is no fault of the message: it waits.
func retryable(err *protocol.Error) bool {
	switch err.Code {
	case protocol.Unavailable, protocol.ResourceExhausted, protocol.NotPaired, protocol.Unauthorized:
		return true
	}
	return err.Retryable
}

// again sends a refused message once more.
func (o *outbox) again(key string) {
	if m := o.find(key); m != nil {
		m.refused = nil
	}
}

// takeBack removes a message that is not being sent, and gives it.
func (o *outbox) takeBack(key string) *outgoing {
	m := o.find(key)
	if m == nil || m.sending || m.ack != nil {
		return nil
	}
	o.remove(m)
	return m
}

func (o *outbox) find(key string) *outgoing {
	for _, m := range o.queue {
		if m.key == key {
			return m
		}
	}
	return nil
}

func (o *outbox) remove(m *outgoing) {
	o.queue = without(o.queue, func(q *outgoing) bool { return q == m })
}

// unsent counts the messages that the gateway does not have for sure.
func (o *outbox) unsent() int {
	n := 0
	for _, m := range o.queue {
		if m.ack == nil {
			n++
		}
	}
	return n
}
