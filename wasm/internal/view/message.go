package view

import (
	"slices"
	"strconv"

	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/text"
	"github.com/gatehouse-chat/gatehouse/shared/timeline"
	"github.com/gatehouse-chat/gatehouse/shared/words"
)

// Message is an entry of the transcript as it is shown.
type Message struct {
	ID  string // "" while only this page knows the message
	Key string // idempotency key if this browser sent the message; it may have an ID too

	From     protocol.MessageRole
	Status   string // a markup.Status… value
	RunID    string
	Seq      int64
	At       protocol.Time
	Content  string
	Blocks   []timeline.Block // if empty, Content is shown as plain text
	ByOther  bool
	Author   string // if ByOther
	Name     string // of the agent; "" leaves the name that the template has
	Label    string
	Thinking string
	Activity string
	Error    string
	Finish   string // why an answer ended
	Files    []File
	Percent  int // how much of the files is uploaded, if StatusUploading
}

// messageItem is a message in the document.
type messageItem struct {
	el, body Element
	files    list
	time     Time    // of the message
	last     Message // that was drawn last
	drawn    bool    // last was drawn; if false, the gateway rendered the element
}

// template returns the id of the template for messages of a role.
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

// draw writes what differs between m and the last message drawn.
func (it *messageItem) draw(m *Message, doc Document, clock func(protocol.Time) Time) {
	if it.drawn && equalMessages(&it.last, m) {
		return
	}
	old, drawn := it.last, it.drawn
	if !drawn || old.ID != m.ID || old.Key != m.Key || old.RunID != m.RunID || old.Seq != m.Seq {
		it.drawKeys(m)
	}
	it.drawBody(m) // before the status is written, which isFinal reads
	if !drawn || old.Status != m.Status {
		setAttr(it.el, markup.AttrStatus, m.Status)
	}
	if !drawn || old.Finish != m.Finish {
		setAttr(it.el, markup.AttrFinish, m.Finish)
	}
	if !drawn || old.At != m.At {
		it.time = clock(m.At)
		setTime(it.el, markup.SlotTime, it.time)
	}
	if !drawn || old.ByOther != m.ByOther {
		setBool(it.el, markup.AttrByOther, m.ByOther)
	}
	it.updateSlot(markup.SlotAuthor, drawn, old.Author, m.Author)
	it.updateSlot(markup.SlotLabel, drawn, old.Label, m.Label)
	it.updateSlot(markup.SlotThinking, drawn, old.Thinking, m.Thinking)
	it.updateSlot(markup.SlotActivity, drawn, old.Activity, m.Activity)
	it.updateSlot(markup.SlotError, drawn, old.Error, m.Error)
	if !drawn || !slices.Equal(old.Files, m.Files) {
		it.drawFiles(doc, m.Files)
	}
	if m.Status == markup.StatusUploading {
		setSlot(it.el, markup.SlotPercent, strconv.Itoa(m.Percent))
	}
	if m.Name != "" {
		it.updateSlot(markup.SlotName, drawn, old.Name, m.Name)
	}
	if !drawn || old.At != m.At || old.Author != m.Author || old.Name != m.Name {
		setAttr(it.el, "aria-label", words.MessageLabel(m.From, m.Author,
			Slot(it.el, markup.SlotName), it.time.Text))
	}
	it.last, it.drawn = *m, true
	it.last.Blocks = slices.Clone(m.Blocks) // the timeline changes its own in place
}

func (it *messageItem) drawKeys(m *Message) {
	key := m.Key
	if m.ID != "" {
		key = ""
	}
	setAttr(it.el, markup.AttrMessageID, m.ID)
	setAttr(it.el, markup.AttrKey, key)
	setAttr(it.el, markup.AttrRunID, m.RunID)
	setAttr(it.el, markup.AttrSeq, strconv.FormatInt(m.Seq, 10))
}

func (it *messageItem) updateSlot(name string, drawn bool, old, text string) {
	if !drawn || old != text {
		setSlot(it.el, name, text)
	}
}

// drawBody writes the blocks that changed, or the plain text.
func (it *messageItem) drawBody(m *Message) {
	if it.body == nil {
		if it.body = first(it.el, markup.AttrSlot, markup.SlotBody); it.body == nil {
			return
		}
	}
	if len(m.Blocks) == 0 {
		setAttr(it.body, markup.AttrFormat, markup.FormatText)
		if !it.drawn || len(it.last.Blocks) > 0 || it.last.Content != m.Content {
			setText(it.body, m.Content)
		}
		return
	}
	if !it.drawn && it.isFinal(m) {
		return
	}
	setAttr(it.body, markup.AttrFormat, markup.FormatHTML)
	patchBlocks(it.body, it.last.Blocks, m.Blocks)
}

// isFinal reports whether the gateway rendered m as it is: a message that has ended does
// not change any more.
func (it *messageItem) isFinal(m *Message) bool {
	return protocol.MessageStatus(m.Status).Ended() &&
		it.el.Attr(markup.AttrStatus) == m.Status &&
		it.body.Attr(markup.AttrFormat) == markup.FormatHTML
}

// patchBlocks turns the old blocks in body into the new ones.
func patchBlocks(body Element, old, blocks []timeline.Block) {
	from := 0
	for from < len(old) && from < len(blocks) && old[from] == blocks[from] {
		from++
	}
	if from == len(blocks) && from == len(old) {
		return
	}
	if last := len(blocks) - 1; from == last && last == len(old)-1 &&
		old[last].HTML == blocks[last].HTML {
		if more, grown := text.CutPrefix(blocks[last].Text, old[last].Text); grown {
			body.AppendCode(more)
			return
		}
	}
	writeBlocks(body, from, blocks)
}

// writeBlocks writes the blocks from an index on. A block with Text is its HTML with that
// text appended to its code.
func writeBlocks(body Element, from int, blocks []timeline.Block) {
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

func equalMessages(a, b *Message) bool {
	return a.ID == b.ID && a.Key == b.Key && a.Status == b.Status && a.RunID == b.RunID &&
		a.Seq == b.Seq &&
		a.At == b.At && a.Content == b.Content && a.ByOther == b.ByOther && a.Author == b.Author &&
		a.Name == b.Name && a.Label == b.Label && a.Thinking == b.Thinking && a.Activity == b.Activity &&
		a.Error == b.Error && a.Finish == b.Finish && a.From == b.From && a.Percent == b.Percent &&
		slices.Equal(a.Files, b.Files) && slices.Equal(a.Blocks, b.Blocks)
}
