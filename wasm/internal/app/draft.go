package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// draftDelay is how long after a keystroke the draft is stored.
const draftDelay = 400 * clock.Millisecond

// drafts are the texts and files that stand unsent in the composers of the user's
// sessions. If several tabs change the same draft, the last one wins; but no tab changes
// a composer in which somebody has typed.
type drafts struct {
	texts  map[string]string // as they are stored, by session key
	edited bool              // the user has changed the composer in this tab
	timer  *clock.Timer      // stores the composer's draft; nil if there is nothing to store
}

// encodeDraft returns a draft as it is stored: its text and, if it has files, a zero byte
// and the list of files as JSON.
func encodeDraft(draft string, files []protocol.Attachment) string {
	if len(files) == 0 {
		return draft
	}
	list := protocol.Attachments{Files: files}
	return string(list.AppendJSON(append([]byte(draft), 0)))
}

func decodeDraft(stored string) (draft string, files []protocol.Attachment) {
	for i := len(stored) - 1; i >= 0; i-- {
		if stored[i] != 0 { // JSON contains no zero byte
			continue
		}
		var list protocol.Attachments
		if jsontext.Read(jsontext.Raw(stored[i+1:]), list.DecodeJSON) == nil {
			return stored[:i], list.Files
		}
		break
	}
	return stored, nil
}

// draft returns the composer's text and files as they are stored.
func (c *chat) draft() string {
	return encodeDraft(view.Input(c.doc, markup.IDComposerInput), c.attachments.files)
}

// compose notes that the user has changed the composer's text.
func (c *chat) compose() {
	text := view.Input(c.doc, markup.IDComposerInput)
	c.longText.changed(text, true)
	view.SetReplica(c.doc, text)
	c.redraw(partForm)
	c.drafts.edited = true
	if c.drafts.timer == nil {
		c.drafts.timer = clock.AfterFunc(draftDelay, func() { c.do(c.saveDraft) })
	}
}

// saveDraft stores the composer's draft if it has changed.
func (c *chat) saveDraft() {
	if c.drafts.timer == nil || c.ended || c.signingOut {
		return
	}
	c.drafts.timer.Stop()
	c.drafts.timer = nil
	c.storeDraft(c.draft())
}

func (c *chat) storeDraft(draft string) { c.storeDraftOf(c.shown.key, draft) }

func (c *chat) storeDraftOf(key, draft string) {
	stored := c.drafts.texts[key]
	c.drafts.texts[key] = draft
	if stored == draft {
		return
	}
	c.storage.Put(draftPrefix+key, draft, func(bool) {})
}

// clearComposer empties the composer: its text and files are in the outbox now.
func (c *chat) clearComposer() {
	c.setInput("")
	c.attachments.files = nil
	c.saveDraft()
	c.storeDraft("")
	c.drafts.edited = false
}

// showDraft replaces the composer's text and files by the shown session's draft.
func (c *chat) showDraft() {
	draft, files := decodeDraft(c.drafts.texts[c.shown.key])
	c.setInput(draft)
	c.attachments.files = files
	c.drafts.edited = false
	c.seekFiles()
	c.uploadNext()
}

// mergeDraft takes a stored draft, unless this page knows a newer one.
func (c *chat) mergeDraft(key, draft string) {
	if _, known := c.drafts.texts[key]; !known {
		c.setDraft(key, draft)
	}
}

// setDraft takes a draft that was stored by another tab, or before this page was opened.
func (c *chat) setDraft(key, draft string) {
	c.drafts.texts[key] = draft
	if key == c.shown.key && !c.drafts.edited {
		c.showDraft()
	}
}

func (c *chat) setInput(text string) {
	view.SetInput(c.doc, markup.IDComposerInput, text)
	c.longText.changed(text, false)
	view.SetReplica(c.doc, text)
	c.redraw(partForm)
}
