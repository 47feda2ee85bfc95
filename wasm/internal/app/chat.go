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
	*shell
	user string
	role protocol.Role

	shown    *session
	all      map[string]*session // that this page has opened, by key
	follows  *follow.Sessions    // those of them that are kept up to date
	post     post
	drafts   drafts
	tray     tray
	opening  string // to be shown as soon as it is loaded
	push     bool   // and to be a new entry of the history then
	list     directory
	agents   []protocol.Agent
	knocks   knocks
	deleting map[string]bool // sessions that this page deletes
	over     bool            // signed out or revoked: nothing is shown any more

	transcript *view.Transcript
	sessions   *view.Sessions
	unsent     *view.Unsent
	changed    map[string]bool // messages to draw anew
	toLatest   bool
	far        bool // scrolled away from the latest message
}

func newChat(s *shell) *chat {
	c := &chat{
		shell:    s,
		user:     s.root.Attr(markup.AttrUser),
		role:     protocol.Role(s.root.Attr(markup.AttrRole)),
		all:      map[string]*session{},
		knocks:   newKnocks(s),
		deleting: map[string]bool{},
		changed:  map[string]bool{},
		post:     newPost(),
		drafts:   drafts{texts: map[string]string{}},
		tray:     newTray(s.doc),
	}
	c.transcript = view.NewTranscript(s.doc, func(at protocol.Time) view.Time {
		return view.Time{Stamp: at.String(), Text: s.win.Clock(at)}
	})
	c.sessions = view.NewSessions(s.doc)
	c.unsent = view.NewUnsent(s.doc)
	c.shown = c.session(s.root.Attr(markup.AttrSessionKey))
	c.shown.known = s.root.Attr(markup.AttrEpoch) != ""
	c.shown.gone = s.root.Attr(markup.AttrState) == markup.StateGone
	c.watchOther()
	c.follows = &follow.Sessions{Ask: c.look, Tell: c.do, Changed: c.followed}
	c.follow(c.shown)
	s.count = func(texts []string, durable bool) int {
		c.merge(texts, durable)
		return c.post.box.Unsent()
	}
	return c
}

func (c *chat) page() page {
	return page{
		start: c.start, state: c.state, event: c.event, act: c.act,
		tick: c.tick, draw: c.draw, counting: c.counting,
		navigated: c.navigated, scrolled: c.scrolled,
		cursors: c.follows.Cursors, rest: c.saveDraft, wake: c.wakeUp,
		files: c.attach,
	}
}

// session is the one of that key, made if this page has not opened it yet. The
// one of "" is new, and gets its key with its first message.
func (c *chat) session(key string) *session {
	s := c.all[key]
	if s == nil {
		s = newSession(key)
		c.all[key] = s
	}
	return s
}

func (c *chat) start() {
	c.post.hears = c.openKeeper(c.told)
	if view.Input(c.doc, markup.IDComposerInput) != "" {
		c.compose() // typed while the client was loading
	}
	c.wakeUp()
	c.connect()
	c.need(partForm)
}

// wakeUp takes in what is kept, also by other tabs, which a page that rests may
// not hear.
func (c *chat) wakeUp() {
	if !c.over {
		c.readKept(c.flush)
	}
}

func (c *chat) ready() bool { return c.link.Phase == client.Ready }

// state follows the connection.
func (c *chat) state(s client.State) {
	c.need(partBody)
	if s.Phase != client.Ready {
		c.follows.State(s)
	}
	switch s.Phase {
	case client.Ready:
		c.settled()
		c.welcome(s)
	case client.Waiting:
		c.post.fresh = false
		c.warn()
		if c.opening != "" {
			c.stay()
		}
	case client.Pairing:
		// The credential is gone, and with it the right to see this page.
		c.end(markup.StateSignedOut)
		c.win.Leave("/")
	case client.Refused:
		if state := c.turnedAway(s.Err); state != "" {
			c.end(state)
		}
	}
}

// welcome brings the page up to date on a new connection.
func (c *chat) welcome(s client.State) {
	if c.user != "" && s.UserID != c.user {
		c.end(markup.StateSignedOut)
		c.win.Reload()
		return
	}
	c.role = s.Role
	c.resume(s)
	c.loadSessions()
	c.loadAgents()
	if c.role == protocol.Admin {
		c.knocks.load()
	}
	c.post.box.Resume()
	c.retryFiles()
	c.flush()
}

