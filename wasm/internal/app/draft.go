package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// draftAfter is how soon after a keystroke a draft is kept.
const draftDelay = 400 * clock.Millisecond

// drafts are what stands unsent in the composers of the user's sessions. The last
// tab that writes one is right, but what somebody is typing is never changed.
type drafts struct {
	texts  map[string]string // as they are kept, by session
	edited bool              // the composer's text is this tab's own
	timer  *clock.Timer      // until the composer's text is kept; nil when it is
}

// A draft with files is kept as its text, a zero byte, and the files.
func encodeDraft(draft string, files []protocol.KeptFile) string {
	if len(files) == 0 {
		return draft
	}
	list := protocol.KeptFiles{Files: files}
	return string(list.AppendJSON(append([]byte(draft), 0)))
}

func decodeDraft(kept string) (draft string, files []protocol.KeptFile) {
	for i := len(kept) - 1; i >= 0; i-- {
		if kept[i] != 0 { // which JSON does not have
			continue
		}
		var list protocol.KeptFiles
		if jsontext.Read(jsontext.Raw(kept[i+1:]), list.DecodeJSON) == nil {
			return kept[:i], list.Files
		}
		break
	}
	return kept, nil
}

// draft is what stands in the composer, as it is kept.
func (c *chat) draft() string {
	return encodeDraft(view.Input(c.doc, markup.IDComposerInput), c.attachments.files)
}

// compose follows the composer's text.
func (c *chat) compose() {
	view.SetReplica(c.doc, view.Input(c.doc, markup.IDComposerInput))
	c.redraw(partForm)
	c.drafts.edited = true
	if c.drafts.timer == nil {
		c.drafts.timer = clock.AfterFunc(draftDelay, func() { c.do(c.saveDraft) })
	}
}

// saveDraft keeps what was changed in the composer.
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
	had := c.drafts.texts[key]
	c.drafts.texts[key] = draft
	if had == draft {
		return
	}
	c.storage.Put(draftPrefix+key, draft, func(bool) {})
}

// takeDraft empties the composer, whose text and files are on their way.
func (c *chat) clearComposer() {
	c.setInput("")
	c.attachments.files = nil
	c.saveDraft()
	c.storeDraft("")
	c.drafts.edited = false
}

// showDraft puts the shown session's draft into the composer.
func (c *chat) showDraft() {
	draft, files := decodeDraft(c.drafts.texts[c.shown.key])
	c.setInput(draft)
	c.attachments.files = files
	c.drafts.edited = false
	c.seekFiles()
	c.uploadNext()
}

// findDraft takes a draft that was kept before this page began. What was typed
// since stays.
func (c *chat) mergeDraft(key, draft string) {
	if _, known := c.drafts.texts[key]; !known {
		c.setDraft(key, draft)
	}
}

// toldDraft takes what another tab keeps.
func (c *chat) setDraft(key, draft string) {
	c.drafts.texts[key] = draft
	if key == c.shown.key && !c.drafts.edited {
		c.showDraft()
	}
}

func (c *chat) setInput(text string) {
	view.SetInput(c.doc, markup.IDComposerInput, text)
	view.SetReplica(c.doc, text)
	c.redraw(partForm)
}
