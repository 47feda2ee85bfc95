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
type post struct {
	box      client.Outbox
	lastAt   protocol.Time
	stored   map[string]bool // keys that were read from the keeper
	left     map[string]bool // keys that have left: what still tells of them is late
	homeless map[string]bool // keys that are not kept
	durable  bool            // what is kept outlasts the tab
	warned   bool            // that it does not
	hears    bool            // what other tabs put
	fresh    bool            // what is kept was read, and has been heard of since

	turn   turn
	wishes []func() // to be done in this tab's turn
	under  int      // sends under way
}

// turn is where a tab stands among the user's.
type turn uint8

const (
	noTurn  turn = iota
	waiting      // it has asked
	mine
)

func newPost() post {
	return post{stored: map[string]bool{}, left: map[string]bool{}, homeless: map[string]bool{}, durable: true}
}

// add puts a new message into the outbox, where it is safe at once.
func (c *chat) add(m *client.Outgoing) {
	// Also behind what was written before a clock was set back.
	m.At = max(protocol.At(clock.Now()), c.post.lastAt+1)
	for _, o := range c.post.box.All() {
		m.At = max(m.At, o.At+1)
	}
	c.post.lastAt = m.At
	c.post.box.Add(m)
	c.keepMessage(m)
	c.flush()
}

// keepMessage writes down what a message has come to.
func (c *chat) keepMessage(m *client.Outgoing) {
	c.keep.Put(nameMessage+m.Key, string(m.AppendJSON(nil)), func(ok bool) {
		c.do(func() { c.kept(m, ok) })
	})
}

func (c *chat) kept(m *client.Outgoing, ok bool) {
	if c.over || c.post.box.Find(m.Key) != m {
		return
	}
	switch {
	case ok:
		delete(c.post.homeless, m.Key)
	case c.post.homeless[m.Key]:
	default:
		c.post.homeless[m.Key] = true
		if c.post.durable {
			c.problem("This browser has no room left to keep messages. This one is in this tab alone: leave it open until it is sent.")
		}
	}
	c.warn()
	c.need(partBody)
}

// warn tells, once, that messages wait which do not outlast the tab.
func (c *chat) warn() {
	if c.post.warned || c.post.durable || c.reached() || c.post.box.Unsent() == 0 {
		return
	}
	c.post.warned = true
	c.problem("This browser keeps nothing for this page, as in a private window. What is not sent yet is lost when the tab is closed.")
}

// forget lets go of a message, here and in every tab.
func (c *chat) forget(m *client.Outgoing) {
	c.drop(m)
	c.keep.Put(nameMessage+m.Key, "", func(bool) {})
}

// drop lets go of a message here.
func (c *chat) drop(m *client.Outgoing) {
	c.post.left[m.Key] = true
	delete(c.post.homeless, m.Key)
	c.post.box.Remove(m)
	c.need(partBody | partList)
}

// readKept takes in what is kept, and then goes on.
func (c *chat) readKept(then func()) {
	c.keep.Read(func(texts []string, durable bool) {
		c.do(func() {
			if !c.over {
				c.merge(texts, durable)
			}
			then()
		})
	})
}

// merge brings the outbox in line with what is kept.
func (c *chat) merge(texts []string, durable bool) {
	c.post.durable, c.post.fresh = durable, c.post.hears
	there := map[string]bool{}
	for i := 0; i+1 < len(texts); i += 2 {
		if key, ok := text.CutPrefix(texts[i], nameMessage); ok {
			there[key], c.post.stored[key] = true, true
			c.takeIn(key, texts[i+1])
		} else if key, ok := text.CutPrefix(texts[i], nameDraft); ok {
			c.findDraft(key, texts[i+1])
		}
	}
	for _, m := range append([]*client.Outgoing(nil), c.post.box.All()...) {
		if c.post.stored[m.Key] && !there[m.Key] && m.Ack == nil && !m.Sending() {
			c.drop(m) // another tab saw to it, and what it told was lost
		}
	}
	c.seekFiles()
	c.uploadNext()
	if s := c.shown; s.gone && !s.known && len(c.post.box.Of(s.key)) > 0 {
		s.gone = false // nobody knows it yet but this browser
		c.follow(s)
	}
	c.need(partBody | partList)
}

// takeIn takes a message as it is kept.
func (c *chat) takeIn(key, kept string) {
	m := new(client.Outgoing)
	if c.post.left[key] || jsontext.Read(jsontext.Raw(kept), m.DecodeJSON) != nil || m.Key != key {
		return
	}
	had := c.post.box.Find(key)
	if had == nil {
		c.post.box.Add(m)
	} else if had.Ack == nil && !had.Sending() {
		had.Tried, had.Refused = had.Tried || m.Tried, m.Refused
		had.TakeMedia(m)
	}
	c.need(partBody | partList)
}

