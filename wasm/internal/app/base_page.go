package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// parts are what has to be drawn at the next frame.
type parts uint8

const (
	partConnection parts = 1 << iota
	partBody             // the page's main matter
	partText             // single messages of the transcript
	partList             // the list of chats
	partForm             // the composer
)

// shell is what all pages have: the connection and its pill, notices, signing
// out.
type basePage struct {
	browser Browser
	doc     view.Document
	do      func(func()) // the loop
	root    view.Element
	dirty   parts

	dial           func() *client.Client
	hello          protocol.ConnectParams
	conn           *client.Client // nil on a page without connection
	connState      client.State
	announcedLost  bool       // and said so
	blockedUntil   clock.Time // the gateway takes no more requests until then
	pausedUntil    clock.Time // or at least not all
	delayedQueries []func()   // are made when it does again

	offline    bool // the network went, as the browser says
	unverified bool // and nothing was heard on the connection since
	signingOut bool // the user is signing out

	storage     Storage
	countUnsent func(texts []string, durable bool) int // of messages that signing out would lose

	title       string // of the browser's tab, without
	titlePrefix string // what comes before it

	transport client.Transport
	doctor    doctor

	notices  []notice
	retryNow func() // tries what failed before there was a connection; may be nil
}

func (s *basePage) redraw(p parts) { s.dirty |= p }

// connect starts a new client in the place of the last one.
func (s *basePage) connect() {
	if s.conn != nil {
		s.conn.Stop()
	}
	s.conn = s.dial()
	s.conn.Start()
}

// ask makes a request, has its answer read, and tells done on the loop.
func (s *basePage) call(method string, params []byte, read func(*jsontext.Decoder), done func(*protocol.Error)) {
	s.conn.Call(method, client.Encoded(params), func(payload jsontext.Raw, err *protocol.Error) {
		s.do(func() {
			if err == nil {
				s.connectionAlive()
			} else {
				s.rateLimited(err, method != protocol.MethodChatSend)
			}
			if err == nil && jsontext.Read(payload, read) != nil {
				err = protocol.Refuse(protocol.Internal, "the gateway's answer cannot be read")
			}
			done(err)
		})
	})
}

// fetch is Fetch with its answer on the loop.
func (s *basePage) fetch(method, body string, done func(status int, text string)) {
	s.browser.Fetch(method, "/api/session", body, func(status int, text string) {
		s.do(func() { done(status, text) })
	})
}

