package conformance

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

func connecting() []Row {
	const section = "connect"
	return []Row{
		{Section: section, Says: "the first request", steps: firstRequest},
		{Section: section, steps: welcome,
			Says: "success: {protocol:3, role, user_id, server:{name,version}, limits}"},
		{Section: section, steps: tokenIdentity,
			Says: "gateway token: role admin; user_id as given (admin if none)"},
		{Section: section, steps: bearer,
			Says: "the token may also come as Authorization: Bearer … on the upgrade request"},
		{Section: section, steps: wrongToken,
			Says: "a wrong token: UNAUTHORIZED: invalid token; the connection may try again"},
		{Section: section, Says: "the 5th on one connection closes 1008", steps: fiveWrongTokens},
		{Section: section, Greedy: true, Wait: time.Second, steps: tenWrongTokens,
			Says: "10 a minute an address"},
		{Section: section, steps: precedence,
			Says: "precedence: token, Authorization, sender_id, cookie; a wrong one is refused, " +
				"never skipped"},
		{Section: section, steps: fixedIdentity,
			Says: "device credential: the role and user_id fixed at approval, whatever the " +
				"client claims"},
		{Section: section, steps: unknownDevice,
			Says: "NOT_PAIRED: a device credential that is unknown"},
		{Section: section, steps: unsupportedProtocol,
			Says: "unsupported protocol: FAILED_PRECONDITION naming what is supported"},
		{Section: section, steps: secondConnect,
			Says: "a second connect on an authenticated connection: FAILED_PRECONDITION"},
		{Section: section, Says: "user_id (≤255)", steps: userIDs},
		{Section: section, steps: senderIDs,
			Says: "sender_id matches ^[A-Za-z0-9][A-Za-z0-9._:@-]*$, ≤128"},
		{Section: section, Demo: true, steps: plainClient,
			Says: "a client that knows only v3 must keep working"},
		{Section: section, Greedy: true, Wait: time.Second, steps: manyCalls,
			Says: "unauthenticated calls: burst 60 and 60 a minute an address"},
		{Section: section, Greedy: true, Wait: time.Second, steps: manyPolls,
			Says: "status polls counted apart"},
		{Section: section, Wait: time.Minute, steps: manyConnections,
			Says: "at least 100 connections an address"},
	}
}

const notFirst = "first request must be 'connect'"

func firstRequest(v *visit) {
	c := v.open(nil)
	unauthenticated := []method{{name: "browser.pairing.status"}, {name: "no.such.method"},
		{name: ""}}
	for _, m := range append(methods(), unauthenticated...) {
		c.refused("UNAUTHORIZED", notFirst, m.name, object{"sessionKey": "k", "message": "x"})
	}
	c.call("connect", object{"token": v.target.Token})
	c.settle()
}

func welcome(v *visit) {
	c := v.open(nil)
	p := c.call("connect", object{
		"token": v.target.Token, "user_id": "user-123", "protocol": 3, "locale": "de",
		"client":      object{"name": "conformance", "version": "1", "platform": "go"},
		"device_name": "a test",
	})
	v.want(p, "protocol", 3)
	v.want(p, "role", "admin")
	v.want(p, "user_id", "user-123")
	v.text(p, "server.name")
	v.text(p, "server.version")
	v.require(Limits)
	v.want(p, "limits.maxFrameBytes", maxFrame)
	v.want(p, "limits.pingIntervalMs", 30_000)
	v.want(p, "limits.readTimeoutMs", 60_000)
	v.want(p, "limits.tickIntervalMs", 15_000)
	for _, none := range []string{"status", "pairing_code", "sender_id"} {
		v.want(p, none, nil)
	}
}

func tokenIdentity(v *visit) {
	for claimed, user := range map[string]string{"": "admin", "user-123": "user-123",
		"Zoë 😀": "Zoë 😀"} {
		p := v.open(nil).call("connect", object{"token": v.target.Token, "user_id": claimed})
		v.want(p, "user_id", user)
		v.want(p, "role", "admin")
	}
}

func authorization(value string) http.Header { return http.Header{"Authorization": {value}} }

func bearer(v *visit) {
	for _, scheme := range []string{"Bearer ", "bearer ", "BEARER "} {
		p := v.open(authorization(scheme+v.target.Token)).call("connect",
			object{"user_id": "user-123"})
		v.want(p, "user_id", "user-123")
		v.want(p, "role", "admin")
	}
	c := v.open(authorization("Bearer " + v.target.Token))
	c.refused("UNAUTHORIZED", notFirst, "health", nil) // the token alone does not connect
	c = v.open(authorization("Bearer wrong"))
	c.refused("UNAUTHORIZED", "invalid token", "connect", object{})
	c = v.open(authorization("Basic " + v.target.Token))
	c.unauthenticated(c.ask("connect", object{}))
}

