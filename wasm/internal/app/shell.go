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
	partLink parts = 1 << iota
	partBody       // the page's main matter
	partText       // single messages of the transcript
	partList       // the list of chats
	partForm       // the composer
)

// shell is what all pages have: the connection and its pill, notices, signing
// out.
type shell struct {
	win   Browser
	doc   view.Document
	do    func(func()) // the loop
	root  view.Element
	parts parts

	dial  func() *client.Client
	hello protocol.ConnectParams
	conn  *client.Client // nil on a page without connection
	link  client.State
	lost  bool       // and said so
	slow  clock.Time // the gateway takes no more requests until then
	pause clock.Time // or at least not all
	looks []func()   // are made when it does again

	offline bool // the network went, as the browser says
	doubted bool // and nothing was heard on the connection since
	leaving bool // the user is signing out

	keep  Keeper
	count func(texts []string, durable bool) int // of messages that signing out would lose

	title  string // of the browser's tab, without
	prefix string // what comes before it

	transport client.Transport
	doctor    doctor

	notices []notice
	again   func() // tries what failed before there was a connection; may be nil
}

func (s *shell) need(p parts) { s.parts |= p }

// connect starts a new client in the place of the last one.
func (s *shell) connect() {
	if s.conn != nil {
		s.conn.Stop()
	}
	s.conn = s.dial()
	s.conn.Start()
}

// ask makes a request, has its answer read, and tells done on the loop.
func (s *shell) ask(method string, params []byte, read func(*jsontext.Decoder), done func(*protocol.Error)) {
	s.conn.Call(method, client.Encoded(params), func(payload jsontext.Raw, err *protocol.Error) {
		s.do(func() {
			if err == nil {
				s.heard()
			} else {
				s.slowDown(err, method != protocol.MethodChatSend)
			}
			if err == nil && jsontext.Read(payload, read) != nil {
				err = protocol.Refuse(protocol.Internal, "the gateway's answer cannot be read")
			}
			done(err)
		})
	})
}

// fetch is Fetch with its answer on the loop.
func (s *shell) fetch(method, body string, done func(status int, text string)) {
	s.win.Fetch(method, "/api/session", body, func(status int, text string) {
		s.do(func() { done(status, text) })
	})
}

// act does what can be asked for on every page.
func (s *shell) act(action string, target view.Element) bool {
	switch action {
	case markup.ActionReconnectNow:
		if s.link.Phase == client.Refused {
			s.connect() // as a person wishes
		}
		s.tryNow()
	case markup.ActionExamine:
		s.examine(true)
	case markup.ActionCloseDialog:
		view.CloseDialogs(s.doc)
	case markup.ActionDismissToast:
		s.dismiss(target.Closest(markup.AttrKind))
	case markup.ActionSignOut:
		s.keep.Read(func(texts []string, durable bool) {
			s.do(func() { view.OpenSignOut(s.doc, s.count(texts, durable)) })
		})
	case markup.ActionConfirmSignOut:
		s.signOut()
	default:
		return false
	}
	return true
}

// wake connects at once, unless the browser says that there is no network.
func (s *shell) wake() {
	if s.win.Online() {
		s.tryNow()
	}
	s.need(partLink)
}

// network follows what the browser says of the network. A connection from before
// it came back is not trusted; before it went, it may be of another kind (this
// machine's own) and live on.
func (s *shell) network(up bool) {
	switch {
	case !up:
		s.offline, s.doubted = true, true
		if s.link.Phase == client.Ready {
			s.ask(protocol.MethodHealth, nil, func(d *jsontext.Decoder) { d.Skip() }, func(*protocol.Error) {})
		}
		s.tryNow()
	case s.offline && s.conn != nil:
		s.offline = false
		s.conn.Redial()
		if s.again != nil {
			s.again()
		}
	default:
		s.tryNow()
	}
	s.need(partLink | partBody)
}

// heard notes that the connection lives.
func (s *shell) heard() {
	if s.doubted {
		s.doubted = false
		s.need(partLink | partBody)
	}
}

// reached reports whether the gateway is, as far as one can tell.
func (s *shell) reached() bool {
	return s.link.Phase == client.Ready && (!s.doubted || s.win.Online())
}

func (s *shell) tryNow() {
	if s.conn != nil {
		s.conn.TryNow()
	}
	if s.again != nil {
		s.again()
	}
}

// hear says aloud that the connection was lost, and that it is back.
func (s *shell) hear(st client.State) {
	s.watchFailing(st)
	s.looks = nil
	switch {
	case st.Phase == client.Waiting && !s.lost:
		s.lost = true
		view.Announce(s.doc, "The connection is lost.")
	case st.Phase == client.Ready && s.lost:
		s.lost = false
		view.Announce(s.doc, "Connected again.")
	}
}