// told hears what another tab put or told.
func (c *chat) told(name, told string) {
	if c.over {
		if name == namePurged && told == markup.StateSignedOut { // that is why it was revoked
			view.SetState(c.doc, told)
		}
		return
	}
	if key, ok := text.CutPrefix(name, nameMessage); ok {
		c.toldMessage(key, told)
	} else if key, ok := text.CutPrefix(name, nameSent); ok {
		var ack protocol.ChatSendResult
		if jsontext.Read(jsontext.Raw(told), ack.DecodeJSON) == nil {
			c.sentElsewhere(key, &ack)
		}
	} else if key, ok := text.CutPrefix(name, nameDraft); ok {
		c.toldDraft(key, told)
	} else if text.HasPrefix(name, nameWant) || text.HasPrefix(name, nameHave) {
		c.toldOfFile(name, told)
	} else if name == "" {
		c.wakeUp()
	} else if name == namePurged {
		c.end(told)
		c.conn.Stop()
		c.purge(func() {}) // what this tab has put meanwhile
	}
}

// helpAfter is how long the tab in which a message was written has the
// precedence.
const helpAfter = clock.Second

func (c *chat) toldMessage(key, kept string) {
	if kept != "" {
		c.takeIn(key, kept)
		c.seekFiles()
		clock.AfterFunc(helpAfter, func() { c.do(c.flush) })
		return
	}
	if m := c.post.box.Find(key); m != nil && m.Ack == nil && !m.Sending() {
		c.forget(m) // also what this tab may have put in between
	} else if m == nil {
		c.post.left[key] = true
	}
}

func (c *chat) sentElsewhere(key string, ack *protocol.ChatSendResult) {
	c.post.left[key] = true
	if m := c.post.box.Find(key); m != nil && m.Ack == nil {
		m.Ack, m.Refused = ack, nil
		c.arrives(m)
	}
}

// arrives follows an acknowledged message, until the log shows it where somebody
// looks.
func (c *chat) arrives(m *client.Outgoing) {
	c.post.left[m.Key] = true
	delete(c.post.homeless, m.Key)
	if s := c.all[m.SessionKey]; s != nil && (s.loaded() || s == c.shown) {
		s.known = true
		if s.feed != nil {
			s.feed.Confirm()
		}
	} else {
		c.post.box.Remove(m)
	}
	c.need(partBody | partList)
}

// flush sends what there is to send, when it is this tab's turn.
func (c *chat) flush() {
	c.need(partBody)
	if !c.over && c.ready() && !c.slowed() && len(c.post.box.Next(clock.Now())) > 0 {
		c.inTurn(func() {})
	}
}

// inTurn does what only one tab of the user's should do at a time.
func (c *chat) inTurn(wish func()) {
	c.post.wishes = append(c.post.wishes, wish)
	switch c.post.turn {
	case noTurn:
		c.post.turn = waiting
		c.keep.Lock(func() { c.do(c.takeTurn) })
	case mine:
		c.useTurn()
	}
}

func (c *chat) takeTurn() {
	if c.post.fresh {
		c.useTurn()
	} else {
		c.readKept(c.useTurn)
	}
}

func (c *chat) useTurn() {
	c.post.turn = mine
	wishes := c.post.wishes
	c.post.wishes = nil
	for _, wish := range wishes {
		wish()
	}
	if c.ready() && !c.over && !c.slowed() {
		for _, m := range c.post.box.Next(clock.Now()) {
			c.send(m)
		}
	}
	if c.post.under == 0 {
		c.post.turn = noTurn
		c.keep.Unlock()
	}
}

func (c *chat) send(m *client.Outgoing) {
	first := !m.Tried
	c.post.box.Begin(m)
	if first {
		c.keepMessage(m)
	}
	c.post.under++
	var ack protocol.ChatSendResult
	params := &protocol.ChatSendParams{
		Message:        m.Message,
		SessionKey:     m.SessionKey,
		Media:          m.Media(),
		IdempotencyKey: m.Key,
		Ack:            protocol.AckAccepted,
	}
	c.ask(protocol.MethodChatSend, params.AppendJSON(nil), ack.DecodeJSON, func(err *protocol.Error) {
		c.post.under--
		c.post.box.Answered(m, &ack, err, clock.Now())
		switch {
		case c.over:
		case m.Ack != nil:
			c.keep.Tell(nameSent+m.Key, string(ack.AppendJSON(nil)))
			c.keep.Put(nameMessage+m.Key, "", func(bool) {})
			c.arrives(m)
		case m.Refused != nil:
			c.refusedMessage(m)
		}
		c.useTurn()
	})
}

// refusedMessage keeps what the gateway does not want, for its writer to decide.
func (c *chat) refusedMessage(m *client.Outgoing) {
	if c.post.box.Find(m.Key) == m {
		c.keepMessage(m)
		view.Announce(c.doc, "A message was not sent: "+sentence(m.Refused))
	}
}
