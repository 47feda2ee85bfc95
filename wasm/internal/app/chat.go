package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/client/follow"
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// chat is the page of one session and of the list of all sessions of the user.
type chat struct {
	*basePage
	user string
	role protocol.Role

	shown            *session
	opened           map[string]*session // the sessions that this page has opened, by key
	followedSessions *follow.Sessions    // the opened sessions that are kept up to date
	outbox           outbox
	drafts           drafts
	longText         longText
	attachments      attachments
	opening          string // key of the session to show as soon as it is loaded
	pushOnOpen       bool   // showing it adds an entry to the browser's history
	list             sessionList
	agents           []protocol.Agent
	pendingPairings  pendingPairings
	deleting         map[string]bool // keys of sessions that this page is deleting
	ended            bool            // signed out or revoked: nothing is shown any more

	transcript   *view.Transcript
	sessions     *view.Sessions
	unsent       *view.Unsent
	changed      map[string]bool // ids of messages to draw again
	toLatest     bool            // scroll to the latest message after drawing
	printing     bool            // print as soon as the whole transcript is loaded
	scrolledAway bool            // the user has scrolled away from the latest message
}

func newChat(b *basePage) *chat {
	c := &chat{
		basePage:        b,
		user:            b.root.Attr(markup.AttrUser),
		role:            protocol.Role(b.root.Attr(markup.AttrRole)),
		opened:          map[string]*session{},
		pendingPairings: newPendingPairings(b),
		deleting:        map[string]bool{},
		changed:         map[string]bool{},
		outbox:          newOutbox(),
		drafts:          drafts{texts: map[string]string{}},
		attachments:     newAttachments(b.doc),
	}
	c.connectParams.NoPairing = true // who has signed out asks for nothing without wanting to
	c.transcript = view.NewTranscript(b.doc, func(at protocol.Time) view.Time {
		return view.Time{Stamp: at.String(), Text: b.browser.Clock(at)}
	})
	c.sessions = view.NewSessions(b.doc)
	c.unsent = view.NewUnsent(b.doc)
	c.shown = c.session(b.root.Attr(markup.AttrSessionKey))
	c.shown.existed = b.root.Attr(markup.AttrEpoch) != ""
	c.shown.gone = b.root.Attr(markup.AttrState) == markup.StateGone
	c.takeOverOtherUser()
	c.followedSessions = &follow.Sessions{Call: c.query, OnLoop: c.do, Changed: c.sessionChanged}
	c.follow(c.shown)
	b.countUnsent = func(texts []string, durable bool) int {
		c.mergeStored(texts, durable)
		return c.outbox.messages.Unsent()
	}
	return c
}

func (c *chat) page() page {
	return page{
		start: c.start, state: c.state, event: c.event, act: c.act,
		tick: c.tick, draw: c.draw, needsFastTicks: c.needsFastTicks,
		navigated: c.navigated, scrolled: c.scrolled,
		resumeCursors: c.followedSessions.Cursors, hidden: c.saveDraft, visible: c.syncStored,
		files: c.attach, print: c.printAll,
	}
}

// session returns the session with that key, and makes it if this page has not opened it
// yet. The session with the key "" is a new chat: it gets its key with its first message.
func (c *chat) session(key string) *session {
	s := c.opened[key]
	if s == nil {
		s = newSession(key)
		c.opened[key] = s
	}
	return s
}

func (c *chat) start() {
	c.outbox.tabsConnected = c.openStorage(c.tabMessage)
	if view.Input(c.doc, markup.IDComposerInput) != "" {
		c.compose() // the user typed while the client was loading
	}
	c.syncStored()
	c.connect()
	c.redraw(partForm)
}

// syncStored reads what is stored, and then sends what can be sent. A page that becomes
// visible calls it, since a hidden page may miss what other tabs store.
func (c *chat) syncStored() {
	if !c.ended {
		c.readStored(c.flush)
	}
}