func (s *shell) signOut() {
	view.CloseDialogs(s.doc)
	s.leaving = true // which closes the connection as a revocation does
	s.fetch("DELETE", "", func(status int, _ string) {
		if status == 0 || status >= 500 {
			s.leaving = false
			s.problem("The gateway can’t be reached, so you are still signed in. Try again in a moment.")
			return
		}
		s.conn.Stop()
		s.purged(markup.StateSignedOut, func() { s.win.Leave("/") })
	})
}

// openKeeper opens what is kept of the user, on a page that knows one.
func (s *shell) openKeeper(told func(name, text string)) (hears bool) {
	return s.keep.Open(s.root.Attr(markup.AttrInstance), s.root.Attr(markup.AttrUser), func(name, text string) {
		s.do(func() { told(name, text) })
	})
}

// turnedAway gives the state of a page whose credential is refused, and "" for what
// is no refusal of that. What is kept of a revoked user is removed.
func (s *shell) turnedAway(err *protocol.Error) (state string) {
	switch {
	case err.Code == protocol.Unauthorized, err.Code == protocol.Forbidden, err.Code == protocol.NotPaired && s.leaving:
		return markup.StateSignedOut
	case err.Code != protocol.NotPaired:
		return ""
	case err.Details != nil && err.Details.Status == protocol.PairingRevoked:
		s.purged(markup.StateRevoked, func() {})
	}
	return markup.StateRevoked
}

// purged removes what is kept of the user, who is no more, and lets the other tabs
// do the same; state is the page's then.
func (s *shell) purged(state string, then func()) {
	s.keep.Tell(namePurged, state)
	s.purge(then)
}

func (s *shell) purge(then func()) {
	s.keep.Purge(s.root.Attr(markup.AttrInstance), s.root.Attr(markup.AttrUser), func() { s.do(then) })
}

// counting reports whether the pill counts seconds, or a notice is to go soon.
func (s *shell) counting() bool {
	return s.link.Phase == client.Waiting || len(s.notices) > 0 || len(s.looks) > 0 || s.paused()
}

func (s *shell) draw() {
	if s.parts&partLink != 0 && s.conn != nil {
		view.DrawLink(s.doc, s.pill())
	}
}

// pill is the state of the connection in the page's words.
func (s *shell) pill() view.Link {
	lives := s.link.Phase == client.Ready || s.link.Phase == client.Pairing
	if !s.win.Online() && (!lives || s.doubted) {
		return view.Link{State: markup.LinkOffline}
	}
	switch s.link.Phase {
	case client.Ready, client.Pairing:
		if s.paused() {
			return view.Link{State: markup.LinkSlow, Seconds: secondsUntil(s.pause)}
		}
		return view.Link{State: markup.LinkConnected}
	case client.Waiting:
		l := view.Link{State: markup.LinkReconnecting, Seconds: secondsUntil(s.link.RetryAt)}
		if s.link.Attempt >= failingAfter {
			l.State = markup.LinkFailing
		}
		return l
	case client.Refused:
		return view.Link{State: markup.LinkRefused, Reason: s.link.Err.Message}
	}
	return view.Link{State: markup.LinkConnecting}
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
	until clock.Time
	gone  func()
}

func (s *shell) expire(after clock.Duration, gone func()) {
	s.notices = append(s.notices, notice{clock.Now().Add(after), gone})
}

func (s *shell) expireNotices(now clock.Time) {
	kept := s.notices[:0]
	for _, n := range s.notices {
		if now.Before(n.until) {
			kept = append(kept, n)
		} else {
			n.gone()
		}
	}
	s.notices = kept
}

// problem tells what went wrong, good what went well, info what else there is.
func (s *shell) problem(text string) { s.toast(markup.KindProblem, text, longNotice) }
func (s *shell) good(text string)    { s.toast(markup.KindGood, text, shortNotice) }
func (s *shell) info(text string)    { s.toast(markup.KindInfo, text, shortNotice) }

func (s *shell) toast(kind, text string, stays clock.Duration) {
	if el := view.Toast(s.doc, kind, text); el != nil {
		s.expire(stays, el.Remove)
	}
}

func (s *shell) dismiss(toast view.Element) {
	if toast != nil {
		toast.Remove()
	}
}

// copy puts text on the clipboard and says so on the button.
func (s *shell) copy(text string, button view.Element) {
	s.win.Copy(text, func(ok bool) {
		s.do(func() {
			if !ok {
				s.problem("The browser did not allow copying. Select the text and copy it by hand.")
				return
			}
			view.SetCopied(button, true)
			s.expire(copiedFor, func() { view.SetCopied(button, false) })
		})
	})
}
