package doctor

import (
	"fmt"
	"net"
	"net/http"
	"strings"
)

// pairing does what an unknown browser does: it gets a cookie and asks to be paired.
// The request is withdrawn in the end.
func (x *examination) pairing() bool {
	header := x.pageHeader(x.ownOrigin())
	header.Set("Content-Type", "application/json")
	a, err := x.request(http.MethodPost, "/api/session", header)
	switch {
	case err != nil:
		x.report("cookie", Fail, "no answer to POST /api/session: "+quoted(err.Error()))
		return true
	case a.StatusCode == http.StatusNotFound:
		x.report("cookie", Skipped, "this gateway gives browsers no cookie")
		return true
	case a.StatusCode == http.StatusForbidden && gatewayError(a.body) != "":
		x.report("cookie", Fail, "the gateway refuses its own page a cookie, as it refuses the "+
			"page's WebSocket (see origin)", x.fixOrigin()...)
		return true
	case a.StatusCode == http.StatusMisdirectedRequest && gatewayError(a.body) != "":
		message, fixes := x.explainHost(a.body)
		x.report("cookie", Fail, message, fixes...)
		return true
	case a.StatusCode != http.StatusNoContent:
		message, fixes := x.explainAnswer(a.StatusCode, a.Header, a.body)
		x.report("cookie", Fail, "POST /api/session: "+message, fixes...)
		return true
	}
	if x.takeCookie(a) {
		x.askToPair()
	}
	return true
}

// takeCookie checks the cookie and keeps it. It returns false if there is none.
func (x *examination) takeCookie(a answer) bool {
	cookies := a.Cookies()
	if len(cookies) == 0 {
		x.report("cookie", Fail, "the cookie is lost on the way: a proxy removes it",
			fixCookie()...)
		return false
	}
	x.cookie = cookies[0]
	switch {
	case x.url.Scheme == "https" && !x.cookie.Secure:
		x.report("cookie", Fail, "the gateway does not know that browsers use TLS, "+
			"and its cookie may be sent over plain HTTP", fixScheme(x.ownURL())...)
	case x.url.Scheme == "http" && x.cookie.Secure:
		x.report("cookie", Fail, "the gateway believes that browsers use TLS, "+
			"and over plain HTTP they do not keep its cookie",
			fixes(nginx, nginxProto,
				haproxy, "http-request set-header X-Forwarded-Proto http if !{ ssl_fc }",
				traefik, traefikTrust)...)
	case !covers(x.cookie.Path, x.url.Path):
		x.report("cookie", Fail, "the cookie is for the path "+quoted(x.cookie.Path)+
			", so browsers do not send it to "+quoted(x.ownURL()),
			append(fixes(gatehouse, `gateway: { public_url: "`+x.ownURL()+`" }`), fixCookie()...)...)
	case !x.cookie.HttpOnly:
		x.report("cookie", Warn, "scripts can read the cookie: a proxy has changed it",
			fixCookie()...)
	default:
		x.report("cookie", OK, "a browser gets a cookie that no script can read")
	}
	return true
}

// covers reports whether browsers send a cookie of a path to addresses under base (RFC
// 6265 §5.1.4).
func covers(path, base string) bool {
	return path == "" || strings.HasPrefix(base+"/", strings.TrimSuffix(path, "/")+"/")
}

