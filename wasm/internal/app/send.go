package app

import (
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/timeline"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// submit takes what is in the composer. What cannot be sent stays there.
func (c *chat) submit() {
	text := view.Input(c.doc, markup.IDComposerInput)
	if trim(text) == "" || !c.mayWrite() {
		return
	}
	if over := len(text) - protocol.MaxMessageBytes; over > 0 {
		c.problem("This message is " + view.Grouped(over) + " bytes longer than the " +
			view.Grouped(protocol.MaxMessageBytes) + " that one may have. Send it in parts.")
		return
	}
	c.setInput("")
	c.say(text)
}

func (c *chat) mayWrite() bool {
	return !c.over && !c.shown.gone && c.role.Allows(protocol.Operator)
}

func (c *chat) setInput(text string) {
	view.SetInput(c.doc, markup.IDComposerInput, text)
	view.SetReplica(c.doc, text)
	c.need(partForm)
}

// say puts a message into the shown session's outbox. The first of a new session
// gives it its key, and makes it the user's.
func (c *chat) say(text string) {
	s := c.shown
	if s.key == "" {
		delete(c.all, "")
		s.key = "agent:" + c.defaultAgent() + ":ws:direct:" + uuid(c.random(16))
		s.log = timeline.New(s.key)
		c.all[s.key] = s
		c.win.Push(pathOf(s.key))
	}
	s.out.add(&outgoing{
		key:   hexOf(c.random(16)),
		text:  text,
		at:    protocol.At(time.Now()),
		after: s.log.Cursor().AfterSeq,
	})
	c.toLatest = true
	c.need(partBody)
	c.flush(s)
}

// flush sends the session's next message, if it is time.
func (c *chat) flush(s *session) {
	c.need(partBody)
	if !c.ready() || c.over {
		return
	}
	m := s.out.next(time.Now())
	if m == nil {
		return
	}
	m.sending, m.tried = true, true
	var ack protocol.ChatSendResult
	params := &protocol.ChatSendParams{
		Message:        m.text,
		SessionKey:     s.key,
		IdempotencyKey: m.key,
		Ack:            protocol.AckAccepted,
	}
	c.ask(protocol.MethodChatSend, params.AppendJSON(nil), ack.DecodeJSON, func(err *protocol.Error) {
		s.out.answered(m, &ack, err, time.Now())
		s.known = s.known || err == nil
		c.flush(s)
	})
}

func (c *chat) flushAll() {
	for _, s := range c.all {
		s.out.pause = time.Time{}
		c.flush(s)
	}
}

// takeBack puts a message that is not sent yet back into the composer, or asks
// the gateway to give up one that waits there.
func (c *chat) takeBack(target view.Element) {
	m := c.shown.out.takeBack(about(target, markup.AttrKey))
	if m == nil {
		c.abort(about(target, markup.AttrRunID))
		return
	}
	text := m.text
	if rest := view.Input(c.doc, markup.IDComposerInput); rest != "" {
		text += "\n\n" + rest
	}
	c.setInput(text)
	view.Focus(c.doc, markup.IDComposerInput)
	c.need(partBody)
	c.flush(c.shown)
}

// stop ends the answer that is being written, or else what waits to be.
func (c *chat) stop() {
	run, _ := c.shown.log.Running()
	c.abort(run)
}

func (c *chat) abort(run string) {
	var result protocol.ChatAbortResult
	params := &protocol.ChatAbortParams{SessionKey: c.shown.key, RunID: run}
	c.ask(protocol.MethodChatAbort, params.AppendJSON(nil), result.DecodeJSON, func(err *protocol.Error) {
		if err != nil {
			c.problem("It could not be stopped: " + sentence(err))
		}
	})
}

// retry says again what a failed answer was to answer.
func (c *chat) retry(id string) {
	failed := c.shown.log.Message(id)
	if failed == nil || !c.mayWrite() {
		return
	}
	asked := c.shown.log.Message(failed.ReplyTo)
	for _, m := range c.shown.log.Messages() {
		if m == failed {
			break
		}
		if failed.ReplyTo == "" && m.Role == protocol.FromUser {
			asked = m
		}
	}
	if asked != nil {
		c.say(asked.Content)
	}
}

func (c *chat) random(n int) []byte {
	b := make([]byte, n)
	c.win.Random(b)
	return b
}

func hexOf(b []byte) string {
	const digits = "0123456789abcdef"
	out := make([]byte, 0, 2*len(b))
	for _, c := range b {
		out = append(out, digits[c>>4], digits[c&15])
	}
	return string(out)
}

// uuid makes a version 4 UUID of 16 random bytes (RFC 9562 §5.4).
func uuid(b []byte) string {
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	h := hexOf(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
