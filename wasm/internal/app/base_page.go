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

	newClient      func() *client.Client  // does not start the client
	connectParams  protocol.ConnectParams // for the next newClient
	conn           *client.Client         // nil before connect
	connState      client.State
	announcedLost  bool       // "The connection is lost." was announced last
	blockedUntil   clock.Time // until then the rate limit refuses every request
	pausedUntil    clock.Time // until then the rate limit refuses some requests
	delayedQueries []func()   // wait for the rate limit

	offline    bool // the browser says that it has no network
	unverified bool // nothing has arrived since the browser lost the network
	signingOut bool // the user is signing out

	storage Storage
	// counts messages that signing out would lose
	countUnsent func(texts []string, durable bool) int

	title       string // of the browser's tab, without titlePrefix
	titlePrefix string // the number of pending pairings, or ""

	transport client.Transport
	doctor    doctor

	notices  []notice
	retryNow func() // retries what the page needs before it can connect; may be nil
}

// redraw has parts of the page drawn at the next frame.
func (b *basePage) redraw(p parts) { b.dirty |= p }

// link returns the address for a link in the document to a path of the gateway.
func (b *basePage) link(path string) string { return b.root.Attr(markup.AttrBase) + path }

// fetch makes a request for the browser's session cookie. It calls done on the loop.
func (b *basePage) fetch(method, body string, done func(status int, text string)) {
	b.browser.Fetch(method, "/api/session", body, func(status int, text string) {
		b.do(func() { done(status, text) })
	})
}

// act does what the user asked for, if it is an action that every page has.
func (b *basePage) act(action string, target view.Element) bool {
	switch action {
	case markup.ActionReconnectNow:
		if b.connState.Phase == client.Refused {
			b.connect() // the user may retry what the client does not
		}
		b.tryNow()
	case markup.ActionExamine:
		b.startChecks(true)
	case markup.ActionCloseDialog:
		view.CloseDialogs(b.doc)
	case markup.ActionDismissToast:
		b.dismissToast(target.Closest(markup.AttrKind))
	case markup.ActionSignOut:
		b.storage.ReadAll(func(texts []string, durable bool) {
			b.do(func() { view.OpenSignOut(b.doc, b.countUnsent(texts, durable)) })
		})
	case markup.ActionConfirmSignOut:
		b.signOut()
	default:
		return false
	}
	return true
}

// needsFastTicks reports whether something is due within seconds: a number that counts down, a
// notice to be removed, a delayed query.
func (b *basePage) needsFastTicks() bool {
	return b.connState.Phase == client.Waiting || len(b.notices) > 0 || len(b.delayedQueries) > 0 ||
		b.paused()
}

func (b *basePage) draw() {
	if b.dirty&partConnection != 0 && b.conn != nil {
		view.DrawConnection(b.doc, b.connectionView())
	}
}

// copy puts text on the clipboard, and shows on the button that it did.
func (b *basePage) copy(text string, button view.Element) {
	b.browser.Copy(text, func(ok bool) {
		b.do(func() {
			if !ok {
				b.problem("The browser did not allow copying. Select the text and copy it by hand.")
				return
			}
			view.SetCopied(button, true)
			b.expireAfter(copiedFor, func() { view.SetCopied(button, false) })
		})
	})
}

// setTitle sets the title of the browser's tab; "" leaves the product's name alone.
func (b *basePage) setTitle(title string) {
	b.title = words.PageTitle(title)
	b.browser.SetTitle(b.titlePrefix + b.title)
}
