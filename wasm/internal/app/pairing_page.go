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

func newPairingPage(b *basePage) *pairingPage {
	p := &pairingPage{basePage: b, shownState: b.root.Attr(markup.AttrState)}
	b.retryNow = p.retryCookie
	return p
}

func (p *pairingPage) page() page {
	return page{
		start: p.start, state: p.state, event: p.event, act: p.act,
		tick: p.tick, draw: p.draw, needsFastTicks: p.needsFastTicks,
	}
}

func (p *pairingPage) deviceNameKey() string {
	return p.root.Attr(markup.AttrInstance) + " device name"
}

// start requests the cookie that will be this browser's credential, which no script can
// read, and then connects.
func (p *pairingPage) start() {
	if name := p.browser.TabValue(p.deviceNameKey()); name != "" {
		view.SetInput(p.doc, markup.IDDeviceName, name)
	}
	if p.browser.TabValue(p.signedOutKey()) != "" {
		p.setState(markup.StateSignedOut, nil, 0)
		return
	}
	p.requestCookie()
}

// requestCookie makes sure that the browser has a cookie, and connects with it.
func (p *pairingPage) requestCookie() {
	p.fetch("POST", "{}", func(status int, text string) {
		switch {
		case status >= 200 && status < 300:
			p.tries = 0
			p.connectWithCookie()
		default:
			p.cookieFailed(status, parseError(text))
		}
	})
}

// connectWithCookie connects anew, since a WebSocket has the cookie that it was opened
// with.
func (p *pairingPage) connectWithCookie() {
	p.connectParams.DeviceName = view.Input(p.doc, markup.IDDeviceName)
	p.connect()
}

// cookieFailed shows why there is no cookie, and when the next attempt is made.
func (p *pairingPage) cookieFailed(status int, err *protocol.Error) {
	p.tries++
	wait := min(clock.Second<<min(p.tries-1, 5), 30*clock.Second)
	state := markup.StateUnreachable
	switch status {
	case 429:
		state = markup.StateTooMany
		wait = max(wait, 10*clock.Second)
	case 403, 421: // a foreign origin, a foreign host
		state = markup.StateWrongAddress
	}
	if err != nil && err.RetryAfterMs > 0 {
		wait = clock.Duration(err.RetryAfterMs) * clock.Millisecond
	}
	p.setState(state, err, wait)
}

// setState shows a state, the error's message if there is one, and counts wait down,
// which is 0 for none.
func (p *pairingPage) setState(state string, err *protocol.Error, wait clock.Duration) {
	p.shownState, p.message, p.retryAt = state, "", clock.Time{}
	if err != nil {
		p.message = err.Message
	}
	if wait > 0 {
		p.retryAt = clock.Now().Add(wait)
	}
	p.redraw(partBody)
}

// state is called when the connection's state has changed.
func (p *pairingPage) state(s client.State) {
	if s.Pairing != nil {
		p.pairing = *s.Pairing
	}
	switch s.Phase {
	case client.Pairing:
		if lacksCookie(s) || p.reloadReason() == afterApproval {
			p.noCookies() // of a page before this one, or of the approval that led here
			return
		}
		p.clearReloaded()
		p.replacedCredential = false
		p.setState(markup.StateWaiting, nil, 0)
	case client.Ready:
		p.approved()
	case client.Waiting:
		p.connectionLost(s)
	case client.Refused:
		if lacksCookie(s) {
			p.noCookies()
			return
		}
		p.refused(s.Err)
	}
}

// approved gets the browser's new credential, since the one that waited for approval is of
// no use for pages, and reloads the page, which is the chat then.
func (p *pairingPage) approved() {
	p.setState(markup.StateApproved, nil, 0)
	p.conn.Stop() // the gateway closes connections with the old credential
	p.fetch("POST", "{}", func(int, string) { p.reloadApproved() })
}

func (p *pairingPage) reloadApproved() {
	if p.triedBefore(afterApproval) {
		p.noCookies()
		return
	}
	p.browser.Reload()
}

// noCookies says that this browser keeps no cookies, and stops asking for approval: each
// request would leave a code, or a device, that nobody can use.
func (p *pairingPage) noCookies() {
	p.clearReloaded()
	p.conn.Stop()
	p.pairing = client.PendingPairing{}
	p.setState(markup.StateNoCookies, nil, 0)
}