func wrongToken(v *visit) {
	c := v.open(nil)
	right := v.target.Token
	// With one more below: a fifth wrong token would close the connection.
	wrong := []string{"wrong", right + "x", right[:len(right)-1]}
	if other := strings.ToUpper(right); other != right {
		wrong = append(wrong, other)
	}
	for _, token := range wrong {
		e := c.refused("UNAUTHORIZED", "invalid token", "connect", object{"token": token})
		if text := fmt.Sprint(e); strings.Contains(text, token) {
			v.fail("the error repeats the token: %s", text)
		}
		c.refused("UNAUTHORIZED", notFirst, "health", nil)
	}
	c.call("connect", object{"token": right})
	c.settle()
}

func fiveWrongTokens(v *visit) {
	c := v.open(nil)
	for range 4 {
		c.refused("UNAUTHORIZED", "invalid token", "connect", object{"token": "wrong"})
	}
	last := c.ask("connect", object{"token": "wrong"})
	after := c.ask("connect", object{"token": v.target.Token})
	c.refusal("UNAUTHORIZED", "invalid token", last)
	c.closed(1008, "")
	if c.answers[after] != nil {
		v.fail("the request after the fifth wrong token was answered")
	}
}

func tenWrongTokens(v *visit) {
	for range 5 {
		c := v.open(nil)
		for range 2 {
			c.refused("UNAUTHORIZED", "invalid token", "connect", object{"token": "wrong"})
		}
	}
	c := v.open(nil)
	for range 6 { // these refusals close no connection
		c.refused("RESOURCE_EXHAUSTED", "", "connect", object{"token": "wrong"})
	}
	// A right token of the address is accepted all the same.
	v.want(c.call("connect", object{"token": v.target.Token}), "role", "admin")
	c.settle()
}

// browser gets a device cookie in the way a page does.
func (v *visit) browser(body object) *http.Cookie {
	v.require(Cookies)
	r := v.post(body)
	if r.StatusCode != http.StatusNoContent {
		v.fail("POST /api/session: HTTP %d, want 204", r.StatusCode)
	}
	cookies := r.Cookies()
	if len(cookies) != 1 {
		v.fail("POST /api/session set %d cookies, want 1", len(cookies))
	}
	v.made.add(madeCookie, cookies[0].Name+"="+cookies[0].Value)
	return cookies[0]
}

// post makes a POST /api/session as a page of the gateway does.
func (v *visit) post(body object) *http.Response { return v.postAs(http.Header{}, body) }

// postAs is post of a page with that header, such as its cookie.
func (v *visit) postAs(h http.Header, body object) *http.Response {
	text, err := json.Marshal(body)
	v.must(err, "encode a body")
	h = h.Clone()
	h.Set("Content-Type", "application/json")
	h.Set("Origin", v.target.origin())
	h.Set("Sec-Fetch-Site", "same-origin")
	answer, _ := v.request(http.MethodPost, "/api/session", h, strings.NewReader(string(text)))
	return answer
}

// signOut makes a DELETE /api/session with a header.
func (v *visit) signOut(h http.Header) *http.Response {
	answer, _ := v.request(http.MethodDelete, "/api/session", h, nil)
	return answer
}

// cookieHeader is the header of the WebSocket of a page with the cookie.
func (v *visit) cookieHeader(cookie *http.Cookie) http.Header {
	return http.Header{"Cookie": {cookie.Name + "=" + cookie.Value}, "Origin": {v.target.origin()}}
}

func precedence(v *visit) {
	paired := v.pair("viewer", "")
	signedIn := v.browser(object{"token": v.target.Token})
	full := v.cookieHeader(signedIn)
	full.Set("Authorization", "Bearer "+v.target.Token)
	wrong := v.cookieHeader(signedIn)
	wrong.Set("Authorization", "Bearer wrong")
	unknown := "gd_" + strings.Repeat("A", 43)
	for _, row := range []struct {
		name   string
		header http.Header
		params object
		refuse string
		user   string
	}{
		{"a wrong token", full, object{"token": "wrong", "sender_id": paired.secret},
			"UNAUTHORIZED", ""},
		{"a wrong Authorization", wrong, object{"sender_id": paired.secret}, "UNAUTHORIZED", ""},
		{"a wrong sender_id", v.cookieHeader(signedIn), object{"sender_id": unknown}, "NOT_PAIRED",
			""},
		{"a right token first", wrong,
			object{"token": v.target.Token, "user_id": "someone",
				"sender_id": unknown}, "", "someone"},
		{"a right Authorization second", full,
			object{"user_id": "someone", "sender_id": paired.secret}, "", "someone"},
		{"a right sender_id third", v.cookieHeader(signedIn), object{"sender_id": paired.secret},
			"", paired.user},
		{"a cookie last", v.cookieHeader(signedIn), object{}, "", "admin"},
	} {
		c := v.open(row.header)
		if row.refuse != "" {
			c.refused(row.refuse, "", "connect", row.params)
			c.refused("UNAUTHORIZED", notFirst, "health", nil)
			continue
		}
		if user := v.text(c.call("connect", row.params), "user_id"); user != row.user {
			v.fail("%s: user %s, want %s", row.name, user, row.user)
		}
	}
}

