package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/client/follow"
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/words"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// chat is the page of a conversation and the list of all of them.
type chat struct {
	*basePage
	user string
	role protocol.Role

	shown           *session
	opened          map[string]*session // that this page has opened, by key
	followed        *follow.Sessions    // those of them that are kept up to date
	outbox          outbox
	drafts          drafts
	attachments     attachments
	opening         string // to be shown as soon as it is loaded
	push            bool   // and to be a new entry of the history then
	list            sessionList
	agents          []protocol.Agent
	pendingPairings pendingPairings
	deleting        map[string]bool // sessions that this page deletes
	ended           bool            // signed out or revoked: nothing is shown any more

	transcript *view.Transcript
	sessions   *view.Sessions
	unsent     *view.Unsent
	changed    map[string]bool // messages to draw anew
	toLatest   bool
	far        bool // scrolled away from the latest message
}

func newChat(s *basePage) *chat {
	c := &chat{
		basePage:        s,
		user:            s.root.Attr(markup.AttrUser),
		role:            protocol.Role(s.root.Attr(markup.AttrRole)),
		opened:          map[string]*session{},
		pendingPairings: newPendingPairings(s),
		deleting:        map[string]bool{},
		changed:         map[string]bool{},
		outbox:          newOutbox(),
		drafts:          drafts{texts: map[string]string{}},
		attachments:     newAttachments(s.doc),
	}
	c.transcript = view.NewTranscript(s.doc, func(at protocol.Time) view.Time {
		return view.Time{Stamp: at.String(), Text: s.browser.Clock(at)}
	})
	c.sessions = view.NewSessions(s.doc)
	c.unsent = view.NewUnsent(s.doc)
	c.shown = c.session(s.root.Attr(markup.AttrSessionKey))
	c.shown.known = s.root.Attr(markup.AttrEpoch) != ""
	c.shown.gone = s.root.Attr(markup.AttrState) == markup.StateGone
	c.takeOverOtherUser()
	c.followed = &follow.Sessions{Call: c.query, OnLoop: c.do, Changed: c.sessionChanged}
	c.follow(c.shown)
	s.countUnsent = func(texts []string, durable bool) int {
		c.mergeStored(texts, durable)
		return c.outbox.messages.Unsent()
	}
	return c
}

func (c *chat) page() page {
	return page{
		start: c.start, state: c.state, event: c.event, act: c.act,
		tick: c.tick, draw: c.draw, counting: c.counting,
		navigated: c.navigated, scrolled: c.scrolled,
		resumeCursors: c.followed.Cursors, hidden: c.saveDraft, visible: c.syncStored,
		files: c.attach,
	}
}

// session is the one of that key, made if this page has not opened it yet. The
// one of "" is new, and gets its key with its first message.
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
		c.compose() // typed while the client was loading
	}
	c.syncStored()
	c.connect()
	c.redraw(partForm)
}

// wakeUp takes in what is kept, also by other tabs, which a page that rests may
// not hear.
func (c *chat) syncStored() {
	if !c.ended {
		c.readStored(c.flush)
	}
}

func (c *chat) ready() bool { return c.connState.Phase == client.Ready }

// state follows the connection.
func (c *chat) state(s client.State) {
	c.redraw(partBody)
	if s.Phase != client.Ready {
		c.followed.State(s)
	}
	switch s.Phase {
	case client.Ready:
		c.clearReloaded()
		c.welcome(s)
	case client.Waiting:
		c.outbox.current = false
		c.warnNotDurable()
		if c.opening != "" {
			c.cancelOpening()
		}
	case client.Pairing:
		// The credential is gone, and with it the right to see this page.
		c.end(markup.StateSignedOut)
		c.browser.Leave("/")
	case client.Refused:
		if state := c.endState(s.Err); state != "" {
			c.end(state)
		}
	}
}

