package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// open shows a session as soon as its transcript is loaded. push adds an entry to the
// browser's history.
func (c *chat) open(key string, push bool) {
	c.opening = ""
	s := c.session(key)
	switch {
	case s == c.shown:
		c.browser.HideSidebar()
		c.browser.FocusComposer()
	case s.loaded():
		c.display(s, push)
	case !c.ready():
		c.problem("There is no connection right now, and this chat is not loaded yet.")
		c.cancelOpening()
	default:
		c.opening, c.pushOnOpen = key, push
		c.follow(s)
	}
}

// cancelOpening keeps the session that is shown, and sets the address back to it.
func (c *chat) cancelOpening() {
	c.opening = ""
	c.browser.Replace(markup.SessionPath(c.shown.key))
}

// display puts a session on the screen. push adds an entry to the browser's history.
func (c *chat) display(s *session, push bool) {
	c.opening = ""
	if s == c.shown {
		return
	}
	c.saveDraft()
	c.followedSessions.SetBackground(c.shown.key)
	c.shown = s
	c.follow(s)
	c.showDraft()
	view.SetText(c.doc, markup.IDCaughtUp, "")
	if push {
		c.browser.Push(markup.SessionPath(s.key))
	}
	c.browser.HideSidebar()
	c.scrolledAway, c.toLatest = false, true
	c.redraw(partBody | partForm | partList)
	c.browser.FocusComposer()
}

// navigated shows the session of the address, after the user went back or forth.
func (c *chat) navigated() {
	key := sessionKeyOf(c.browser.Path())
	switch {
	case c.ended || key == c.shown.key:
	case key == "":
		c.display(c.session(""), false)
	default:
		c.open(key, false)
	}
}
