package timeline

import (
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/text"
)

// Message is an entry of the transcript, up to date with the log. What its HTML
// said is in Blocks; HTML itself is nil.
type Message struct {
	protocol.Message

	// Blocks are the top-level elements of the formatted content, in order.
	// None means: show Content as plain text.
	Blocks []Block

	anchor  int64 // seq of the message it stands behind, or its own
	through int64 // the last event that is in it

	// What grows piece by piece grows here, and is not copied for each piece.
	content, thinking, tail text.Builder
}

// Block is one top-level element of a formatted message.
type Block struct {
	HTML string // the element, made safe by the gateway
	Text string // plain text that follows at the end of its innermost last element
}

// read makes a Message of one that is right through that seq.
func read(p protocol.Message, through int64) *Message {
	m := &Message{Message: p, through: through, anchor: p.Seq}
	m.HTML = nil
	if p.HTML != nil {
		m.format(p.HTML)
	}
	return m
}

// readPage is read for a message of a history. One that answers what is not here
// stands at the top of its page, and so of the transcript.
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

// grow appends s to *to by way of b.
func grow(b *text.Builder, to *string, s string) {
	if b.String() != *to {
		b.Reset()
		b.Write(*to)
	}
	b.Write(s)
	*to = b.String()
}

// format applies a patch to the blocks. One that does not fit drops them all,
// one with nothing in it changes nothing.
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