func (c *chat) ready() bool { return c.connState.Phase == client.Ready }

// state is called when the connection's state has changed.
func (c *chat) state(s client.State) {
	c.redraw(partBody)
	if s.Phase != client.Ready {
		c.followedSessions.State(s)
	}
	switch s.Phase {
	case client.Ready:
		c.clearReloaded()
		c.connected(s)
	case client.Waiting:
		c.outbox.current = false
		c.warnNotDurable()
		if c.opening != "" {
			c.cancelOpening()
		}
	case client.Pairing, client.Refused:
		if state := c.endState(s); state != "" {
			c.end(state)
		}
	}
}

// connected brings the page up to date after a connect.
func (c *chat) connected(s client.State) {
	if c.user != "" && s.UserID != c.user {
		c.end(markup.StateSignedOut)
		c.browser.Reload()
		return
	}
	c.role = s.Role
	c.resumeSessions(s)
	c.loadSessions()
	c.loadAgents()
	if c.role == protocol.Admin {
		c.pendingPairings.load()
	}
	c.outbox.messages.Resume()
	c.retryFiles()
	c.flush()
}

// end removes from the page what its reader may no longer read, and sets the page's state.
func (c *chat) end(state string) {
	c.ended = true
	c.followedSessions.Trim(0)
	clear(c.opened)
	c.shown, c.opening = c.session(""), ""
	c.list = sessionList{}
	c.outbox.messages, c.outbox.whenLocked = client.Outbox{}, nil
	c.drafts.texts = map[string]string{}
	c.attachments.files, c.attachments.uploads, c.attachments.pictures = nil, map[string]*upload{},
		map[string]string{}
	c.browser.ClearFiles()
	c.attachments.view.Draw(nil)
	c.unsent.Draw(nil)
	c.transcript.Draw(nil)
	c.sessions.Draw(nil)
	view.CloseDialogs(c.doc)
	view.SetInput(c.doc, markup.IDComposerInput, "")
	view.SetReplica(c.doc, "")
	view.SetText(c.doc, markup.IDSessionTitle, "")
	c.pendingPairings.stop()
	view.SetText(c.doc, markup.IDCaughtUp, "")
	view.SetLoadEarlier(c.doc, false, false)
	view.SetRoot(c.doc, markup.AttrSessionKey, "")
	view.SetState(c.doc, state)
	c.setTitle("")
	c.browser.Replace("/")
}

// event handles an event of the gateway.
func (c *chat) event(f protocol.Frame) {
	if c.ended {
		return
	}
	switch f.Event {
	case protocol.EventAgent, protocol.EventChat:
		c.handleLogEvent(f)
	case protocol.EventSessionUpdated:
		c.sessionUpdated(f.Payload)
		c.handleLogEvent(f)
	case protocol.EventTick:
		c.followedSessions.Tick(f.Payload)
	case protocol.EventDeviceRequested, protocol.EventDeviceResolved:
		c.pendingPairings.event(f)
	}
}

func (c *chat) scrolled(below, above int) {
	const few, near = 120, 400 // pixels
	if away := below > few; away != c.scrolledAway {
		c.scrolledAway = away
		c.redraw(partForm)
	}
	if above < near {
		c.loadEarlier(c.shown)
	}
}

func (c *chat) needsFastTicks() bool {
	return (c.outbox.messages.Paused() || c.uploadsPaused()) && c.ready() || c.countsDown()
}

// countsDown reports whether the chat on the screen shows how long its run waits.
func (c *chat) countsDown() bool {
	if c.shown == nil {
		return false
	}
	a := c.shown.log.Activity()
	return a != nil && a.Until != 0
}

func (c *chat) tick(now clock.Time) {
	c.redraw(partList)
	if c.countsDown() {
		c.redrawStreaming()
	}
	c.seekFiles()
	c.uploadNext()
	c.flush()
}
