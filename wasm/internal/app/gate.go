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
type gate struct {
	_ incomparable

	*shell
	now     string // a markup.State… value
	message string
	until   clock.Time // when asking again, or the next try, is possible
	pairing client.PendingPairing
	renewed bool // an unknown cookie was replaced already
	tries   int  // of getting a cookie
}

// coolDown is how long a denied browser may not ask again, unless the gateway
// says otherwise.
const coolDown = 60 * clock.Second

func newGate(s *shell) *gate {
	g := &gate{shell: s, now: s.root.Attr(markup.AttrState)}
	s.again = g.again
	return g
}

func (g *gate) page() page {
	return page{
		start: g.start, state: g.state, event: g.event, act: g.act,
		tick: g.tick, draw: g.draw, counting: g.counting,
	}
}

func (g *gate) deviceNameKept() string { return g.root.Attr(markup.AttrInstance) + " device name" }

// start gets the cookie that will be the browser's credential, and which no
// script can read, before it knocks.
func (g *gate) start() {
	if kept := g.win.Recall(g.deviceNameKept()); kept != "" {
		view.SetInput(g.doc, markup.IDDeviceName, kept)
	}
	g.knock()
}

// knock makes sure of a cookie and connects with it.
func (g *gate) knock() {
	g.fetch("POST", "{}", func(status int, text string) {
		switch {
		case status >= 200 && status < 300:
			g.tries = 0
			g.enter()
		default:
			g.noCookie(status, refusal(text))
		}
	})
}

// enter connects anew: a socket's cookie is the one of its beginning.
func (g *gate) enter() {
	g.hello.DeviceName = view.Input(g.doc, markup.IDDeviceName)
	g.connect()
}

// noCookie waits and knocks again.
func (g *gate) noCookie(status int, err *protocol.Error) {
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
	g.set(state, err, wait)
}

// set shows a state, the gateway's sentence if there is one, and for how long.
func (g *gate) set(state string, err *protocol.Error, wait clock.Duration) {
	g.now, g.message, g.until = state, "", clock.Time{}
	if err != nil {
		g.message = err.Message
	}
	if wait > 0 {
		g.until = clock.Now().Add(wait)
	}
	g.need(partBody)
}

// state follows the connection.
func (g *gate) state(s client.State) {
	if s.Pairing != nil {
		g.pairing = *s.Pairing
	}
	switch s.Phase {
	case client.Pairing:
		g.settled()
		g.set(markup.StateWaiting, nil, 0)
	case client.Ready:
		g.letIn()
	case client.Waiting:
		g.lost(s)
	case client.Refused:
		g.refused(s.Err)
	}
}

// letIn opens the chat.
func (g *gate) letIn() {
	g.set(markup.StateApproved, nil, 0)
	if !g.reloaded() {
		g.set(markup.StateUnreachable, protocol.Refuse(protocol.Internal,
			"This browser is approved, but the page came without its cookie. Allow cookies for this address and reload."), 0)
	}
}

// lost keeps a code on the screen through a short interruption.
func (g *gate) lost(s client.State) {
	wait := clock.Until(s.RetryAt)
	switch {
	case s.Err.Code == protocol.ResourceExhausted:
		g.set(markup.StateTooMany, s.Err, wait)
	case s.Pairing == nil || s.Attempt > 1:
		g.set(markup.StateUnreachable, nil, wait)
	}
}

func (g *gate) refused(err *protocol.Error) {
	wait := clock.Duration(err.RetryAfterMs) * clock.Millisecond
	switch err.Code {
	case protocol.NotPaired:
		g.notPaired(err, wait)
	case protocol.Unauthorized:
		g.set(markup.StatePairingOff, err, 0)
	default:
		g.set(markup.StateUnreachable, err, 0)
	}
}

func (g *gate) notPaired(err *protocol.Error, wait clock.Duration) {
	status := ""
	if err.Details != nil {
		status = err.Details.Status
	}
	switch {
	case status == protocol.PairingDenied:
		if wait == 0 {
			wait = coolDown
		}
		g.set(markup.StateDenied, nil, wait)
	case status == protocol.PairingRevoked:
		// Whoever it was is no more, and this page does not know who it was.
		g.keep.Purge(g.root.Attr(markup.AttrInstance), "", func() {})
		g.set(markup.StateRevoked, nil, wait)
	case status != protocol.PairingExpired && !g.renewed:
		// A credential that this gateway does not know is of no use to anybody.
		g.renewed = true
		g.askAgain()
	default:
		g.set(markup.StateExpired, nil, wait)
	}
}

// askAgain gives the credential up and asks with a new one.
func (g *gate) askAgain() {
	g.pairing = client.PendingPairing{}
	g.set(markup.StateConnecting, nil, 0)
	g.fetch("DELETE", "", func(status int, text string) {
		if status == 0 || status >= 400 && status != 401 {
			g.noCookie(status, refusal(text))
			return
		}
		g.knock()
	})
}

func (g *gate) event(protocol.Frame) {}

// act does what the user asks for.
func (g *gate) act(action string, target view.Element) {
	switch action {
	case markup.ActionCopyPairingCode:
		g.copy(g.pairing.Code, target)
	case markup.ActionAskAgain:
		if !clock.Now().Before(g.until) {
			g.askAgain()
		}
	case markup.ActionNameDevice:
		g.win.Keep(g.deviceNameKept(), view.Input(g.doc, markup.IDDeviceName))
		if g.link.Phase == client.Pairing {
			g.enter() // the request keeps its code and gets the name
		}
		g.info("The admin will see that name.")
	}
}

func (g *gate) counting() bool { return !g.until.IsZero() || g.now == markup.StateWaiting }

func (g *gate) tick(now clock.Time) {
	g.need(partBody)
	if g.until.IsZero() || now.Before(g.until) {
		return
	}
	if g.tries > 0 {
		g.again()
	}
	g.until = clock.Time{}
}

// again knocks before the wait for it is over.
func (g *gate) again() {
	if g.tries > 0 && !g.until.IsZero() {
		g.until = clock.Time{}
		g.knock()
	}
}

// draw shows the gate.
func (g *gate) draw() {
	if g.parts&partBody == 0 {
		return
	}
	p := view.Pairing{State: g.now, Code: g.pairing.Code, Message: g.message}
	if !g.until.IsZero() {
		p.Seconds = secondsUntil(g.until)
	}
	if g.pairing.ExpiresAt != 0 {
		p.Remaining = words.Remaining(g.pairing.ExpiresAt, protocol.At(clock.Now()))
	}
	if g.pairing.Code != "" && !loopback(g.win.Host()) {
		p.QR = "/pair/qr.svg?expires=" + decimal(int64(g.pairing.ExpiresAt))
	}
	view.DrawPairing(g.doc, p)
}