// welcome brings the page up to date on a new connection.
func (c *chat) welcome(s client.State) {
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

// end takes everything off the screen that its reader may no longer read.
func (c *chat) end(state string) {
	c.ended = true
	c.followed.Trim(0)
	clear(c.opened)
	c.shown, c.opening = c.session(""), ""
	c.list = sessionList{}
	c.outbox.messages, c.outbox.whenLocked = client.Outbox{}, nil
	c.drafts.texts = map[string]string{}
	c.attachments.files, c.attachments.uploads, c.attachments.pictures = nil, map[string]*upload{}, map[string]string{}
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

// event takes what the gateway says unasked.
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
		c.followed.Tick(f.Payload)
	case protocol.EventDeviceRequested, protocol.EventDeviceResolved:
		c.pendingPairings.event(f)
	}
}

// act does what the user asks for.
func (c *chat) act(action string, target view.Element) {
	switch action {
	case markup.ActionSend:
		c.submit()
	case markup.ActionCompose:
		c.compose()
	case markup.ActionSuggest:
		view.SetInput(c.doc, markup.IDComposerInput, target.Attr(markup.AttrText))
		view.Focus(c.doc, markup.IDComposerInput)
		c.compose()
	case markup.ActionRemoveFile:
		c.detach(about(target, markup.AttrFile))
	case markup.ActionRetryFile:
		c.retryFile(about(target, markup.AttrFile))
	case markup.ActionOpenFile:
		view.OpenPicture(c.doc, target)
	case markup.ActionWriteAs:
		c.setWriteAs(target.Value())
	case markup.ActionStopRun:
		c.stop()
	case markup.ActionRetryRun:
		c.retryRun(about(target, markup.AttrMessageID))
	case markup.ActionResendMessage:
		c.resend(about(target, markup.AttrKey))
	case markup.ActionTakeBack:
		c.takeBack(target)
	case markup.ActionCopyMessage:
		c.copy(c.textOf(target), target)
	case markup.ActionCopyCode:
		c.copy(view.CodeOf(target), target)
	case markup.ActionLoadEarlier:
		c.loadEarlier(c.shown)
	case markup.ActionJumpLatest:
		c.browser.ToLatest()
	default:
		c.actOnSessions(action, target)
	}
}

// about is an attribute of what an action's element stands in.
func about(target view.Element, attr string) string {
	if el := target.Closest(attr); el != nil {
		return el.Attr(attr)
	}
	return ""
}

func (c *chat) textOf(target view.Element) string {
	if m := c.shown.log.Message(about(target, markup.AttrMessageID)); m != nil {
		return m.Content
	}
	if m := c.outbox.messages.Find(about(target, markup.AttrKey)); m != nil {
		return m.Message
	}
	return view.BodyText(target) // the server rendered it, and it is not loaded yet
}

func (c *chat) scrolled(below, above int) {
	const few, near = 120, 400 // pixels
	if far := below > few; far != c.far {
		c.far = far
		c.redraw(partForm)
	}
	if above < near {
		c.loadEarlier(c.shown)
	}
}

func (c *chat) counting() bool {
	return (c.outbox.messages.Paused() || c.uploadsPaused()) && c.ready()
}

func (c *chat) tick(now clock.Time) {
	c.redraw(partList)
	c.seekFiles()
	c.uploadNext()
	c.flush()
}

// draw brings the page up to date.
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
		view.SetJumpToLatest(c.doc, c.far)
	}
	if c.dirty&(partBody|partList) != 0 {
		c.sessions.Draw(c.list.views(c.outboxOfOwnSessions(), c.shown.key, clock.Now(), c.browser.Matches))
	}
	if c.toLatest {
		c.toLatest = false
		c.browser.ToLatest()
	}
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

// drawUnsent shows what is left to its writer, and where what is not sent waits.
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
	name := c.agentName(s.key)
	if s.other != nil {
		name = s.other.agent
	}
	if name != "" {
		view.SetText(c.doc, markup.IDAgentName, name)
	}
}

// titleOf is what the page of a session is called; "" while that is not known, and
// what the gateway has rendered stays.
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