// askToPair connects with the cookie, so that the gateway creates a pairing request.
func (x *examination) askToPair() {
	header := x.pageHeader(x.ownOrigin())
	header.Set("Cookie", x.cookie.Name+"="+x.cookie.Value)
	s, err := x.open(header)
	if err != nil {
		x.report("pairing", Fail, "no WebSocket opens with the cookie: "+quoted(err.Error()),
			x.fixOrigin()...)
		return
	}
	x.socket = s
	r, err := s.call("connect", map[string]any{
		"protocol": 3, "device_name": "gatehouse doctor",
		"client": map[string]any{"name": userAgent},
	})
	switch {
	case err != nil:
		_ = s.ws.Close()
		x.socket = nil
		x.report("pairing", Fail, "connect is not answered: "+quoted(err.Error()), fixFrames()...)
	case r.OK && r.text("status") == "pending_pairing" && r.text("sender_id") != "":
		x.report("pairing", Fail, "the cookie does not reach the gateway with the upgrade: "+
			"browsers would have to be paired again for each connection", fixCookie()...)
	case r.OK && r.text("status") == "pending_pairing":
		x.report("pairing", OK, "an unknown browser gets a pairing code; this request is withdrawn")
	case r.OK:
		x.report("pairing", Warn, "an unknown browser is let in without pairing, as "+
			quoted(r.text("role")))
	case r.Error.Code == "UNAUTHORIZED":
		x.report("pairing", Warn, "switched off: unknown browsers are refused", fixPairing()...)
	case r.Error.Code == "RESOURCE_EXHAUSTED":
		x.report("pairing", Warn, "not possible from this address now: "+quoted(r.Error.Message))
	default:
		x.report("pairing", Fail, quoted(r.Error.Code+": "+r.Error.Message))
	}
}

// withdraw withdraws the pairing request, by signing the cookie out.
func (x *examination) withdraw() {
	if x.cookie == nil {
		return
	}
	a, err := x.request(http.MethodDelete, "/api/session", http.Header{
		"Origin": {x.ownOrigin()}, "Content-Type": {"application/json"},
		"Cookie": {x.cookie.Name + "=" + x.cookie.Value},
	})
	if err != nil || a.StatusCode != http.StatusNoContent {
		x.report("pairing", Warn, "the doctor's pairing request could not be withdrawn: "+
			`it expires by itself, or deny "gatehouse doctor" on /admin`)
	}
}

// credential checks the token. It never sends the token over a network without TLS.
func (x *examination) credential() bool {
	switch {
	case x.Token == "":
		x.report("credential", Skipped,
			"no credential was given: use -token-file FILE or GATEHOUSE_TOKEN to check one")
		return true
	case x.url.Scheme == "http" && !x.loopback():
		x.report("credential", Skipped, "not tried: without TLS others "+
			"on the network could read it")
		return true
	}
	s, err := x.open(nil)
	if err != nil {
		x.report("credential", Fail, "no WebSocket opens: "+quoted(err.Error()), fixFull()...)
		return true
	}
	defer func() { _ = s.ws.Close() }()
	kind := "token"
	if strings.HasPrefix(x.Token, "gd_") {
		kind = "sender_id"
	}
	switch r, err := s.call("connect", map[string]any{
		"protocol": 3, kind: x.Token, "client": map[string]any{"name": userAgent},
	}); {
	case err != nil:
		x.report("credential", Fail, "connect is not answered: "+quoted(err.Error()),
			fixFrames()...)
	case r.OK && r.text("status") == "pending_pairing":
		x.report("credential", Fail, "its pairing waits for an admin",
			fixes(you, "approve the code "+quoted(r.text("pairing_code"))+" on /admin")...)
	case r.OK:
		x.report("credential", OK, fmt.Sprintf("accepted: user %s, role %s",
			quoted(r.text("user_id")), quoted(r.text("role"))))
	case r.Error.Code == "UNAUTHORIZED" || r.Error.Code == "NOT_PAIRED":
		x.report("credential", Fail, "refused: "+quoted(r.Error.Code+": "+r.Error.Message),
			fixCredential(x.Token)...)
	default:
		x.report("credential", Fail, quoted(r.Error.Code+": "+r.Error.Message))
	}
	return true
}

// loopback reports whether the gateway was reached on this machine.
func (x *examination) loopback() bool {
	host, _, err := net.SplitHostPort(x.reached)
	return err == nil && net.ParseIP(host).IsLoopback()
}
