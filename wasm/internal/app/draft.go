package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// draftAfter is how soon after a keystroke a draft is kept.
const draftAfter = 400 * clock.Millisecond

// drafts are what stands unsent in the composers of the user's sessions. The last
// tab that writes one is right, but what somebody is typing is never changed.
type drafts struct {
	texts  map[string]string // as they are kept, by session
	edited bool              // the composer's text is this tab's own
	timer  *clock.Timer      // until the composer's text is kept; nil when it is
}

// compose follows the composer's text.
func (c *chat) compose() {
	view.SetReplica(c.doc, view.Input(c.doc, markup.IDComposerInput))
	c.need(partForm)
	c.drafts.edited = true
	if c.drafts.timer == nil {
		c.drafts.timer = clock.AfterFunc(draftAfter, func() { c.do(c.saveDraft) })
	}
}

// saveDraft keeps what was changed in the composer.
func (c *chat) saveDraft() {
	if c.drafts.timer == nil || c.over || c.leaving {
		return
	}
	c.drafts.timer.Stop()
	c.drafts.timer = nil
	c.keepDraft(view.Input(c.doc, markup.IDComposerInput))
}

func (c *chat) keepDraft(draft string) {
	key := c.shown.key
	had := c.drafts.texts[key]
	c.drafts.texts[key] = draft
	if had == draft {
		return
	}
	c.keep.Put(nameDraft+key, draft, func(bool) {})
}

// takeDraft empties the composer, whose text is on its way.
func (c *chat) takeDraft() {
	c.setInput("")
	c.saveDraft()
	c.keepDraft("")
	c.drafts.edited = false
}

// showDraft puts the shown session's draft into the composer.
func (c *chat) showDraft() {
	c.setInput(c.drafts.texts[c.shown.key])
	c.drafts.edited = false
}

// findDraft takes a draft that was kept before this page began. What was typed
// since stays.
func (c *chat) findDraft(key, draft string) {
	if _, known := c.drafts.texts[key]; !known {
		c.toldDraft(key, draft)
	}
}

// toldDraft takes what another tab keeps.
func (c *chat) toldDraft(key, draft string) {
	c.drafts.texts[key] = draft
	if key == c.shown.key && !c.drafts.edited {
		c.showDraft()
	}
}

func (c *chat) setInput(text string) {
	view.SetInput(c.doc, markup.IDComposerInput, text)
	view.SetReplica(c.doc, text)
	c.need(partForm)
}
