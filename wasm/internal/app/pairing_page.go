package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/words"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// gate is the page of a browser that is not let in yet, and the neutral shell of
// one whose cookie did not come with the page.
type pairingPage struct {
	*basePage
	shownState         string // a markup.State… value
	message            string
	retryAt            clock.Time // when asking again, or the next try, is possible
	pairing            client.PendingPairing
	replacedCredential bool // an unknown cookie was replaced already
	tries              int  // of getting a cookie
}

// coolDown is how long a denied browser may not ask again, unless the gateway
// says otherwise.
const coolDown = 60 * clock.Second

func newPairingPage(s *basePage) *pairingPage {
	g := &pairingPage{basePage: s, shownState: s.root.Attr(markup.AttrState)}
	s.retryNow = g.retryCookie
	return g
}

func (g *pairingPage) page() page {
	return page{
		start: g.start, state: g.state, event: g.event, act: g.act,
		tick: g.tick, draw: g.draw, counting: g.counting,
	}
}

func (g *pairingPage) deviceNameKey() string {
	return g.root.Attr(markup.AttrInstance) + " device name"
}

// start gets the cookie that will be the browser's credential, and which no
// script can read, before it knocks.
func (g *pairingPage) start() {
	if kept := g.browser.TabValue(g.deviceNameKey()); kept != "" {
		view.SetInput(g.doc, markup.IDDeviceName, kept)
	}
	g.requestCookie()
}

// knock makes sure of a cookie and connects with it.
func (g *pairingPage) requestCookie() {
	g.fetch("POST", "{}", func(status int, text string) {
		switch {
		case status >= 200 && status < 300:
			g.tries = 0
			g.connectWithCookie()
		default:
			g.cookieFailed(status, parseError(text))
		}
	})
}

// enter connects anew: a socket's cookie is the one of its beginning.
func (g *pairingPage) connectWithCookie() {
	g.hello.DeviceName = view.Input(g.doc, markup.IDDeviceName)
	g.connect()
}

// noCookie waits and knocks again.
func (g *pairingPage) cookieFailed(status int, err *protocol.Error) {
	g.tries++
	wait := min(clock.Second<<min(g.tries-1, 5), 30*clock.Second)
	state := markup.StateUnreachable
	if status == 429 {
		state = markup.StateTooMany
		wait = max(wait, 10*clock.Second)
	}
	if err != nil && err.RetryAfterMs > 0 {
		wait = clock.Duration(err.RetryAfterMs) * clock.Millisecond
	}
	g.setState(state, err, wait)
}

// set shows a state, the gateway's sentence if there is one, and for how long.
func (g *pairingPage) setState(state string, err *protocol.Error, wait clock.Duration) {
	g.shownState, g.message, g.retryAt = state, "", clock.Time{}
	if err != nil {
		g.message = err.Message
	}
	if wait > 0 {
		g.retryAt = clock.Now().Add(wait)
	}
	g.redraw(partBody)
}

// state follows the connection.
func (g *pairingPage) state(s client.State) {
	if s.Pairing != nil {
		g.pairing = *s.Pairing
	}
	switch s.Phase {
	case client.Pairing:
		g.clearReloaded()
		g.setState(markup.StateWaiting, nil, 0)
	case client.Ready:
		g.approved()
	case client.Waiting:
		g.connectionLost(s)
	case client.Refused:
		g.refused(s.Err)
	}
}

// letIn opens the chat.
func (g *pairingPage) approved() {
	g.setState(markup.StateApproved, nil, 0)
	if !g.reloadOnce() {
		g.setState(markup.StateUnreachable, protocol.Refuse(protocol.Internal,
			"This browser is approved, but the page came without its cookie. Allow cookies for this address and reload."), 0)
	}
}

