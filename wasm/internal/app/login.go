package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// login is the page where an admin signs in, by a link or with the token.
type login struct {
	*basePage
	view     view.Login
	code     string     // of the sign-in link; "" if there is none, or when it is redeemed
	nextPath string     // where to go after signing in
	retryAt  clock.Time // when the next attempt is possible; zero for now
}

// redeemInterval is how long to wait before a link is redeemed again.
const redeemInterval = 3 * clock.Second

func newLogin(b *basePage) *login {
	l := &login{basePage: b, view: view.Login{State: b.root.Attr(markup.AttrState)}}
	b.retryNow = l.retryCode
	return l
}

func (l *login) page() page {
	return page{
		start: l.start, state: l.state, event: l.event, act: l.act,
		tick: l.tick, draw: l.draw, needsFastTicks: l.needsFastTicks,
	}
}

// start redeems the code of a sign-in link. The code is removed from the address first,
// so that the browser's history does not hold it.
func (l *login) start() {
	l.nextPath = "/admin"
	if l.reloadReason() == afterSignIn {
		l.clearReloaded()
		if l.browser.Path() == "/admin" { // the gateway has answered with this page instead
			l.set(markup.StateNoCookies, false)
		}
	}
	switch code := l.browser.TakeFragment(); {
	case code == "":
	case isPairingCode(code): // the admin was on the way to approve a pairing
		l.nextPath += "#" + code
	default:
		l.code = code
		l.redeem()
	}
}

func (l *login) redeem() {
	l.set(markup.StateRedeeming, false)
	l.authenticate("code", l.code, markup.StateLinkFailed)
}

// retryCode redeems the code again if that failed, but may succeed now.
func (l *login) retryCode() {
	switch l.view.State {
	case markup.StateNoCookies, markup.StateUnreachable, markup.StateWrongAddress:
		if l.code != "" {
			l.retryAt = clock.Time{}
			l.redeem()
		}
	}
}

func (l *login) set(state string, busy bool) {
	l.view.State, l.view.Busy = state, busy
	l.redraw(partBody)
}

// authenticate exchanges a secret for a cookie. If the gateway refuses the secret, the
// page gets the state refused. First it asks for a cookie that is worth nothing: the
// gateway takes the secret only if the browser sends that back, since a link works once,
// and a browser without cookies would leave a device that nobody can use.
func (l *login) authenticate(field, secret, refused string) {
	body := append([]byte(`{"cookie":true,"`+field+`":`), jsontext.AppendString(nil, secret)...)
	l.fetch("POST", "{}", func(status int, text string) {
		if status < 200 || status > 299 {
			l.signedIn(field, refused, status, text)
			return
		}
		l.fetch("POST", string(append(body, '}')), func(status int, text string) {
			l.signedIn(field, refused, status, text)
		})
	})
}

// signedIn acts on the gateway's answer to authenticate.
func (l *login) signedIn(field, refused string, status int, text string) {
	switch {
	case status >= 200 && status < 300:
		l.browser.SetTabValue(l.reloadedKey(), afterSignIn)
		l.set(markup.StateSuccess, false)
		l.browser.Leave(l.nextPath)
	case status == 409:
		l.set(markup.StateNoCookies, false)
	case status == 429:
		wait := coolDown
		if err := parseError(text); err != nil && err.RetryAfterMs > 0 {
			wait = clock.Duration(err.RetryAfterMs) * clock.Millisecond
		}
		l.retryAt = clock.Now().Add(wait)
		l.set(markup.StateTooMany, false)
	case status == 0 || status >= 500:
		if field == "code" {
			l.retryAt = clock.Now().Add(redeemInterval)
		}
		l.set(markup.StateUnreachable, false)
	case status == 400 || status == 401:
		l.code = ""
		l.set(refused, false)
	default: // for one, 403: a foreign origin; 421: a foreign host; 404: not the gateway
		l.set(markup.StateWrongAddress, false)
	}
}

func (l *login) act(action string, _ view.Element) {
	if action != markup.ActionSignIn || l.view.Busy || clock.Now().Before(l.retryAt) &&
		l.view.State == markup.StateTooMany {
		return
	}
	if token := trim(view.Input(l.doc, markup.IDTokenInput)); token != "" {
		l.code, l.retryAt = "", clock.Time{}
		l.set(l.view.State, true)
		l.authenticate("token", token, markup.StateTokenRefused)
	}
}

func (l *login) state(client.State)   {}
func (l *login) event(protocol.Frame) {}

func (l *login) needsFastTicks() bool { return !l.retryAt.IsZero() }

func (l *login) tick(now clock.Time) {
	l.redraw(partBody)
	if l.retryAt.IsZero() || now.Before(l.retryAt) {
		return
	}
	l.retryAt = clock.Time{}
	if l.code != "" {
		l.redeem()
	}
}

func (l *login) draw() {
	if l.dirty&partBody == 0 {
		return
	}
	l.view.Seconds = 0
	if !l.retryAt.IsZero() {
		l.view.Seconds = secondsUntil(l.retryAt)
	}
	view.DrawLogin(l.doc, l.view)
}