// connectionLost leaves the pairing code on the screen through a short interruption.
func (p *pairingPage) connectionLost(s client.State) {
	wait := clock.Until(s.RetryAt)
	switch {
	case s.Err.Code == protocol.ResourceExhausted:
		p.setState(markup.StateTooMany, s.Err, wait)
	case s.Pairing == nil || s.Attempt > 1:
		p.setState(markup.StateUnreachable, nil, wait)
	}
}

func (p *pairingPage) refused(err *protocol.Error) {
	wait := clock.Duration(err.RetryAfterMs) * clock.Millisecond
	switch err.Code {
	case protocol.NotPaired:
		p.notPaired(err, wait)
	case protocol.Unauthorized:
		p.setState(markup.StatePairingOff, err, 0)
	default:
		p.setState(markup.StateUnreachable, err, 0)
	}
}

func (p *pairingPage) notPaired(err *protocol.Error, wait clock.Duration) {
	status := ""
	if err.Details != nil {
		status = err.Details.Status
	}
	switch {
	case status == protocol.PairingDenied:
		if wait == 0 {
			wait = coolDown
		}
		p.setState(markup.StateDenied, nil, wait)
	case status == protocol.PairingRevoked:
		// The page does not know whose credential was revoked: remove what is stored of
		// all users of this gateway.
		p.storage.Purge(p.root.Attr(markup.AttrInstance), "", func() {})
		p.setState(markup.StateRevoked, nil, wait)
	case status != protocol.PairingExpired && !p.replacedCredential:
		// The gateway does not know the credential, so ask with a new one. Once: a second
		// unknown credential would make a loop.
		p.replacedCredential = true
		p.requestCookie()
	default:
		p.setState(markup.StateExpired, nil, wait)
	}
}

// askAgain deletes the credential and asks for approval with a new one.
func (p *pairingPage) askAgain() {
	p.browser.SetTabValue(p.signedOutKey(), "")
	p.pairing = client.PendingPairing{}
	p.setState(markup.StateConnecting, nil, 0)
	p.fetch("DELETE", "", func(status int, text string) {
		if status == 0 || status >= 400 && status != 401 {
			p.cookieFailed(status, parseError(text))
			return
		}
		p.requestCookie()
	})
}

func (p *pairingPage) event(protocol.Frame) {}

// act does what the user asked for.
func (p *pairingPage) act(action string, target view.Element) {
	switch action {
	case markup.ActionCopyPairingCode:
		p.copy(p.pairing.Code, target)
	case markup.ActionAskAgain:
		if !clock.Now().Before(p.retryAt) {
			p.askAgain()
		}
	case markup.ActionNameDevice:
		p.browser.SetTabValue(p.deviceNameKey(), view.Input(p.doc, markup.IDDeviceName))
		if p.connState.Phase == client.Pairing {
			p.connectWithCookie() // the pairing keeps its code and gets the name
		}
		p.info("The admin will see that name.")
	}
}

func (p *pairingPage) needsFastTicks() bool {
	return !p.retryAt.IsZero() || p.shownState == markup.StateWaiting
}

func (p *pairingPage) tick(now clock.Time) {
	p.redraw(partBody)
	if p.retryAt.IsZero() || now.Before(p.retryAt) {
		return
	}
	if p.tries > 0 {
		p.retryCookie()
	}
	p.retryAt = clock.Time{}
}

// retryCookie requests the cookie now if an attempt is due later.
func (p *pairingPage) retryCookie() {
	if p.tries > 0 && !p.retryAt.IsZero() {
		p.retryAt = clock.Time{}
		p.requestCookie()
	}
}

// draw writes the page's state into the document.
func (p *pairingPage) draw() {
	if p.dirty&partBody == 0 {
		return
	}
	v := view.Pairing{State: p.shownState, Code: p.pairing.Code, Message: p.message}
	if !p.retryAt.IsZero() {
		v.Seconds = secondsUntil(p.retryAt)
	}
	if p.pairing.ExpiresAt != 0 {
		v.Remaining = words.Remaining(p.pairing.ExpiresAt, protocol.At(clock.Now()))
	}
	if p.pairing.Code != "" && !isLoopback(p.browser.Host()) {
		v.QR = p.link("/pair/qr.svg?expires=") + decimal(int64(p.pairing.ExpiresAt))
	}
	view.DrawPairing(p.doc, v)
}