// lost keeps a code on the screen through a short interruption.
func (g *pairingPage) connectionLost(s client.State) {
	wait := clock.Until(s.RetryAt)
	switch {
	case s.Err.Code == protocol.ResourceExhausted:
		g.setState(markup.StateTooMany, s.Err, wait)
	case s.Pairing == nil || s.Attempt > 1:
		g.setState(markup.StateUnreachable, nil, wait)
	}
}

func (g *pairingPage) refused(err *protocol.Error) {
	wait := clock.Duration(err.RetryAfterMs) * clock.Millisecond
	switch err.Code {
	case protocol.NotPaired:
		g.notPaired(err, wait)
	case protocol.Unauthorized:
		g.setState(markup.StatePairingOff, err, 0)
	default:
		g.setState(markup.StateUnreachable, err, 0)
	}
}

func (g *pairingPage) notPaired(err *protocol.Error, wait clock.Duration) {
	status := ""
	if err.Details != nil {
		status = err.Details.Status
	}
	switch {
	case status == protocol.PairingDenied:
		if wait == 0 {
			wait = coolDown
		}
		g.setState(markup.StateDenied, nil, wait)
	case status == protocol.PairingRevoked:
		// Whoever it was is no more, and this page does not know who it was.
		g.storage.Purge(g.root.Attr(markup.AttrInstance), "", func() {})
		g.setState(markup.StateRevoked, nil, wait)
	case status != protocol.PairingExpired && !g.replacedCredential:
		// A credential that this gateway does not know is of no use to anybody.
		g.replacedCredential = true
		g.askAgain()
	default:
		g.setState(markup.StateExpired, nil, wait)
	}
}

// askAgain gives the credential up and asks with a new one.
func (g *pairingPage) askAgain() {
	g.pairing = client.PendingPairing{}
	g.setState(markup.StateConnecting, nil, 0)
	g.fetch("DELETE", "", func(status int, text string) {
		if status == 0 || status >= 400 && status != 401 {
			g.cookieFailed(status, parseError(text))
			return
		}
		g.requestCookie()
	})
}

func (g *pairingPage) event(protocol.Frame) {}

// act does what the user asks for.
func (g *pairingPage) act(action string, target view.Element) {
	switch action {
	case markup.ActionCopyPairingCode:
		g.copy(g.pairing.Code, target)
	case markup.ActionAskAgain:
		if !clock.Now().Before(g.retryAt) {
			g.askAgain()
		}
	case markup.ActionNameDevice:
		g.browser.SetTabValue(g.deviceNameKey(), view.Input(g.doc, markup.IDDeviceName))
		if g.connState.Phase == client.Pairing {
			g.connectWithCookie() // the request keeps its code and gets the name
		}
		g.info("The admin will see that name.")
	}
}

func (g *pairingPage) counting() bool {
	return !g.retryAt.IsZero() || g.shownState == markup.StateWaiting
}

func (g *pairingPage) tick(now clock.Time) {
	g.redraw(partBody)
	if g.retryAt.IsZero() || now.Before(g.retryAt) {
		return
	}
	if g.tries > 0 {
		g.retryCookie()
	}
	g.retryAt = clock.Time{}
}

// again knocks before the wait for it is over.
func (g *pairingPage) retryCookie() {
	if g.tries > 0 && !g.retryAt.IsZero() {
		g.retryAt = clock.Time{}
		g.requestCookie()
	}
}

// draw shows the gate.
func (g *pairingPage) draw() {
	if g.dirty&partBody == 0 {
		return
	}
	p := view.Pairing{State: g.shownState, Code: g.pairing.Code, Message: g.message}
	if !g.retryAt.IsZero() {
		p.Seconds = secondsUntil(g.retryAt)
	}
	if g.pairing.ExpiresAt != 0 {
		p.Remaining = words.Remaining(g.pairing.ExpiresAt, protocol.At(clock.Now()))
	}
	if g.pairing.Code != "" && !isLoopback(g.browser.Host()) {
		p.QR = "/pair/qr.svg?expires=" + decimal(int64(g.pairing.ExpiresAt))
	}
	view.DrawPairing(g.doc, p)
}
