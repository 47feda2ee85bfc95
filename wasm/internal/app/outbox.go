package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/text"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// post is what the user has written, in any session and any tab of this browser,
// and the gateway does not have. Each tab has all of it and may send it; they take
// turns, and whose turn it is knows what the others have put before it sends. Where
// browsers give no turns, the messages' keys alone keep them from counting twice.
type outbox struct {
	messages      client.Outbox
	lastTime      protocol.Time
	stored        map[string]bool // keys that were read from the keeper
	finished      map[string]bool // keys that have left: what still tells of them is late
	unstored      map[string]bool // keys that are not kept
	durable       bool            // what is kept outlasts the tab
	warned        bool            // that it does not
	tabsConnected bool            // what other tabs put
	current       bool            // what is kept was read, and has been heard of since

	lock       lockState
	whenLocked []func() // to be done in this tab's turn
	inFlight   int      // sends under way
}

// turn is where a tab stands among the user's.
type lockState uint8

const (
	lockNone      lockState = iota
	lockRequested           // it has asked
	lockHeld
)

func newOutbox() outbox {
	return outbox{stored: map[string]bool{}, finished: map[string]bool{}, unstored: map[string]bool{}, durable: true}
}

// add puts a new message into the outbox, where it is safe at once.
func (c *chat) enqueue(m *client.Outgoing) {
	// Also behind what was written before a clock was set back.
	m.At = max(protocol.At(clock.Now()), c.outbox.lastTime+1)
	for _, o := range c.outbox.messages.All() {
		m.At = max(m.At, o.At+1)
	}
	c.outbox.lastTime = m.At
	c.outbox.messages.Add(m)
	c.storeMessage(m)
	c.flush()
}

// keepMessage writes down what a message has come to.
func (c *chat) storeMessage(m *client.Outgoing) {
	c.storage.Put(messagePrefix+m.Key, string(m.AppendJSON(nil)), func(ok bool) {
		c.do(func() { c.messageStored(m, ok) })
	})
}

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
			c.problem("This browser has no room left to keep messages. This one is in this tab alone: leave it open until it is sent.")
		}
	}
	c.warnNotDurable()
	c.redraw(partBody)
}

// warn tells, once, that messages wait which do not outlast the tab.
func (c *chat) warnNotDurable() {
	if c.outbox.warned || c.outbox.durable || c.reached() || c.outbox.messages.Unsent() == 0 {
		return
	}
	c.outbox.warned = true
	c.problem("This browser keeps nothing for this page, as in a private window. What is not sent yet is lost when the tab is closed.")
}

// forget lets go of a message, here and in every tab.
func (c *chat) removeMessage(m *client.Outgoing) {
	c.removeLocally(m)
	c.storage.Put(messagePrefix+m.Key, "", func(bool) {})
}

// drop lets go of a message here.
func (c *chat) removeLocally(m *client.Outgoing) {
	c.outbox.finished[m.Key] = true
	delete(c.outbox.unstored, m.Key)
	c.outbox.messages.Remove(m)
	c.redraw(partBody | partList)
}

// readKept takes in what is kept, and then goes on.
func (c *chat) readStored(then func()) {
	c.storage.ReadAll(func(texts []string, durable bool) {
		c.do(func() {
			if !c.ended {
				c.mergeStored(texts, durable)
			}
			then()
		})
	})
}

// merge brings the outbox in line with what is kept.
func (c *chat) mergeStored(texts []string, durable bool) {
	c.outbox.durable, c.outbox.current = durable, c.outbox.tabsConnected
	there := map[string]bool{}
	for i := 0; i+1 < len(texts); i += 2 {
		if key, ok := text.CutPrefix(texts[i], messagePrefix); ok {
			there[key], c.outbox.stored[key] = true, true
			c.mergeMessage(key, texts[i+1])
		} else if key, ok := text.CutPrefix(texts[i], draftPrefix); ok {
			c.mergeDraft(key, texts[i+1])
		}
	}
	for _, m := range append([]*client.Outgoing(nil), c.outbox.messages.All()...) {
		if c.outbox.stored[m.Key] && !there[m.Key] && m.Ack == nil && !m.Sending() {
			c.removeLocally(m) // another tab saw to it, and what it told was lost
		}
	}
	c.seekFiles()
	c.uploadNext()
	if s := c.shown; s.gone && !s.known && len(c.outbox.messages.Of(s.key)) > 0 {
		s.gone = false // nobody knows it yet but this browser
		c.follow(s)
	}
	c.redraw(partBody | partList)
}

