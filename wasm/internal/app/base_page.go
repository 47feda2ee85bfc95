package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/words"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// parts says what has to be drawn at the next frame.
type parts uint8

const (
	partConnection parts = 1 << iota
	partBody             // the page's content
	partText             // single messages of the transcript
	partList             // the list of chats
	partForm             // the composer
)

// basePage is what all pages share: the connection and its indicator, rate limits,
// notices, the check of a failing connection, signing out.
type basePage struct {
	browser Browser
	doc     view.Document
	do      func(func()) // runs a function on the loop
	root    view.Element // carries the page's attributes
	dirty   parts        // to be drawn

	dial           func() *client.Client // makes a client, not started yet
	hello          protocol.ConnectParams
	conn           *client.Client // nil before connect
	connState      client.State
	announcedLost  bool       // the loss of the connection was announced
	blockedUntil   clock.Time // until then the rate limit refuses every request
	pausedUntil    clock.Time // until then it refuses some
	delayedQueries []func()   // wait for the rate limit

	offline    bool // the browser says that it has no network
	unverified bool // since then, nothing has arrived on the connection
	signingOut bool // the user is signing out

	storage Storage
	// counts messages that signing out would lose
	countUnsent func(texts []string, durable bool) int

	title       string // of the browser's tab, without titlePrefix
	titlePrefix string // the number of pending pairings, or ""

	transport client.Transport
	doctor    doctor

	notices  []notice
	retryNow func() // retries what has to succeed before the page connects; may be nil
}

func (s *basePage) redraw(p parts) { s.dirty |= p }

// fetch makes a request for the browser's session cookie. It calls done on the loop.
func (s *basePage) fetch(method, body string, done func(status int, text string)) {
	s.browser.Fetch(method, "/api/session", body, func(status int, text string) {
		s.do(func() { done(status, text) })
	})
}

// act does what the user asked for, if it is an action that every page has.
func (s *basePage) act(action string, target view.Element) bool {
	switch action {
	case markup.ActionReconnectNow:
		if s.connState.Phase == client.Refused {
			s.connect() // the user may retry what the client does not
		}
		s.tryNow()
	case markup.ActionExamine:
		s.examine(true)
	case markup.ActionCloseDialog:
		view.CloseDialogs(s.doc)
	case markup.ActionDismissToast:
		s.dismissToast(target.Closest(markup.AttrKind))
	case markup.ActionSignOut:
		s.storage.ReadAll(func(texts []string, durable bool) {
			s.do(func() { view.OpenSignOut(s.doc, s.countUnsent(texts, durable)) })
		})
	case markup.ActionConfirmSignOut:
		s.signOut()
	default:
		return false
	}
	return true
}

// counting reports whether something is due within seconds: a number that counts down, a
// notice to be removed, a delayed query.
func (s *basePage) counting() bool {
	return s.connState.Phase == client.Waiting || len(s.notices) > 0 || len(s.delayedQueries) > 0 ||
		s.paused()
}

func (s *basePage) draw() {
	if s.dirty&partConnection != 0 && s.conn != nil {
		view.DrawConnection(s.doc, s.connectionView())
	}
}

// copy puts text on the clipboard, and shows on the button that it did.
func (s *basePage) copy(text string, button view.Element) {
	s.browser.Copy(text, func(ok bool) {
		s.do(func() {
			if !ok {
				s.problem("The browser did not allow copying. Select the text and copy it by hand.")
				return
			}
			view.SetCopied(button, true)
			s.expireAfter(copiedFor, func() { view.SetCopied(button, false) })
		})
	})
}

// setTitle sets the title of the browser's tab; "" leaves the product's name alone.
func (s *basePage) setTitle(title string) {
	s.title = words.PageTitle(title)
	s.browser.SetTitle(s.titlePrefix + s.title)
}