func fixedIdentity(v *visit) {
	d := v.pair("viewer", "")
	p := v.open(nil).call("connect",
		object{"sender_id": d.secret, "user_id": "admin", "role": "admin"})
	v.want(p, "user_id", d.user)
	v.want(p, "role", "viewer")
	v.want(p, "sender_id", nil)
}

func unknownDevice(v *visit) {
	c := v.open(nil)
	for _, secret := range []string{"x", "gd_" + strings.Repeat("A", 43), v.name("user"),
		"user@host:1"} {
		e := c.refused("NOT_PAIRED", "", "connect", object{"sender_id": secret})
		v.want(e, "details.status", "unknown")
	}
	c.refused("UNAUTHORIZED", notFirst, "health", nil)
}

func unsupportedProtocol(v *visit) {
	c := v.open(nil)
	for _, version := range []int{1, 2, 4, 99, -1} {
		e := c.refused("FAILED_PRECONDITION", "3", "connect",
			object{"token": v.target.Token, "protocol": version})
		v.want(e, "details.supported", "3")
	}
	c.refused("INVALID_REQUEST", "protocol", "connect", object{"protocol": "3"})
	c.refused("UNAUTHORIZED", notFirst, "health", nil)
	c.call("connect", object{"token": v.target.Token, "protocol": 3})
}

func secondConnect(v *visit) {
	d := v.pair("", "")
	c := d.connect(v)
	for _, params := range []object{nil, {"token": v.target.Token}, {"token": "wrong"},
		{"sender_id": d.secret}} {
		c.refused("FAILED_PRECONDITION", "", "connect", params)
	}
	c.refused("UNAUTHORIZED", "requires admin", "device.pair.list", nil)
}

func userIDs(v *visit) {
	for _, user := range []string{strings.Repeat("u", 255), "a"} {
		v.want(v.open(nil).call("connect", object{"token": v.target.Token, "user_id": user}),
			"user_id", user)
	}
	c := v.open(nil)
	for _, user := range []string{strings.Repeat("u", 256), "line\nbreak", "nul\x00"} {
		c.refused("INVALID_REQUEST", "user_id", "connect",
			object{"token": v.target.Token, "user_id": user})
	}
}

func senderIDs(v *visit) {
	c := v.open(nil)
	for _, secret := range []string{strings.Repeat("s", 129), "-first", ".first", "with space",
		"umläut", "a/b", "a\n"} {
		c.refused("INVALID_REQUEST", "sender_id", "connect", object{"sender_id": secret})
	}
	c.refused("NOT_PAIRED", "", "connect", object{"sender_id": strings.Repeat("s", 128)})
}

func plainClient(v *visit) {
	c := v.open(nil)
	v.want(c.call("connect", object{"token": v.target.Token, "user_id": v.name("user")}),
		"protocol", 3)
	sent := c.call("chat.send", object{"message": "echo hello"})
	v.want(sent, "content", "hello")
	v.text(sent, "runId")
	v.number(sent, "usage.output_tokens")
	key := v.text(sent, "sessionKey")
	for _, e := range c.eventsUntil(key, ended) {
		if get(e, "payload.payload.html") != nil || get(e, "payload.message.html") != nil {
			v.fail("html for a client that did not ask for it: %v", e)
		}
	}
	v.want(c.call("chat.history", object{"sessionKey": key}), "messages.1.html", nil)
	c.call("chat.inject", object{"sessionKey": key, "message": "note", "label": "by hand"})
	v.want(c.call("chat.session.status", object{"sessionKey": key}), "isRunning", false)
	v.want(c.call("chat.abort", object{"sessionKey": key}), "aborted", false)
	c.call("sessions.delete", object{"key": key})
}

func manyCalls(v *visit) {
	c := v.open(nil)
	refused := 0
	for range 80 {
		if get(c.answer(c.ask("health", nil)), "error.code") == "RESOURCE_EXHAUSTED" {
			refused++
		}
	}
	if refused < 15 || refused > 20 { // meanwhile, the address gets some calls back
		v.fail("%d of 80 calls were refused, want 15 to 20", refused)
	}
	other := v.open(nil)
	other.refused("RESOURCE_EXHAUSTED", "", "connect", object{})
	other.refusedText("RESOURCE_EXHAUSTED", "", "{")
	for range 3 {
		v.must(other.ws.WriteFrame(binary("x")), "send")
		v.refusal("RESOURCE_EXHAUSTED", "", other.answer(""))
	}
	if v.changeAddress() {
		v.open(nil).refused("UNAUTHORIZED", notFirst, "health", nil)
	}
}

func manyPolls(v *visit) {
	c := v.open(nil)
	c.call("connect", object{})
	for range 80 {
		c.call("browser.pairing.status", nil)
	}
	c.refused("UNAUTHORIZED", notFirst, "health", nil)
}

func manyConnections(v *visit) {
	for range 100 {
		v.admin(v.name("user")) // one user may have fewer connections than an address
	}
	for _, c := range v.clients {
		c.settle()
	}
}