// end takes everything off the screen that its reader may no longer read.
func (c *chat) end(state string) {
	c.over = true
	c.follows.Trim(0)
	clear(c.all)
	c.shown, c.opening = c.session(""), ""
	c.list = directory{}
	c.post.box, c.post.wishes = client.Outbox{}, nil
	c.drafts.texts = map[string]string{}
	c.tray.files, c.tray.uploads, c.tray.pictures = nil, map[string]*upload{}, map[string]string{}
	c.win.ClearFiles()
	c.tray.list.Draw(nil)
	c.unsent.Draw(nil)
	c.transcript.Draw(nil)
	c.sessions.Draw(nil)
	view.CloseDialogs(c.doc)
	view.SetInput(c.doc, markup.IDComposerInput, "")
	view.SetReplica(c.doc, "")
	view.SetText(c.doc, markup.IDSessionTitle, "")
	c.knocks.clear()
	view.SetText(c.doc, markup.IDCaughtUp, "")
	view.SetEarlier(c.doc, false, false)
	view.SetRoot(c.doc, markup.AttrSessionKey, "")
	view.SetState(c.doc, state)
	c.setTitle("")
	c.win.Replace("/")
}

// event takes what the gateway says unasked.
func (c *chat) event(f protocol.Frame) {
	if c.over {
		return
	}
	switch f.Event {
	case protocol.EventAgent, protocol.EventChat:
		c.logged(f)
	case protocol.EventSessionUpdated:
		c.sessionUpdated(f.Payload)
		c.logged(f)
	case protocol.EventTick:
		c.follows.Tick(f.Payload)
	case protocol.EventDeviceRequested, protocol.EventDeviceResolved:
		c.knocks.event(f)
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
		c.writesAs(target.Value())
	case markup.ActionStopRun:
		c.stop()
	case markup.ActionRetryRun:
		c.retry(about(target, markup.AttrMessageID))
	case markup.ActionResendMessage:
		c.sendAgain(about(target, markup.AttrKey))
	case markup.ActionTakeBack:
		c.takeBack(target)
	case markup.ActionCopyMessage:
		c.copy(c.textOf(target), target)
	case markup.ActionCopyCode:
		c.copy(view.CodeOf(target), target)
	case markup.ActionLoadEarlier:
		c.loadEarlier(c.shown)
	case markup.ActionJumpLatest:
		c.win.ToLatest()
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
	if m := c.post.box.Find(about(target, markup.AttrKey)); m != nil {
		return m.Message
	}
	return view.BodyText(target) // the server rendered it, and it is not loaded yet
}

func (c *chat) scrolled(below, above int) {
	const few, near = 120, 400 // pixels
	if far := below > few; far != c.far {
		c.far = far
		c.need(partForm)
	}
	if above < near {
		c.loadEarlier(c.shown)
	}
}

func (c *chat) counting() bool {
	return (c.post.box.Paused() || c.filesPaused()) && c.ready()
}

func (c *chat) tick(now clock.Time) {
	c.need(partList)
	c.seekFiles()
	c.uploadNext()
	c.flush()
}

// draw brings the page up to date.
func (c *chat) draw() {
	if c.over {
		return
	}
	c.caughtUp()
	if c.parts&partBody != 0 {
		c.drawTranscript()
		c.drawHead()
		c.drawUnsent()
	} else if c.parts&partText != 0 {
		for id := range c.changed {
			if m := c.shown.log.Message(id); m != nil {
				v := c.shown.show(m)
				v.Files = c.showFiles(m.Media)
				c.transcript.Update(&v)
			}
		}
	}
	clear(c.changed)
	if c.parts&(partBody|partForm) != 0 {
		view.DrawComposer(c.doc, view.Composer{
			Running: c.running(c.shown),
			Text:    view.Input(c.doc, markup.IDComposerInput),
			Limit:   protocol.MaxMessageBytes,
		})
		c.tray.list.Draw(c.attachments())
		view.SetJump(c.doc, c.far)
	}
	if c.parts&(partBody|partList) != 0 {
		c.sessions.Draw(c.list.shown(c.ownMessages(), c.shown.key, clock.Now(), c.win.Matches))
	}
	if c.toLatest {
		c.toLatest = false
		c.win.ToLatest()
	}
}

func (c *chat) drawTranscript() {
	s := c.shown
	if !s.loaded() {
		c.transcript.DrawBehind(c.own(s, nil))
		return
	}
	c.transcript.Draw(c.messages(s))
	_, more := s.log.Oldest()
	view.SetEarlier(c.doc, more, s.feed != nil && s.feed.LoadingEarlier)
}

// drawUnsent shows what is left to its writer, and where what is not sent waits.
func (c *chat) drawUnsent() {
	c.unsent.Draw(c.refusedElsewhere())
	keep := markup.KeepBrowser
	if !c.post.durable || len(c.post.homeless) > 0 || c.homelessFiles() {
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
	_, owner := s.by(nil)
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
