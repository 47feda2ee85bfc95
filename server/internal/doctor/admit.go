package doctor

import (
	"fmt"
	"net"
	"net/http"
	"strings"
)

// pairing plays a browser that nobody knows: it gets a cookie, asks for a
// pairing, and takes that back.
func (x *examination) pairing() bool {
	a, err := x.ask(http.MethodPost, "/api/session", http.Header{"Origin": {x.ownOrigin()}, "Content-Type": {"application/json"}})
	switch {
	case err != nil:
		x.say("cookie", Fail, "no answer to POST /api/session: "+quoted(err.Error()))
		return true
	case a.StatusCode == http.StatusNotFound:
		x.say("cookie", Skipped, "this gateway gives browsers no cookie")
		return true
	case a.StatusCode == http.StatusForbidden:
		x.say("cookie", Fail, "a page may not ask for its cookie: "+quoted(refusal(a.body)), mendOwnOrigin(x.ownOrigin())...)
		return true
	case a.StatusCode != http.StatusNoContent:
		text, mend := x.notOurs(a.StatusCode, a.Header, a.body)
		x.say("cookie", Fail, "POST /api/session: "+text, mend...)
		return true
	}
	if x.takeCookie(a) {
		x.askToPair()
	}
	return true
}

// takeCookie keeps the cookie, if a browser would.
func (x *examination) takeCookie(a answer) bool {
	cookies := a.Cookies()
	if len(cookies) == 0 {
		x.say("cookie", Fail, "the cookie is lost on the way: a proxy takes it off", mendCookie()...)
		return false
	}
	x.cookie = cookies[0]
	switch {
	case x.url.Scheme == "https" && !x.cookie.Secure:
		x.say("cookie", Fail, "the gateway does not know that browsers come over TLS, and gives a cookie that plain HTTP may carry", mendOwnOrigin(x.ownOrigin())...)
	case x.url.Scheme == "http" && x.cookie.Secure:
		x.say("cookie", Fail, "the gateway takes plain HTTP for TLS, and browsers will not keep its cookie",
			mends(nginx, "proxy_set_header X-Forwarded-Proto $scheme;", haproxy, "http-request set-header X-Forwarded-Proto http if !{ ssl_fc }")...)
	case !x.cookie.HttpOnly:
		x.say("cookie", Warn, "scripts can read the cookie: a proxy changes it", mendCookie()...)
	default:
		x.say("cookie", OK, "a browser gets a cookie that no script can read")
	}
	return true
}

func (x *examination) askToPair() {
	s, err := x.open(http.Header{"Origin": {x.ownOrigin()}, "Cookie": {x.cookie.Name + "=" + x.cookie.Value}})
	if err != nil {
		x.say("pairing", Fail, "no WebSocket opens with the cookie: "+quoted(err.Error()), mendOwnOrigin(x.ownOrigin())...)
		return
	}
	x.socket = s
	r, err := s.call("connect", map[string]any{
		"protocol": 3, "device_name": "gatehouse doctor", "client": map[string]any{"name": "gatehouse-doctor"},
	})
	switch {
	case err != nil:
		_ = s.ws.Close()
		x.socket = nil
		x.say("pairing", Fail, "connect is not answered: "+quoted(err.Error()), mendFrames()...)
	case r.OK && r.text("status") == "pending_pairing" && r.text("sender_id") != "":
		x.say("pairing", Fail, "the cookie does not reach the gateway with the upgrade: browsers would pair again and again", mendCookie()...)
	case r.OK && r.text("status") == "pending_pairing":
		x.say("pairing", OK, "a browser that nobody knows gets a code; this one is taken back")
	case r.OK:
		x.say("pairing", Warn, "a browser that nobody knows is let in without pairing, as "+quoted(r.text("role")))
	case r.Error.Code == "UNAUTHORIZED":
		x.say("pairing", Warn, "switched off: browsers that are not known are turned away", mendPairing()...)
	case r.Error.Code == "RESOURCE_EXHAUSTED":
		x.say("pairing", Warn, "not possible from here just now: "+quoted(r.Error.Message))
	default:
		x.say("pairing", Fail, quoted(r.Error.Code+": "+r.Error.Message))
	}
}

// withdraw takes the pairing back that was asked for.
func (x *examination) withdraw() {
	if x.cookie == nil {
		return
	}
	a, err := x.ask(http.MethodDelete, "/api/session", http.Header{
		"Origin": {x.ownOrigin()}, "Content-Type": {"application/json"}, "Cookie": {x.cookie.Name + "=" + x.cookie.Value},
	})
	if err != nil || a.StatusCode != http.StatusNoContent {
		x.say("pairing", Warn, `the doctor's request for a pairing could not be taken back: it ends by itself, or deny "gatehouse doctor"`)
	}
}

// credential tries the token. It never goes over a line that others can read.
func (x *examination) credential() bool {
	switch {
	case x.Token == "":
		x.say("credential", Skipped, "none was given: -token-file FILE or GATEHOUSE_TOKEN tries one")
		return true
	case x.url.Scheme == "http" && !x.loopback():
		x.say("credential", Skipped, "not tried: without TLS everybody on the way could read it")
		return true
	}
	s, err := x.open(nil)
	if err != nil {
		x.say("credential", Fail, "no WebSocket opens: "+quoted(err.Error()), mendCrowd()...)
		return true
	}
	defer func() { _ = s.ws.Close() }()
	kind := "token"
	if strings.HasPrefix(x.Token, "gd_") {
		kind = "sender_id"
	}
	switch r, err := s.call("connect", map[string]any{"protocol": 3, kind: x.Token, "client": map[string]any{"name": "gatehouse-doctor"}}); {
	case err != nil:
		x.say("credential", Fail, "connect is not answered: "+quoted(err.Error()), mendFrames()...)
	case r.OK && r.text("status") == "pending_pairing":
		x.say("credential", Fail, "its pairing waits for an admin", mends(you, "approve the code "+quoted(r.text("pairing_code"))+" on /admin")...)
	case r.OK:
		x.say("credential", OK, fmt.Sprintf("it is good: user %s, role %s", quoted(r.text("user_id")), quoted(r.text("role"))))
	case r.Error.Code == "UNAUTHORIZED" || r.Error.Code == "NOT_PAIRED":
		x.say("credential", Fail, "it is refused: "+quoted(r.Error.Code+": "+r.Error.Message), mendCredential(x.Token)...)
	default:
		x.say("credential", Fail, quoted(r.Error.Code+": "+r.Error.Message))
	}
	return true
}

func (x *examination) loopback() bool {
	host, _, err := net.SplitHostPort(x.reached)
	return err == nil && net.ParseIP(host).IsLoopback()
}
