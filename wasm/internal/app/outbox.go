package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// outbox holds the messages that the user has written and the gateway has not
// acknowledged, of any session and of every tab of this browser. Each tab has all of them
// and may send them, one tab at a time: the tab that holds the lock has read the other
// tabs' messages before it sends. In a browser without locks, two tabs may send the same
// message; the gateway counts it once, because of its idempotency key.
type outbox struct {
	messages client.Outbox
	lastTime protocol.Time   // of the newest message of this tab
	stored   map[string]bool // keys of messages that were read from the storage
	// keys of messages that were sent or removed: later messages of other tabs about them
	// are out of date
	finished      map[string]bool
	unstored      map[string]bool // keys of messages that the storage had no room for
	durable       bool            // what is stored outlasts the tab
	warned        bool            // the user was told that nothing outlasts the tab
	tabsConnected bool            // other tabs' messages arrive here
	current       bool            // what is stored was read, and every change since has arrived

	lock       lockState
	whenLocked []func() // run when this tab has the lock
	inFlight   int      // chat.send requests without an answer
}

// lockState says whether this tab holds the lock that the user's tabs share.
type lockState uint8

const (
	lockNone lockState = iota
	lockRequested
	lockHeld
)

func newOutbox() outbox {
	return outbox{stored: map[string]bool{}, finished: map[string]bool{}, unstored: map[string]bool{},
		durable: true}
}

// enqueue adds a new message to the outbox and stores it.
func (c *chat) enqueue(m *client.Outgoing) {
	// Later than all others, even if the clock was set back.
	m.At = max(protocol.At(clock.Now()), c.outbox.lastTime+1)
	for _, o := range c.outbox.messages.All() {
		m.At = max(m.At, o.At+1)
	}
	c.outbox.lastTime = m.At
	c.outbox.messages.Add(m)
	c.storeMessage(m)
	c.flush()
}

// storeMessage stores a message in its present state.
func (c *chat) storeMessage(m *client.Outgoing) {
	c.storage.Put(messagePrefix+m.Key, string(m.AppendJSON(nil)), func(ok bool) {
		c.do(func() { c.messageStored(m, ok) })
	})
}

// messageStored handles the end of a Put. If the storage is full, it warns once for each
// message.
func (c *chat) messageStored(m *client.Outgoing, ok bool) {
	if c.ended || c.outbox.messages.Find(m.Key) != m {
		return
	}
	switch {
	case ok:
		delete(c.outbox.unstored, m.Key)
	case c.outbox.unstored[m.Key]:
	default:
		c.outbox.unstored[m.Key] = true
		if c.outbox.durable {
			c.problem("This browser has no room left to keep messages. This one is in this tab alone: " +
				"leave the tab open until it is sent.")
		}
	}
	c.warnNotDurable()
	c.redraw(partBody)
}

// warnNotDurable warns once, when messages wait that do not outlast the tab.
func (c *chat) warnNotDurable() {
	if c.outbox.warned || c.outbox.durable || c.reachable() || c.outbox.messages.Unsent() == 0 {
		return
	}
	c.outbox.warned = true
	c.problem("This browser keeps nothing for this page, as in a private window. " +
		"What is not sent yet is lost when the tab is closed.")
}

// removeMessage removes a message from this tab, the storage and the other tabs.
func (c *chat) removeMessage(m *client.Outgoing) {
	c.removeLocally(m)
	c.storage.Put(messagePrefix+m.Key, "", func(bool) {})
}

// removeLocally removes a message from this tab.
func (c *chat) removeLocally(m *client.Outgoing) {
	c.outbox.finished[m.Key] = true
	delete(c.outbox.unstored, m.Key)
	c.outbox.messages.Remove(m)
	c.redraw(partBody | partList)
}

// messageAcknowledged keeps an acknowledged message in the outbox until the log of its
// session has it, so that it stays on the screen. If this page does not follow the
// session, the message is removed at once.
func (c *chat) messageAcknowledged(m *client.Outgoing) {
	c.outbox.finished[m.Key] = true
	delete(c.outbox.unstored, m.Key)
	if s := c.opened[m.SessionKey]; s != nil && (s.loaded() || s == c.shown) {
		s.existed = true
		if s.followed != nil {
			s.followed.Confirm()
		}
	} else {
		c.outbox.messages.Remove(m)
	}
	c.redraw(partBody | partList)
}

// flush sends the messages that can be sent now, as soon as this tab has the lock.
func (c *chat) flush() {
	c.redraw(partBody)
	if !c.ended && c.ready() && !c.blocked() && len(c.outbox.messages.Next(clock.Now())) > 0 {
		c.withLock(func() {})
	}
}

// withLock runs f when this tab has the lock that the user's tabs share.
func (c *chat) withLock(f func()) {
	c.outbox.whenLocked = append(c.outbox.whenLocked, f)
	switch c.outbox.lock {
	case lockNone:
		c.outbox.lock = lockRequested
		c.storage.Lock(func() { c.do(c.lockAcquired) })
	case lockHeld:
		c.runWithLock()
	}
}

// lockAcquired makes sure that this tab has read what the other tabs have stored, then works
// with the lock.
func (c *chat) lockAcquired() {
	if c.outbox.current {
		c.runWithLock()
	} else {
		c.readStored(c.runWithLock)
	}
}

// runWithLock runs what waits for the lock, and sends. It releases the lock when no
// request is in flight any more.
func (c *chat) runWithLock() {
	c.outbox.lock = lockHeld
	funcs := c.outbox.whenLocked
	c.outbox.whenLocked = nil
	for _, f := range funcs {
		f()
	}
	if c.ready() && !c.ended && !c.blocked() {
		for _, m := range c.outbox.messages.Next(clock.Now()) {
			c.send(m)
		}
	}
	if c.outbox.inFlight == 0 {
		c.outbox.lock = lockNone
		c.storage.Unlock()
	}
}

// send sends one message. Only a tab that has the lock may call it.
func (c *chat) send(m *client.Outgoing) {
	first := !m.Tried
	c.outbox.messages.Begin(m)
	if first {
		c.storeMessage(m)
	}
	c.outbox.inFlight++
	var ack protocol.ChatSendResult
	params := &protocol.ChatSendParams{
		Message:        m.Message,
		SessionKey:     m.SessionKey,
		Media:          m.Media(),
		IdempotencyKey: m.Key,
		Ack:            protocol.AckAccepted,
	}
	c.call(protocol.MethodChatSend, params.AppendJSON(nil), ack.DecodeJSON, func(err *protocol.Error) {
		c.outbox.inFlight--
		c.outbox.messages.Answered(m, &ack, err, clock.Now())
		switch {
		case c.ended:
		case m.Ack != nil:
			c.storage.Broadcast(sentPrefix+m.Key, string(ack.AppendJSON(nil)))
			c.storage.Put(messagePrefix+m.Key, "", func(bool) {})
			c.messageAcknowledged(m)
		case m.Refused != nil:
			c.messageRefused(m)
		}
		c.runWithLock()
	})
}
