package timeline

import (
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/text"
)

// Message is an entry of the transcript. Its formatted text is in Blocks; HTML is nil.
type Message struct {
	protocol.Message

	// Blocks are the top-level elements of the formatted content, in order. If there are
	// none, Content is shown as plain text.
	Blocks []Block

	anchor  int64 // sort key: seq of the message that it replies to, or its own
	through int64 // the last event that was applied to it

	// These build the texts to which events append, without copying them each time.
	content, thinking, tail text.Builder
}

// Block is one top-level element of a formatted message.
type Block struct {
	HTML string // the element, made safe by the gateway
	Text string // plain text to append to its innermost last element
}

// read returns the Message of a message that includes the events up to through.
func read(p protocol.Message, through int64) *Message {
	m := &Message{Message: p, through: through, anchor: p.Seq}
	m.HTML = nil
	if p.HTML != nil {
		m.format(p.HTML)
	}
	return m
}

// readPage is read for a message of a history. An answer whose question is not loaded is
// sorted to the top of its page, and so of the transcript.
func readPage(p protocol.Message, through int64) *Message {
	m := read(p, through)
	if m.ReplyTo != "" {
		m.anchor = 0
	}
	return m
}

func (m *Message) isBefore(o *Message) bool {
	return m.anchor < o.anchor || m.anchor == o.anchor && m.Seq < o.Seq
}

// grow appends s to *to, which b builds.
func grow(b *text.Builder, to *string, s string) {
	if b.String() != *to {
		b.Reset()
		b.Write(*to)
	}
	b.Write(s)
	*to = b.String()
}

// format applies a patch to the blocks and reports whether it fits. A patch that does not
// fit removes all blocks. An empty patch changes nothing.
func (m *Message) format(h *protocol.HTML) bool {
	if h.From >= 0 && len(h.Blocks) == 0 && h.Append == "" {
		return true
	}
	onlyText := len(h.Blocks) == 0 && h.Append != ""
	if !onlyText {
		if h.From < 0 || h.From > int64(len(m.Blocks)) {
			m.Blocks = nil
			return false
		}
		m.Blocks = m.Blocks[:h.From]
		for _, html := range h.Blocks {
			m.Blocks = append(m.Blocks, Block{HTML: html})
		}
	}
	if h.Append == "" {
		return true
	}
	if len(m.Blocks) == 0 {
		return false
	}
	last := &m.Blocks[len(m.Blocks)-1]
	grow(&m.tail, &last.Text, h.Append)
	return true
}
