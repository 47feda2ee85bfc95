// Package app is the browser's client without the browser: it holds the state of the page
// that is open, reacts to the user and to the gateway, and has package view write what
// changed into the document.
//
// Its nouns:
//
//   - A page is one of five: chat (a session and the list of all), admin (pairings and
//     devices), console (the other pages for admins), login (an admin signs in) and
//     pairingPage (a browser that is not approved yet). [App] runs the one that is open.
//   - basePage is what all pages share: the connection, rate limits, notices, the check
//     of a failing connection, signing out.
//   - A session is a conversation that this page has opened. Package follow keeps its
//     transcript up to date.
//   - The outbox holds the messages that the gateway has not acknowledged.
//   - An attachment is a file in the composer or of a message in the outbox. It is
//     uploaded as soon as it is attached.
//   - A draft is the text and the files in the composer of a session.
//   - [Storage] stores messages and drafts past the end of the tab, and passes messages
//     between the tabs of one user. [Browser] is everything else that a browser does.
//
// Concurrency: everything runs on one loop, one function at a time. So the pages have no
// locks. A callback of the browser, the storage, a timer or the connection may come on
// any goroutine; it passes a function to the loop (basePage.do) and returns.
//
// Nothing here depends on JavaScript, so the tests run without a browser.
package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// How often a page's tick function runs: fast while the page counts seconds down, else
// often enough for texts such as "5 minutes ago".
const (
	fastTick = 500 * clock.Millisecond
	slowTick = 20 * clock.Second
)

// Options describe the App of one page. All fields but Locale are needed.
type Options struct {
	Browser   Browser          // the document and the window around it
	Transport client.Transport // opens connections to the gateway
	Storage   Storage          // outlasts the tab
	Version   string           // of this client, sent to the gateway
	Platform  string           // what the client runs on, sent to the gateway
	Locale    string           // the user's language (BCP 47), or ""
}

// App is the client of one page. Its methods may be called from any goroutine
// and never block.
type App struct {
	base *basePage
	page page
	loop loop

	frameRequested bool // a frame was requested and has not come yet
	timer          *clock.Timer
	fastTicks      bool // the timer is set to fastTick
}

// page holds the functions of the page that is open. They run on the loop.
type page struct {
	start          func()
	state          func(client.State) // the connection's state has changed
	event          func(protocol.Frame)
	act            func(action string, target view.Element)
	tick           func(now clock.Time)
	draw           func()      // writes into the document what basePage.dirty says
	needsFastTicks func() bool // something changes within seconds, such as a countdown
	// The following may be nil.

	navigated     func()                      // the user went back or forth in the history
	scrolled      func(below, above int)      // see App.Scrolled
	hidden        func()                      // the page is hidden, and may end without notice
	visible       func()                      // the page is visible again
	files         func([]protocol.Attachment) // the user has attached files
	print         func()                      // the user wants to print all of the transcript
	resumeCursors func() []protocol.Cursor    // see client.Options.Resume
}

// New makes the App of the page that the browser shows, which its root element names. The
// App does nothing before Start.
func New(o Options) *App {
	a := &App{}
	a.loop.afterAll = a.afterLoop
	a.base = a.newBasePage(o)
	a.page = newPage(a.base)
	return a
}

// newBasePage makes the basePage of the page that the browser shows.
func (a *App) newBasePage(o Options) *basePage {
	b := &basePage{
		browser: o.Browser, doc: o.Browser, root: o.Browser.ByID(markup.IDRoot),
		do: a.loop.do, storage: o.Storage, transport: o.Transport, offline: !o.Browser.Online(),
	}
	b.connectParams = protocol.ConnectParams{
		Locale: o.Locale,
		Cookie: true,
		Client: &protocol.Client{
			Name: protocol.WebClient, Version: o.Version, Platform: o.Platform,
			Caps: []string{protocol.CapHTML},
		},
	}
	b.newClient = func() *client.Client {
		var c *client.Client
		c = client.New(client.Options{
			Transport: &probingTransport{Transport: o.Transport, fetch: o.Browser.Fetch},
			Hello:     b.connectParams,
			Resume:    a.resumeCursors,
			OnState:   func(st client.State) { a.loop.do(func() { a.state(c, st) }) },
			OnEvent:   func(f protocol.Frame) { a.loop.do(func() { a.event(f) }) },
		})
		return c
	}
	b.title = view.TextOf(b.doc, markup.IDTitle)
	return b
}