// act does what can be asked for on every page.
func (s *basePage) act(action string, target view.Element) bool {
	switch action {
	case markup.ActionReconnectNow:
		if s.connState.Phase == client.Refused {
			s.connect() // as a person wishes
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

// wake connects at once, unless the browser says that there is no network.
func (s *basePage) pageVisible() {
	if s.browser.Online() {
		s.tryNow()
	}
	s.redraw(partConnection)
}

// network follows what the browser says of the network. A connection from before
// it came back is not trusted; before it went, it may be of another kind (this
// machine's own) and live on.
func (s *basePage) networkChanged(up bool) {
	switch {
	case !up:
		s.offline, s.unverified = true, true
		if s.connState.Phase == client.Ready {
			s.call(protocol.MethodHealth, nil, func(d *jsontext.Decoder) { d.Skip() }, func(*protocol.Error) {})
		}
		s.tryNow()
	case s.offline && s.conn != nil:
		s.offline = false
		s.conn.Redial()
		if s.retryNow != nil {
			s.retryNow()
		}
	default:
		s.tryNow()
	}
	s.redraw(partConnection | partBody)
}

// heard notes that the connection lives.
func (s *basePage) connectionAlive() {
	if s.unverified {
		s.unverified = false
		s.redraw(partConnection | partBody)
	}
}

// reached reports whether the gateway is, as far as one can tell.
func (s *basePage) reached() bool {
	return s.connState.Phase == client.Ready && (!s.unverified || s.browser.Online())
}

func (s *basePage) tryNow() {
	if s.conn != nil {
		s.conn.TryNow()
	}
	if s.retryNow != nil {
		s.retryNow()
	}
}

// hear says aloud that the connection was lost, and that it is back.
func (s *basePage) announceConnection(st client.State) {
	s.examineIfFailing(st)
	s.delayedQueries = nil
	switch {
	case st.Phase == client.Waiting && !s.announcedLost:
		s.announcedLost = true
		view.Announce(s.doc, "The connection is lost.")
	case st.Phase == client.Ready && s.announcedLost:
		s.announcedLost = false
		view.Announce(s.doc, "Connected again.")
	}
}

func (s *basePage) signOut() {
	view.CloseDialogs(s.doc)
	s.signingOut = true // which closes the connection as a revocation does
	s.fetch("DELETE", "", func(status int, _ string) {
		if status == 0 || status >= 500 {
			s.signingOut = false
			s.problem("The gateway can’t be reached, so you are still signed in. Try again in a moment.")
			return
		}
		s.conn.Stop()
		s.purgeEverywhere(markup.StateSignedOut, func() { s.browser.Leave("/") })
	})
}

// openKeeper opens what is kept of the user, on a page that knows one.
func (s *basePage) openStorage(told func(name, text string)) (hears bool) {
	return s.storage.Open(s.root.Attr(markup.AttrInstance), s.root.Attr(markup.AttrUser), func(name, text string) {
		s.do(func() { told(name, text) })
	})
}

// turnedAway gives the state of a page whose credential is refused, and "" for what
// is no refusal of that. What is kept of a revoked user is removed.
func (s *basePage) endState(err *protocol.Error) (state string) {
	switch {
	case err.Code == protocol.Unauthorized, err.Code == protocol.Forbidden, err.Code == protocol.NotPaired && s.signingOut:
		return markup.StateSignedOut
	case err.Code != protocol.NotPaired:
		return ""
	case err.Details != nil && err.Details.Status == protocol.PairingRevoked:
		s.purgeEverywhere(markup.StateRevoked, func() {})
	}
	return markup.StateRevoked
}

// purged removes what is kept of the user, who is no more, and lets the other tabs
// do the same; state is the page's then.
func (s *basePage) purgeEverywhere(state string, then func()) {
	s.storage.Broadcast(purgedName, state)
	s.purgeStored(then)
}

func (s *basePage) purgeStored(then func()) {
	s.storage.Purge(s.root.Attr(markup.AttrInstance), s.root.Attr(markup.AttrUser), func() { s.do(then) })
}

// counting reports whether the pill counts seconds, or a notice is to go soon.
func (s *basePage) counting() bool {
	return s.connState.Phase == client.Waiting || len(s.notices) > 0 || len(s.delayedQueries) > 0 || s.paused()
}

func (s *basePage) draw() {
	if s.dirty&partConnection != 0 && s.conn != nil {
		view.DrawConnection(s.doc, s.connectionView())
	}
}

// pill is the state of the connection in the page's words.
func (s *basePage) connectionView() view.Connection {
	lives := s.connState.Phase == client.Ready || s.connState.Phase == client.Pairing
	if !s.browser.Online() && (!lives || s.unverified) {
		return view.Connection{State: markup.LinkOffline}
	}
	switch s.connState.Phase {
	case client.Ready, client.Pairing:
		if s.paused() {
			return view.Connection{State: markup.LinkSlow, Seconds: secondsUntil(s.pausedUntil)}
		}
		return view.Connection{State: markup.LinkConnected}
	case client.Waiting:
		l := view.Connection{State: markup.LinkReconnecting, Seconds: secondsUntil(s.connState.RetryAt)}
		if s.connState.Attempt >= failingAfter {
			l.State = markup.LinkFailing
		}
		return l
	case client.Refused:
		return view.Connection{State: markup.LinkRefused, Reason: s.connState.Err.Message}
	}
	return view.Connection{State: markup.LinkConnecting}
}

// secondsUntil rounds up, so that 1 is the last that is shown.
func secondsUntil(t clock.Time) int64 {
	return int64((clock.Until(t) + clock.Second - 1) / clock.Second)
}

// Notices stay for a while; what went wrong stays longer.
const (
	shortNotice = 5 * clock.Second
	longNotice  = 12 * clock.Second
	copiedFor   = 2 * clock.Second
)

// notice is something on the page that goes by itself.
type notice struct {
	expires clock.Time
	remove  func()
}

func (s *basePage) expireAfter(after clock.Duration, gone func()) {
	s.notices = append(s.notices, notice{clock.Now().Add(after), gone})
}

func (s *basePage) expireNotices(now clock.Time) {
	kept := s.notices[:0]
	for _, n := range s.notices {
		if now.Before(n.expires) {
			kept = append(kept, n)
		} else {
			n.remove()
		}
	}
	s.notices = kept
}

// problem tells what went wrong, good what went well, info what else there is.
func (s *basePage) problem(text string) { s.showToast(markup.KindProblem, text, longNotice) }
func (s *basePage) success(text string) { s.showToast(markup.KindGood, text, shortNotice) }
func (s *basePage) info(text string)    { s.showToast(markup.KindInfo, text, shortNotice) }

func (s *basePage) showToast(kind, text string, stays clock.Duration) {
	if el := view.Toast(s.doc, kind, text); el != nil {
		s.expireAfter(stays, el.Remove)
	}
}

func (s *basePage) dismissToast(toast view.Element) {
	if toast != nil {
		toast.Remove()
	}
}

// copy puts text on the clipboard and says so on the button.
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
