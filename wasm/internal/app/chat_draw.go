package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/words"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// draw writes the parts that have changed into the page.
func (c *chat) draw() {
	if c.ended {
		return
	}
	c.showCaughtUp()
	if c.dirty&partBody != 0 {
		c.drawTranscript()
		c.drawHead()
		c.drawUnsent()
	} else if c.dirty&partText != 0 {
		for id := range c.changed {
			if m := c.shown.log.Message(id); m != nil {
				v := c.shown.messageView(m)
				v.Name = c.agentOf(c.shown)
				v.Files = c.fileViews(m.Media)
				c.transcript.Update(&v)
			}
		}
	}
	clear(c.changed)
	if c.dirty&(partBody|partForm) != 0 {
		view.DrawComposer(c.doc, view.Composer{
			Running: c.running(c.shown),
			Text:    view.Input(c.doc, markup.IDComposerInput),
			Limit:   protocol.MaxMessageBytes,
		})
		c.attachments.view.Draw(c.attachmentViews())
		view.SetJumpToLatest(c.doc, c.scrolledAway)
	}
	if c.dirty&(partBody|partList) != 0 {
		c.sessions.Draw(c.list.views(c.outboxOfOwnSessions(), c.shown.key, clock.Now(),
			c.browser.Matches, c.link))
	}
	if c.toLatest {
		c.toLatest = false
		c.browser.ToLatest()
	}
	c.printIfLoaded()
}

func (c *chat) drawTranscript() {
	s := c.shown
	if !s.loaded() {
		c.transcript.DrawAfterServed(c.outboxViews(s, nil))
		return
	}
	c.transcript.Draw(c.transcriptViews(s))
	_, more := s.log.Oldest()
	view.SetLoadEarlier(c.doc, more, s.followed != nil && s.followed.LoadingEarlier)
}

// drawUnsent shows the refused messages of other sessions, and whether what is not sent
// yet outlasts the tab.
func (c *chat) drawUnsent() {
	c.unsent.Draw(c.refusedInOtherSessions())
	keep := markup.KeepBrowser
	if !c.outbox.durable || len(c.outbox.unstored) > 0 || c.filesUnstored() {
		keep = markup.KeepTab
	}
	view.SetRoot(c.doc, markup.AttrKeep, keep)
}

func (c *chat) drawHead() {
	s := c.shown
	state := markup.StateReady
	if s.gone {
		state = markup.StateGone
	}
	view.SetState(c.doc, state)
	view.SetRoot(c.doc, markup.AttrSessionKey, s.key)
	_, owner := s.authorOf(nil)
	view.SetRoot(c.doc, markup.AttrOwner, owner)
	if title := c.titleOf(s); title != "" {
		view.SetText(c.doc, markup.IDSessionTitle, title)
		c.setTitle(title)
	}
	if !s.loaded() {
		return
	}
	at := s.log.Cursor()
	view.SetRoot(c.doc, markup.AttrEpoch, at.Epoch)
	view.SetRoot(c.doc, markup.AttrLastSeq, decimal(at.AfterSeq))
	if name := c.agentOf(s); name != "" {
		view.SetText(c.doc, markup.IDAgentName, name)
	}
}

// titleOf returns the title of a session's page; "" while the title is not known, so that
// the one that the gateway has rendered stays.
func (c *chat) titleOf(s *session) string {
	switch {
	case s.gone:
		return words.NoSession
	case !s.loaded() || !c.list.loaded && s.key != "":
		return ""
	case s.other != nil:
		return s.other.label
	}
	return c.list.label(s.key)
}
