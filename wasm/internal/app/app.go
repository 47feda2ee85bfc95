// Package app is what a user can do: it holds the state of the page in hand,
// acts on what the user asks for and on what the gateway says, and has package
// view draw what changed.
//
// Everything runs on one loop (see [App]), so the pages here are written without
// locks. Nothing here knows JavaScript; the browser is an interface.
package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// How often the page's clock ticks: in a hurry while seconds are counted down,
// else for the sake of "5 minutes ago".
const (
	fastTick = 500 * clock.Millisecond
	slowTick = 20 * clock.Second
)

// Options make an App.
type Options struct {
	Browser   Browser
	Transport client.Transport
	Storage   Storage
	Version   string // of this client, as it tells the gateway
	Platform  string // of the browser
	Locale    string
}

// App is the client of one page. Its methods may be called from any goroutine
// and never block.
type App struct {
	shell *basePage
	page  page
	loop  loop

	frameRequested bool // a frame is asked for
	timer          *clock.Timer
	fastTicks      bool // the timer's pace
}

// page is what one of the pages does. It is no interface, because what is
// behind an interface is linked with all that a program could ask of it: package
// time's calendar alone is 20 KB of download.
type page struct {
	start         func()
	state         func(client.State)
	event         func(protocol.Frame)
	act           func(action string, target view.Element)
	tick          func(now clock.Time)
	draw          func()
	counting      func() bool // seconds are counted down
	navigated     func()      // may be nil
	scrolled      func(below, above int)
	hidden        func()                    // the page may be left for good; may be nil
	visible       func()                    // the page is seen again; may be nil
	files         func([]protocol.KeptFile) // may be nil
	resumeCursors func() []protocol.Cursor  // may be nil
}

// New takes over the page that the browser shows. It does nothing until Start.
func New(o Options) *App {
	a := &App{}
	a.loop.afterAll = a.afterLoop
	s := &basePage{browser: o.Browser, doc: o.Browser, do: a.loop.do, root: o.Browser.ByID(markup.IDRoot), storage: o.Storage, transport: o.Transport, offline: !o.Browser.Online()}
	s.hello = protocol.ConnectParams{
		Locale: o.Locale,
		Client: &protocol.Client{
			Name: protocol.WebClient, Version: o.Version, Platform: o.Platform, Caps: []string{protocol.CapHTML},
		},
	}
	s.dial = func() *client.Client {
		var c *client.Client
		c = client.New(client.Options{
			Transport: o.Transport,
			Hello:     s.hello,
			Resume:    a.resumeCursors,
			OnState:   func(st client.State) { a.loop.do(func() { a.state(c, st) }) },
			OnEvent:   func(f protocol.Frame) { a.loop.do(func() { a.event(f) }) },
		})
		return c
	}
	s.title = view.TextOf(s.doc, markup.IDTitle)
	a.shell = s
	switch s.root.Attr(markup.AttrPage) {
	case markup.PageChat:
		a.page = newChat(s).page()
	case markup.PageConsole:
		a.page = newConsole(s).page()
	case markup.PageAdmin:
		a.page = newAdmin(s).page()
	case markup.PageLogin:
		a.page = newLogin(s).page()
	default:
		a.page = newPairingPage(s).page()
	}
	return a
}

// Start brings the page to life.
func (a *App) Start() { a.loop.do(a.page.start) }

// Act does what the user asks for: an action of package markup, at an element.
func (a *App) Act(action string, target view.Element) {
	a.loop.do(func() {
		if !a.shell.act(action, target) {
			a.page.act(action, target)
		}
	})
}

// cursors is how far the page has read. The client asks for it off the loop, on
// the turn of a socket, when only where there are threads the loop can be running;
// then it is waited for, within reason.
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

// Network tells that the browser has found or lost the network.
func (a *App) Network(up bool) {
	a.loop.do(func() { a.shell.networkChanged(up) })
}

// Rest tells that the page is no longer seen, and may be left without another
// word.
func (a *App) Hidden() {
	if a.page.hidden != nil {
		a.loop.do(func() { a.page.hidden() })
	}
}

// Files tells of files that the user has chosen, pasted or dropped.
func (a *App) Files(files []protocol.KeptFile) {
	if a.page.files != nil {
		a.loop.do(func() { a.page.files(files) })
	}
}

// Wake tells that the page is seen again.
func (a *App) Visible() {
	a.loop.do(func() {
		a.shell.pageVisible()
		if a.page.visible != nil {
			a.page.visible()
		}
		a.tick()
	})
}

// Navigated tells that the user went back or forth in the history.
func (a *App) Navigated() {
	if a.page.navigated != nil {
		a.loop.do(func() { a.page.navigated() })
	}
}

// Scrolled tells how many pixels of the transcript are below and above what is
// seen.
func (a *App) Scrolled(below, above int) {
	if a.page.scrolled != nil {
		a.loop.do(func() { a.page.scrolled(below, above) })
	}
}

func (a *App) state(c *client.Client, s client.State) {
	if a.shell.conn != c {
		return // an earlier one, which was stopped
	}
	a.shell.connState = s
	if s.Phase == client.Ready {
		a.shell.connectionAlive()
	}
	a.shell.announceConnection(s)
	a.shell.redraw(partConnection)
	a.page.state(s)
}

func (a *App) event(f protocol.Frame) {
	a.shell.connectionAlive()
	a.page.event(f)
}

func (a *App) tick() {
	a.shell.redraw(partConnection)
	a.shell.expireNotices(clock.Now())
	a.page.tick(clock.Now())
	a.shell.runDelayedQuery(clock.Now())
}

// settle runs after every turn of the loop: it asks for a frame if there is
// something to draw, and sees to the one timer.
func (a *App) afterLoop() {
	if a.shell.dirty != 0 && !a.frameRequested {
		a.frameRequested = true
		a.shell.browser.Frame(func() { a.loop.do(a.draw) })
	}
	fast := a.shell.counting() || a.page.counting()
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
	a.shell.draw()
	a.page.draw()
	a.shell.dirty = 0
}
