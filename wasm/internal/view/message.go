package view

import (
	"slices"
	"strconv"

	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/text"
	"github.com/gatehouse-chat/gatehouse/shared/timeline"
)

// Message is an entry of the transcript as it is shown.
type Message struct {
	ID  string // "" while only this page knows the message
	Key string // idempotency key of an own message, which may have an ID by now

	From     protocol.MessageRole
	Status   string // a markup.Status… value
	RunID    string
	Seq      int64
	At       protocol.Time
	Content  string
	Blocks   []timeline.Block // none: Content is shown as it is
	ByOther  bool
	Author   string // with ByOther
	Name     string // of the agent; "" leaves what the page says
	Label    string
	Thinking string
	Activity string
	Error    string
	Files    []File
	Percent  int // of the files that is uploaded, of StatusUploading
}

// item is a message in the document.
type item struct {
	el, body Element
	files    list
	drawn    Message
	known    bool // drawn is what stands there; else the server rendered it
}

// template is the one that shows messages of a role.
func template(from protocol.MessageRole) string {
	switch from {
	case protocol.FromUser:
		return markup.TemplateUserMessage
	case protocol.FromSystem:
		return markup.TemplateSystemMessage
	default:
		return markup.TemplateAssistantMessage
	}
}

// draw makes the item show m.
func (it *item) draw(m *Message, doc Document, clock func(protocol.Time) Time) {
	if it.known && same(&it.drawn, m) {
		return
	}
	old, was := it.drawn, it.known
	if !was || old.ID != m.ID || old.Key != m.Key || old.RunID != m.RunID || old.Seq != m.Seq {
		it.identify(m)
	}
	it.drawBody(m) // looks at the status that stands there
	if !was || old.Status != m.Status {
		setAttr(it.el, markup.AttrStatus, m.Status)
	}
	if !was || old.At != m.At {
		setTime(it.el, markup.SlotTime, clock(m.At))
	}
	if !was || old.ByOther != m.ByOther {
		setBool(it.el, markup.AttrByOther, m.ByOther)
	}
	it.slot(markup.SlotAuthor, was, old.Author, m.Author)
	it.slot(markup.SlotLabel, was, old.Label, m.Label)
	it.slot(markup.SlotThinking, was, old.Thinking, m.Thinking)
	it.slot(markup.SlotActivity, was, old.Activity, m.Activity)
	it.slot(markup.SlotError, was, old.Error, m.Error)
	if !was || !slices.Equal(old.Files, m.Files) {
		it.drawFiles(doc, m.Files)
	}
	if m.Status == markup.StatusUploading {
		setSlot(it.el, markup.SlotPercent, strconv.Itoa(m.Percent))
	}
	if m.Name != "" {
		it.slot(markup.SlotName, was, old.Name, m.Name)
	}
	it.drawn, it.known = *m, true
	it.drawn.Blocks = slices.Clone(m.Blocks) // the timeline changes its own in place
}

func (it *item) identify(m *Message) {
	key := m.Key
	if m.ID != "" {
		key = ""
	}
	setAttr(it.el, markup.AttrMessageID, m.ID)
	setAttr(it.el, markup.AttrKey, key)
	setAttr(it.el, markup.AttrRunID, m.RunID)
	setAttr(it.el, markup.AttrSeq, strconv.FormatInt(m.Seq, 10))
}

func (it *item) slot(name string, was bool, old, text string) {
	if !was || old != text {
		setSlot(it.el, name, text)
	}
}

// drawBody writes the blocks that changed, or the plain text.
func (it *item) drawBody(m *Message) {
	if it.body == nil {
		if it.body = first(it.el, markup.AttrSlot, markup.SlotBody); it.body == nil {
			return
		}
	}
	if len(m.Blocks) == 0 {
		setAttr(it.body, markup.AttrFormat, markup.FormatText)
		if !it.known || len(it.drawn.Blocks) > 0 || it.drawn.Content != m.Content {
			setText(it.body, m.Content)
		}
		return
	}
	if !it.known && it.final(m) {
		return
	}
	setAttr(it.body, markup.AttrFormat, markup.FormatHTML)
	patch(it.body, it.drawn.Blocks, m.Blocks)
}

// final reports whether the server rendered just this: an ended message changes
// no more.
func (it *item) final(m *Message) bool {
	return protocol.MessageStatus(m.Status).Ended() &&
		it.el.Attr(markup.AttrStatus) == m.Status &&
		it.body.Attr(markup.AttrFormat) == markup.FormatHTML
}

// patch turns the old blocks in body into the new ones.
func patch(body Element, old, blocks []timeline.Block) {
	from := 0
	for from < len(old) && from < len(blocks) && old[from] == blocks[from] {
		from++
	}
	if from == len(blocks) && from == len(old) {
		return
	}
	if last := len(blocks) - 1; from == last && last == len(old)-1 && old[last].HTML == blocks[last].HTML {
		if more, grown := text.CutPrefix(blocks[last].Text, old[last].Text); grown {
			body.AppendCode(more)
			return
		}
	}
	place(body, from, blocks)
}

// place writes the blocks from an index on; one that has grown is written up to
// there, and then its growth.
func place(body Element, from int, blocks []timeline.Block) {
	html := make([]string, 0, len(blocks)-from)
	for i := from; i < len(blocks); i++ {
		html = append(html, blocks[i].HTML)
		if grown := blocks[i].Text; grown != "" {
			body.SetBlocks(from, html)
			body.AppendCode(grown)
			from, html = i+1, html[:0]
			if from == len(blocks) {
				return
			}
		}
	}
	body.SetBlocks(from, html)
}

func same(a, b *Message) bool {
	return a.ID == b.ID && a.Key == b.Key && a.Status == b.Status && a.RunID == b.RunID && a.Seq == b.Seq &&
		a.At == b.At && a.Content == b.Content && a.ByOther == b.ByOther && a.Author == b.Author &&
		a.Name == b.Name && a.Label == b.Label && a.Thinking == b.Thinking && a.Activity == b.Activity &&
		a.Error == b.Error && a.From == b.From && a.Percent == b.Percent && slices.Equal(a.Files, b.Files) && slices.Equal(a.Blocks, b.Blocks)
}
