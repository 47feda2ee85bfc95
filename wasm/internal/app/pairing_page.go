package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/words"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// pairingPage is the page of a browser that is not approved yet. A browser that is
// approved gets it too if it did not send its cookie, as on a visit from another site;
// the page then reloads as soon as it has connected.
type pairingPage struct {
	*basePage
	shownState string // a markup.State… value
	message    string
	// when the user may ask again, or the next attempt is made; zero for never
	retryAt            clock.Time
	pairing            client.PendingPairing
	replacedCredential bool // an unknown cookie was replaced already
	tries              int  // attempts to get a cookie that have failed in a row
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

// start requests the cookie that will be this browser's credential, which no script can
// read, and then connects.
func (g *pairingPage) start() {
	if name := g.browser.TabValue(g.deviceNameKey()); name != "" {
		view.SetInput(g.doc, markup.IDDeviceName, name)
	}
	g.requestCookie()
}

// requestCookie makes sure that the browser has a cookie, and connects with it.
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

// connectWithCookie connects anew, since a WebSocket has the cookie that it was opened
// with.
func (g *pairingPage) connectWithCookie() {
	g.hello.DeviceName = view.Input(g.doc, markup.IDDeviceName)
	g.connect()
}

// cookieFailed shows why there is no cookie, and when the next attempt is made.
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

// setState shows a state, the error's message if there is one, and counts wait down,
// which is 0 for none.
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

// state is called when the connection's state has changed.
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

// approved reloads the page, which is the chat then.
func (g *pairingPage) approved() {
	g.setState(markup.StateApproved, nil, 0)
	if !g.reloadOnce() {
		g.setState(markup.StateUnreachable, protocol.Refuse(protocol.Internal,
			"This browser is approved, but the page came without its cookie. Allow cookies for this address and reload."), 0)
	}
}

// connectionLost leaves the pairing code on the screen through a short interruption.
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
		// The page does not know whose credential was revoked: remove what is stored of
		// all users of this gateway.
		g.storage.Purge(g.root.Attr(markup.AttrInstance), "", func() {})
		g.setState(markup.StateRevoked, nil, wait)
	case status != protocol.PairingExpired && !g.replacedCredential:
		// The gateway does not know the credential, so ask with a new one. Once: a second
		// unknown credential would make a loop.
		g.replacedCredential = true
		g.askAgain()
	default:
		g.setState(markup.StateExpired, nil, wait)
	}
}

// askAgain deletes the credential and asks for approval with a new one.
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

// act does what the user asked for.
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
			g.connectWithCookie() // the pairing keeps its code and gets the name
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

// retryCookie requests the cookie now if an attempt is due later.
func (g *pairingPage) retryCookie() {
	if g.tries > 0 && !g.retryAt.IsZero() {
		g.retryAt = clock.Time{}
		g.requestCookie()
	}
}

// draw writes the page's state into the document.
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
