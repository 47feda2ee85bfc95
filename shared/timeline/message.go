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

	anchor  int64 // sort key: seq of the message that this one replies to, or its own seq
	through int64 // seq of the last event that was applied to this message

	// These build the texts to which events append, without copying them each time.
	content, thinking, tail text.Builder
}

// Block is one top-level element of a formatted message.
type Block struct {
	HTML string // the element, made safe by the gateway
	Text string // plain text to append to its innermost last element
}

// newMessage returns the Message of p, which includes the events up to through.
func newMessage(p protocol.Message, through int64) *Message {
	m := &Message{Message: p, through: through, anchor: p.Seq}
	m.HTML, m.Created, m.MediaRefs = nil, 0, nil // Blocks, CreatedAt and Media say the same
	if p.HTML != nil {
		m.applyPatch(p.HTML)
	}
	return m
}

// newPageMessage is newMessage for a message of a history. If the question of an answer is
// not loaded, the answer comes first in the transcript.
func newPageMessage(p protocol.Message, through int64) *Message {
	m := newMessage(p, through)
	if m.ReplyTo != "" {
		m.anchor = 0
	}
	return m
}

// isBefore reports whether m comes before o in the transcript.
func (m *Message) isBefore(o *Message) bool {
	return m.anchor < o.anchor || m.anchor == o.anchor && m.Seq < o.Seq
}

// appendTo appends more to *s. It builds *s in b, so that the text is not copied each time.
func appendTo(b *text.Builder, s *string, more string) {
	if b.String() != *s {
		b.Reset()
		b.Write(*s)
	}
	b.Write(more)
	*s = b.String()
}

// applyPatch applies a patch to the blocks and reports whether the patch fits. A patch that
// does not fit removes all blocks. An empty patch changes nothing.
func (m *Message) applyPatch(h *protocol.HTML) bool {
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
	appendTo(&m.tail, &last.Text, h.Append)
	return true
}
