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
	_ incomparable

	*shell
	is    view.Login
	code  string     // of the link, while it is not redeemed
	then  string     // where to go when signed in
	until clock.Time // when the next attempt is possible
}

const redeemAgain = 3 * clock.Second

func newLogin(s *shell) *login {
	return &login{shell: s, is: view.Login{State: s.root.Attr(markup.AttrState)}}
}

func (l *login) page() page {
	return page{
		start: l.start, state: l.state, event: l.event, act: l.act,
		tick: l.tick, draw: l.draw, counting: l.counting,
	}
}

// start redeems the code of a sign-in link. It leaves the address at once, so
// that it stands in no history.
func (l *login) start() {
	l.then = "/admin"
	switch code := l.win.TakeFragment(); {
	case code == "":
	case pairingCode(code): // the way to an approval led over here
		l.then += "#" + code
	default:
		l.code = code
		l.redeem()
	}
}

func (l *login) redeem() {
	l.set(markup.StateRedeeming, false)
	l.post("code", l.code, markup.StateLinkFailed)
}

func (l *login) set(state string, busy bool) {
	l.is.State, l.is.Busy = state, busy
	l.need(partBody)
}

// post trades a secret for a cookie; refused is the state when it is not taken.
func (l *login) post(field, secret, refused string) {
	body := append([]byte(`{"`+field+`":`), jsontext.AppendString(nil, secret)...)
	l.fetch("POST", string(append(body, '}')), func(status int, text string) {
		switch {
		case status >= 200 && status < 300:
			l.set(markup.StateSuccess, false)
			l.win.Leave(l.then)
		case status == 429:
			wait := coolDown
			if err := refusal(text); err != nil && err.RetryAfterMs > 0 {
				wait = clock.Duration(err.RetryAfterMs) * clock.Millisecond
			}
			l.until = clock.Now().Add(wait)
			l.set(markup.StateTooMany, false)
		case status == 0 || status >= 500:
			if field == "code" {
				l.until = clock.Now().Add(redeemAgain)
			}
			l.set(markup.StateUnreachable, false)
		default:
			l.code = ""
			l.set(refused, false)
		}
	})
}

func (l *login) act(action string, _ view.Element) {
	if action != markup.ActionSignIn || l.is.Busy || clock.Now().Before(l.until) && l.is.State == markup.StateTooMany {
		return
	}
	if token := trim(view.Input(l.doc, markup.IDTokenInput)); token != "" {
		l.code, l.until = "", clock.Time{}
		l.set(l.is.State, true)
		l.post("token", token, markup.StateTokenRefused)
	}
}

func (l *login) state(client.State)   {}
func (l *login) event(protocol.Frame) {}

func (l *login) counting() bool { return !l.until.IsZero() }

func (l *login) tick(now clock.Time) {
	l.need(partBody)
	if l.until.IsZero() || now.Before(l.until) {
		return
	}
	l.until = clock.Time{}
	if l.code != "" {
		l.redeem()
	}
}

func (l *login) draw() {
	if l.parts&partBody == 0 {
		return
	}
	l.is.Seconds = 0
	if !l.until.IsZero() {
		l.is.Seconds = secondsUntil(l.until)
	}
	view.DrawLogin(l.doc, l.is)
}