// newPage makes the page that the root element names.
func newPage(b *basePage) page {
	switch b.root.Attr(markup.AttrPage) {
	case markup.PageChat:
		return newChat(b).page()
	case markup.PageConsole:
		return newConsole(b).page()
	case markup.PageAdmin:
		return newAdmin(b).page()
	case markup.PageLogin:
		return newLogin(b).page()
	default:
		return newPairingPage(b).page()
	}
}

// Start starts the page: the page connects, and reacts from now on.
func (a *App) Start() { a.loop.do(a.page.start) }

// Act does what the user asked for: an action of package markup, at an element.
func (a *App) Act(action string, target view.Element) {
	a.loop.do(func() {
		if !a.base.act(action, target) {
			a.page.act(action, target)
		}
	})
}

// resumeCursors returns how far the page has read its sessions. The client calls this off
// the loop, so it waits for the loop, up to a second. In a browser, which has one thread,
// the loop is never busy then.
func (a *App) resumeCursors() []protocol.Cursor {
	if a.page.resumeCursors == nil {
		return nil
	}
	cursors := make(chan []protocol.Cursor, 2)
	a.loop.do(func() { cursors <- a.page.resumeCursors() })
	giveUp := clock.AfterFunc(clock.Second, func() { cursors <- nil })
	defer giveUp.Stop()
	return <-cursors
}

// Network notes that the browser has found or lost the network.
func (a *App) Network(up bool) {
	a.loop.do(func() { a.base.networkChanged(up) })
}

// Hidden notes that the page is hidden. It may end without further notice, so the page
// stores what is not stored yet.
func (a *App) Hidden() {
	if a.page.hidden != nil {
		a.loop.do(func() { a.page.hidden() })
	}
}

// Files takes files that the user has chosen, pasted or dropped.
func (a *App) Files(files []protocol.Attachment) {
	if a.page.files != nil {
		a.loop.do(func() { a.page.files(files) })
	}
}

// Print prints the transcript, with the messages that the page does not have yet.
func (a *App) Print() {
	if a.page.print != nil {
		a.loop.do(func() { a.page.print() })
	}
}

// Visible notes that the page is visible again, or used again.
func (a *App) Visible() {
	a.loop.do(func() {
		a.base.pageVisible()
		if a.page.visible != nil {
			a.page.visible()
		}
		a.tick()
	})
}

// Navigated notes that the user went back or forth in the history.
func (a *App) Navigated() {
	if a.page.navigated != nil {
		a.loop.do(func() { a.page.navigated() })
	}
}

// Scrolled notes how many pixels of the transcript are below and above its visible part.
func (a *App) Scrolled(below, above int) {
	if a.page.scrolled != nil {
		a.loop.do(func() { a.page.scrolled(below, above) })
	}
}

func (a *App) state(c *client.Client, s client.State) {
	if a.base.conn != c {
		return // an earlier client, which was stopped
	}
	a.base.connectionChanged(s)
	a.page.state(s)
}

func (a *App) event(f protocol.Frame) {
	a.base.connectionAlive()
	a.page.event(f)
}

func (a *App) tick() {
	a.base.redraw(partConnection)
	a.base.expireNotices(clock.Now())
	a.page.tick(clock.Now())
	a.base.runDelayedQuery(clock.Now())
}

// afterLoop runs when the loop's queue has become empty. It requests a frame if there is
// something to draw, and sets the timer of the next tick.
func (a *App) afterLoop() {
	if a.base.dirty != 0 && !a.frameRequested {
		a.frameRequested = true
		a.base.browser.Frame(func() { a.loop.do(a.draw) })
	}
	fast := a.base.needsFastTicks() || a.page.needsFastTicks()
	if a.timer != nil && fast == a.fastTicks {
		return
	}
	if a.timer != nil {
		a.timer.Stop()
	}
	interval := slowTick
	if fast {
		interval = fastTick
	}
	a.fastTicks = fast
	a.timer = clock.AfterFunc(interval, func() {
		a.loop.do(func() {
			a.timer = nil
			a.tick()
		})
	})
}

func (a *App) draw() {
	a.frameRequested = false
	a.base.draw()
	a.page.draw()
	a.base.dirty = 0
}