// takeIn takes a message as it is kept.
func (c *chat) mergeMessage(key, kept string) {
	m := new(client.Outgoing)
	if c.outbox.finished[key] || jsontext.Read(jsontext.Raw(kept), m.DecodeJSON) != nil || m.Key != key {
		return
	}
	had := c.outbox.messages.Find(key)
	if had == nil {
		c.outbox.messages.Add(m)
	} else if had.Ack == nil && !had.Sending() {
		had.Tried, had.Refused = had.Tried || m.Tried, m.Refused
		had.TakeMedia(m)
	}
	c.redraw(partBody | partList)
}

// told hears what another tab put or told.
func (c *chat) tabMessage(name, told string) {
	if c.ended {
		if name == purgedName && told == markup.StateSignedOut { // that is why it was revoked
			view.SetState(c.doc, told)
		}
		return
	}
	if key, ok := text.CutPrefix(name, messagePrefix); ok {
		c.messageChangedInTab(key, told)
	} else if key, ok := text.CutPrefix(name, sentPrefix); ok {
		var ack protocol.ChatSendResult
		if jsontext.Read(jsontext.Raw(told), ack.DecodeJSON) == nil {
			c.messageSentByTab(key, &ack)
		}
	} else if key, ok := text.CutPrefix(name, draftPrefix); ok {
		c.setDraft(key, told)
	} else if text.HasPrefix(name, wantPrefix) || text.HasPrefix(name, havePrefix) {
		c.fileMessage(name, told)
	} else if name == "" {
		c.syncStored()
	} else if name == purgedName {
		c.end(told)
		c.conn.Stop()
		c.purgeStored(func() {}) // what this tab has put meanwhile
	}
}

// helpAfter is how long the tab in which a message was written has the
// precedence.
const otherTabDelay = clock.Second

func (c *chat) messageChangedInTab(key, kept string) {
	if kept != "" {
		c.mergeMessage(key, kept)
		c.seekFiles()
		clock.AfterFunc(otherTabDelay, func() { c.do(c.flush) })
		return
	}
	if m := c.outbox.messages.Find(key); m != nil && m.Ack == nil && !m.Sending() {
		c.removeMessage(m) // also what this tab may have put in between
	} else if m == nil {
		c.outbox.finished[key] = true
	}
}

func (c *chat) messageSentByTab(key string, ack *protocol.ChatSendResult) {
	c.outbox.finished[key] = true
	if m := c.outbox.messages.Find(key); m != nil && m.Ack == nil {
		m.Ack, m.Refused = ack, nil
		c.messageAcknowledged(m)
	}
}

// arrives follows an acknowledged message, until the log shows it where somebody
// looks.
func (c *chat) messageAcknowledged(m *client.Outgoing) {
	c.outbox.finished[m.Key] = true
	delete(c.outbox.unstored, m.Key)
	if s := c.opened[m.SessionKey]; s != nil && (s.loaded() || s == c.shown) {
		s.known = true
		if s.followed != nil {
			s.followed.Confirm()
		}
	} else {
		c.outbox.messages.Remove(m)
	}
	c.redraw(partBody | partList)
}

// flush sends what there is to send, when it is this tab's turn.
func (c *chat) flush() {
	c.redraw(partBody)
	if !c.ended && c.ready() && !c.blocked() && len(c.outbox.messages.Next(clock.Now())) > 0 {
		c.withLock(func() {})
	}
}

// inTurn does what only one tab of the user's should do at a time.
func (c *chat) withLock(wish func()) {
	c.outbox.whenLocked = append(c.outbox.whenLocked, wish)
	switch c.outbox.lock {
	case lockNone:
		c.outbox.lock = lockRequested
		c.storage.Lock(func() { c.do(c.lockAcquired) })
	case lockHeld:
		c.runWithLock()
	}
}

func (c *chat) lockAcquired() {
	if c.outbox.current {
		c.runWithLock()
	} else {
		c.readStored(c.runWithLock)
	}
}

func (c *chat) runWithLock() {
	c.outbox.lock = lockHeld
	wishes := c.outbox.whenLocked
	c.outbox.whenLocked = nil
	for _, wish := range wishes {
		wish()
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

// refusedMessage keeps what the gateway does not want, for its writer to decide.
func (c *chat) messageRefused(m *client.Outgoing) {
	if c.outbox.messages.Find(m.Key) == m {
		c.storeMessage(m)
		view.Announce(c.doc, "A message was not sent: "+errorText(m.Refused))
	}
}
