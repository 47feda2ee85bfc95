package conformance

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// pairingSection is the page's on pairing.
const pairingSection = "Browser pairing"

func pairing() []Row {
	const section = pairingSection
	return []Row{
		{Section: section, steps: pendingAnswer,
			Says: "connect without credentials → pending_pairing with a code and a sender_id"},
		{Section: section, steps: pendingMayPoll,
			Says: "until approval the connection may call browser.pairing.status and nothing else"},
		{Section: section, Says: "it answers for the caller's own request only", steps: ownStatus},
		{Section: section, steps: approvalEvent,
			Says: "the same connection is also told by event device.pair.resolved"},
		{Section: section, steps: deviceList,
			Says: "device.pair.list → {pending:[…],paired:[…]}: the public id, never the secret"},
		{Section: section, steps: findByCode,
			Says: "device.pair.list {code} finds a request by its code, as people type it"},
		{Section: section, steps: approveDefaults,
			Says: "approve: default role operator; default user a fresh user-…, never an " +
				"existing one"},
		{Section: section, steps: approveNamed,
			Says: "approve {code, userId, role, label} → {paired}"},
		{Section: section, Says: "the code is usable once", steps: codeOnce},
		{Section: section, steps: connectApproved,
			Says: "after approval the client calls connect {sender_id} on the same or a new " +
				"connection"},
		{Section: section, steps: reloadKeepsCode,
			Says: "a page reload while pending keeps its code"},
		{Section: section, steps: denied,
			Says: "deny {code} → {denied:true}; that credential gets NOT_PAIRED with " +
				"details.status denied"},
		{Section: section, Greedy: true, Wait: time.Minute, steps: deniedCoolDown,
			Says: "and new requests from its address RESOURCE_EXHAUSTED, for 60 s"},
		{Section: section, Says: "valid 60 minutes", Wait: time.Hour, steps: expired},
		{Section: section, Wait: time.Second, steps: revoked,
			Says: "revoke → {revoked:true} and every live connection of that device closes " +
				"(1008, \"pairing revoked\")"},
		{Section: section, steps: revokedBySender,
			Says: "senderId in admin methods is an alias of deviceId"},
		{Section: section, steps: revokedWhileWaiting,
			Says: "a waiting connection of a revoked device closes too"},
		{Section: section, steps: adminEvents,
			Says: "admins get device.pair.requested / device.pair.resolved; nobody else does"},
		{Section: section, Greedy: true, Wait: 3 * time.Minute, steps: threePending,
			Says: "at most 3 pending requests an address"},
		{Section: section, Says: "device.* is for admins", steps: deviceMethodsForAdmins},
		{Section: section, steps: browserCookie,
			Says: "POST /api/session sets the device cookie and answers 204"},
		{Section: section, steps: browserPlanted,
			Says: "POST /api/session keeps no credential that it did not issue"},
		{Section: section, steps: noPairing,
			Says: "connect {no_pairing: true} without a credential → UNAUTHORIZED, and no request"},
		{Section: section, steps: browserPairs,
			Says: "the pending request is bound to the cookie and sender_id is left out of the " +
				"answer"},
		{Section: section, steps: browserSignsOut,
			Says: "DELETE /api/session closes that credential's sockets"},
	}
}

var (
	codeForm   = regexp.MustCompile(`^[ABCDEFGHJKLMNPQRSTUVWXYZ23456789]{8}$`)
	senderForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:@-]*$`)
)

func pendingAnswer(v *visit) {
	p := v.open(nil).call("connect", object{})
	v.want(p, "protocol", 3)
	v.want(p, "status", "pending_pairing")
	if code := v.text(p, "pairing_code"); !codeForm.MatchString(code) {
		v.fail("the pairing_code is %q", code)
	}
	// 256 bits are 43 characters of base64.
	if secret := v.text(p, "sender_id"); !senderForm.MatchString(secret) || len(secret) > 128 ||
		len(secret) < 43 {
		v.fail("the sender_id is %q", secret)
	}
	until, err := time.Parse(time.RFC3339, v.text(p, "expires_at"))
	v.must(err, "read expires_at")
	if left := time.Until(until); left < 58*time.Minute || left > 61*time.Minute {
		v.fail("the code is valid for %v, want 60 min", left)
	}
	if v.number(p, "poll_interval_ms") < 500 {
		v.fail("poll_interval_ms is %v", p["poll_interval_ms"])
	}
	v.text(p, "server.name")
	for _, none := range []string{"role", "user_id", "limits"} {
		v.want(p, none, nil)
	}
	if again := v.open(nil).call("connect", object{}); again["pairing_code"] == p["pairing_code"] ||
		again["sender_id"] == p["sender_id"] {
		v.fail("two requests for pairing have the same code or secret")
	}
}

func pendingMayPoll(v *visit) {
	c := v.open(nil)
	c.refused("UNAUTHORIZED", notFirst, "browser.pairing.status", nil)
	c.call("connect", object{})
	for _, m := range methods() {
		c.refused("UNAUTHORIZED", notFirst, m.name, object{"sessionKey": "k", "message": "x"})
	}
	v.want(c.call("browser.pairing.status", nil), "status", "pending")
}

func ownStatus(v *visit) {
	a, b := v.open(nil), v.open(nil)
	asked := a.call("connect", object{})
	b.call("connect", object{})
	v.admin("").call("device.pair.approve", object{"code": asked["pairing_code"]})
	v.want(a.call("browser.pairing.status", nil), "status", "approved")
	for _, params := range []object{nil, {"sender_id": asked["sender_id"]},
		{"code": asked["pairing_code"], "pairing_code": asked["pairing_code"]}} {
		p := b.call("browser.pairing.status", params)
		v.want(p, "status", "pending")
		v.text(p, "expires_at")
	}
}

func approvalEvent(v *visit) {
	c := v.open(nil)
	asked := c.call("connect", object{})
	v.admin("").call("device.pair.approve", object{"code": asked["pairing_code"]})
	e := c.event("device.pair.resolved")
	v.want(e, "payload.status", "approved")
	v.want(e, "seq", nil)
	if text := fmt.Sprint(e); strings.Contains(text, v.text(asked, "sender_id")) ||
		strings.Contains(text, "userId") {
		v.fail("the event shows the secret or the user: %s", text)
	}
}

// entry finds the object in a list whose field has the value.
func (v *visit) entry(list []any, field string, value any) object {
	for _, d := range list {
		if get(d, field) == value {
			return d.(object)
		}
	}
	v.fail("no entry with %s %v among %d", field, value, len(list))
	return nil
}

func deviceList(v *visit) {
	const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	c := v.open(http.Header{"User-Agent": {firefox}})
	asked := c.call("connect", object{"device_name": "Kitchen tablet"})
	admin := v.admin("")
	list := admin.call("device.pair.list", nil)
	pending := v.entry(v.list(list, "pending"), "code", asked["pairing_code"])
	for _, field := range []string{"deviceId", "address", "userAgent", "createdAt", "expiresAt"} {
		v.text(pending, field)
	}
	v.want(pending, "deviceName", "Kitchen tablet")
	if v.target.Proxied {
		v.want(pending, "address", v.address.String())
	}
	admin.call("device.pair.approve", object{"code": asked["pairing_code"]})
	after := admin.call("device.pair.list", nil)
	paired := v.entry(v.list(after, "paired"), "deviceId", pending["deviceId"])
	for _, field := range []string{"userId", "role", "deviceName", "address", "userAgent",
		"createdAt", "lastSeenAt"} {
		v.text(paired, field)
	}
	for _, d := range v.list(after, "pending") {
		if get(d, "deviceId") == pending["deviceId"] {
			v.fail("an approved device is still pending")
		}
	}
	if text := fmt.Sprint(list, after); strings.Contains(text, v.text(asked, "sender_id")) {
		v.fail("a list shows the secret")
	}
}

func findByCode(v *visit) {
	asked := v.open(nil).call("connect", object{})
	code := v.text(asked, "pairing_code")
	admin := v.admin("")
	for _, typed := range []string{code, strings.ToLower(code), code[:4] + " " + code[4:]} {
		found := v.list(admin.call("device.pair.list", object{"code": typed}), "pending")
		if len(found) != 1 || get(found[0], "code") != code {
			v.fail("%q finds %d requests", typed, len(found))
		}
	}
	if found := v.list(admin.call("device.pair.list", object{"code": "AAAAAAAA"}), "pending"); len(found) > 0 {
		v.fail("an unknown code finds %d requests", len(found))
	}
}

func noPairing(v *visit) {
	v.open(nil).refused("UNAUTHORIZED", "", "connect", object{"no_pairing": true})
}

func approveDefaults(v *visit) {
	users := map[string]bool{}
	for range 3 {
		d := v.pair("", "")
		if !strings.HasPrefix(d.user, "user-") || users[d.user] {
			v.fail("the user is %q, want a new one that begins with user-", d.user)
		}
		users[d.user] = true
		v.want(v.open(nil).call("connect", object{"sender_id": d.secret}), "role", "operator")
	}
}

func approveNamed(v *visit) {
	user := v.name("user")
	for _, role := range []string{"viewer", "operator", "admin"} {
		c := v.open(nil)
		asked := c.call("connect", object{})
		paired := v.admin("").call("device.pair.approve", object{
			"code": asked["pairing_code"], "userId": user, "role": role, "label": "Zoë's " + role})
		v.want(paired, "paired.userId", user)
		v.want(paired, "paired.role", role)
		v.want(paired, "paired.label", "Zoë's "+role)
		p := c.call("connect", object{"sender_id": asked["sender_id"]})
		v.want(p, "user_id", user)
		v.want(p, "role", role)
	}
}

func codeOnce(v *visit) {
	asked := v.open(nil).call("connect", object{})
	code := object{"code": asked["pairing_code"]}
	admin := v.admin("")
	first, second := admin.ask("device.pair.approve", code), admin.ask("device.pair.approve", code)
	third := admin.ask("device.pair.deny", code)
	admin.payload(first)
	admin.refusal("FAILED_PRECONDITION", "", second)
	admin.refusal("FAILED_PRECONDITION", "", third)
	admin.refused("NOT_FOUND", "", "device.pair.approve", object{"code": "AAAAAAAA"})
	admin.refused("NOT_FOUND", "", "device.pair.deny", object{"code": "AAAAAAAA"})
}

func connectApproved(v *visit) {
	c := v.open(nil)
	asked := c.call("connect", object{})
	secret := object{"sender_id": asked["sender_id"]}
	v.want(c.call("connect", secret), "status", "pending_pairing")
	paired := v.admin("").call("device.pair.approve", object{"code": asked["pairing_code"]})
	for _, c := range []*client{c, v.open(nil), v.open(nil)} {
		p := c.call("connect", secret)
		v.want(p, "user_id", get(paired, "paired.userId"))
		v.want(p, "role", "operator")
		c.settle()
	}
}

func reloadKeepsCode(v *visit) {
	c := v.open(nil)
	asked := c.call("connect", object{})
	v.must(c.ws.Close(), "close")
	for range 5 {
		again := v.open(nil).call("connect", object{"sender_id": asked["sender_id"]})
		for _, same := range []string{"status", "pairing_code", "sender_id", "expires_at"} {
			v.want(again, same, asked[same])
		}
	}
}

func denied(v *visit) {
	c := v.open(nil)
	asked := c.call("connect", object{})
	admin := v.admin("")
	v.want(admin.call("device.pair.deny", object{"code": asked["pairing_code"]}), "denied", true)
	v.want(c.event("device.pair.resolved"), "payload.status", "denied")
	v.want(c.call("browser.pairing.status", nil), "status", "denied")
	for _, c := range []*client{c, v.open(nil)} {
		e := c.refused("NOT_PAIRED", "", "connect", object{"sender_id": asked["sender_id"]})
		v.want(e, "details.status", "denied")
	}
	admin.refused("FAILED_PRECONDITION", "", "device.pair.approve",
		object{"code": asked["pairing_code"]})
}

func deniedCoolDown(v *visit) {
	asked := v.open(nil).call("connect", object{})
	admin := v.admin("")
	admin.call("device.pair.deny", object{"code": asked["pairing_code"]})
	e := v.open(nil).refused("RESOURCE_EXHAUSTED", "denied", "connect", object{})
	if after := v.number(e, "retryAfterMs"); after > 60_000 {
		v.fail("retryAfterMs is %d, want at most 60000", after)
	}
	own := v.address
	if v.changeAddress() {
		v.open(nil).call("connect", object{})
	}
	v.address = own
	v.wait(61 * time.Second)
	v.open(nil).call("connect", object{})
	e = v.open(nil).refused("NOT_PAIRED", "", "connect", object{"sender_id": asked["sender_id"]})
	v.want(e, "details.status", "denied")
}

func expired(v *visit) {
	c := v.open(nil)
	asked := c.call("connect", object{})
	c.readFor(59 * time.Minute)
	v.want(c.call("browser.pairing.status", nil), "status", "pending")
	c.readFor(61 * time.Second)
	v.want(c.call("browser.pairing.status", nil), "status", "expired")
	e := v.open(nil).refused("NOT_PAIRED", "", "connect", object{"sender_id": asked["sender_id"]})
	v.want(e, "details.status", "expired")
	admin := v.admin("")
	admin.refused("FAILED_PRECONDITION", "expired", "device.pair.approve",
		object{"code": asked["pairing_code"]})
	for _, d := range v.list(admin.call("device.pair.list", nil), "pending") {
		if get(d, "code") == asked["pairing_code"] {
			v.fail("an expired request is listed as pending")
		}
	}
	v.open(nil).call("connect", object{})
}

func revoked(v *visit) {
	d, other := v.pair("", ""), v.pair("", "")
	a, b, bystander := d.connect(v), d.connect(v), other.connect(v)
	admin := v.admin("")
	start := time.Now()
	v.want(admin.call("device.pair.revoke", object{"deviceId": d.id, "channel": "ws"}), "revoked",
		true)
	for _, c := range []*client{a, b} {
		c.closed(1008, "pairing revoked")
	}
	if took := time.Since(start); took > time.Second {
		v.fail("closed after %v, want at most a second", took)
	}
	e := v.open(nil).refused("NOT_PAIRED", "", "connect", object{"sender_id": d.secret})
	v.want(e, "details.status", "revoked")
	v.want(admin.call("device.pair.revoke", object{"deviceId": d.id}), "revoked", true)
	admin.refused("NOT_FOUND", "", "device.pair.revoke", object{"deviceId": "dev-none"})
	bystander.settle()
	for _, p := range v.list(admin.call("device.pair.list", nil), "paired") {
		if get(p, "deviceId") == d.id {
			v.fail("a revoked device is listed as paired")
		}
	}
}

func revokedBySender(v *visit) {
	d := v.pair("", "")
	c := d.connect(v)
	admin := v.admin("")
	// The alias takes the public id, not the secret.
	admin.refused("NOT_FOUND", "", "device.pair.revoke",
		object{"senderId": d.secret, "channel": "browser"})
	c.settle()
	admin.call("device.pair.revoke", object{"senderId": d.id, "channel": "browser"})
	c.closed(1008, "pairing revoked")
}

func revokedWhileWaiting(v *visit) {
	c := v.open(nil)
	asked := c.call("connect", object{})
	admin := v.admin("")
	paired := admin.call("device.pair.approve", object{"code": asked["pairing_code"]})
	admin.call("device.pair.revoke", object{"deviceId": get(paired, "paired.deviceId")})
	c.closed(1008, "pairing revoked")
}

func adminEvents(v *visit) {
	admin, operator := v.admin(v.name("user")), v.member("operator")
	c := v.open(nil)
	asked := c.call("connect", object{"device_name": "Bob's laptop"})
	e := admin.eventWith("device.pair.requested",
		func(p object) bool { return p["code"] == asked["pairing_code"] })
	v.want(e, "payload.deviceName", "Bob's laptop")
	v.want(e, "seq", nil)
	paired := v.admin("").call("device.pair.approve", object{"code": asked["pairing_code"]})
	e = admin.eventWith("device.pair.resolved",
		func(p object) bool { return p["code"] == asked["pairing_code"] })
	v.want(e, "payload.status", "approved")
	v.want(e, "payload.paired.userId", get(paired, "paired.userId"))
	if text := fmt.Sprint(e); strings.Contains(text, v.text(asked, "sender_id")) {
		v.fail("the event shows the secret")
	}
	operator.settle()
	for _, e := range operator.events {
		if strings.HasPrefix(v.text(e, "event"), "device.") {
			v.fail("an operator got the event %v", e)
		}
	}
}

func threePending(v *visit) {
	var all []*client
	for range 3 {
		c := v.open(nil)
		c.call("connect", object{})
		all = append(all, c)
	}
	v.open(nil).refused("RESOURCE_EXHAUSTED", "3 pairings", "connect", object{})
	for _, c := range all[1:] {
		v.must(c.ws.Close(), "close")
	}
	// A request counts only if its requester was seen within the last 2 minutes.
	for range 5 {
		all[0].readFor(25 * time.Second)
		v.want(all[0].call("browser.pairing.status", nil), "status", "pending")
	}
	for range 2 {
		v.open(nil).call("connect", object{})
	}
	v.open(nil).refused("RESOURCE_EXHAUSTED", "3 pairings", "connect", object{})
}

func deviceMethodsForAdmins(v *visit) {
	asked := v.open(nil).call("connect", object{})
	d := v.pair("operator", "")
	for _, c := range []*client{v.member("viewer"), d.connect(v)} {
		c.refused("UNAUTHORIZED", "permission denied: device.pair.list requires admin",
			"device.pair.list", nil)
		c.refused("UNAUTHORIZED", "requires admin", "device.pair.approve",
			object{"code": asked["pairing_code"]})
		c.refused("UNAUTHORIZED", "requires admin", "device.pair.deny",
			object{"code": asked["pairing_code"]})
		c.refused("UNAUTHORIZED", "requires admin", "device.pair.revoke", object{"deviceId": d.id})
	}
	v.pair("admin", "").connect(v).call("device.pair.approve",
		object{"code": asked["pairing_code"]})
}

func browserCookie(v *visit) {
	cookie := v.browser(object{})
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Path != "/" ||
		len(cookie.Value) < 43 || cookie.MaxAge <= 0 {
		v.fail("the cookie is %v", cookie)
	}
	if r := v.post(object{"token": "wrong"}); r.StatusCode != http.StatusUnauthorized ||
		len(r.Cookies()) > 0 {
		v.fail("POST with a wrong token: HTTP %d and %d cookies, want 401 and none", r.StatusCode,
			len(r.Cookies()))
	}
}

func browserPlanted(v *visit) {
	cookie := v.browser(object{})
	planted := *cookie // #nosec G124 -- it is sent to the gateway, not set in a browser
	planted.Value = planted.Value[:3] + strings.Repeat("A", len(planted.Value)-3)
	for _, c := range []*http.Cookie{cookie, &planted} {
		answer := v.postAs(v.cookieHeader(c), object{})
		for _, set := range answer.Cookies() {
			v.made.add(madeCookie, set.Name+"="+set.Value)
			if set.Value == planted.Value {
				v.fail("the planted credential is kept")
			}
		}
	}
	v.open(v.cookieHeader(&planted)).refused("NOT_PAIRED", "", "connect", object{})
}

func browserPairs(v *visit) {
	cookie := v.browser(object{})
	c := v.open(v.cookieHeader(cookie))
	asked := c.call("connect", object{})
	v.want(asked, "status", "pending_pairing")
	v.want(asked, "sender_id", nil)
	again := v.open(v.cookieHeader(cookie)).call("connect", object{})
	v.want(again, "pairing_code", asked["pairing_code"])
	v.want(again, "sender_id", nil)
	admin := v.admin("")
	paired := admin.call("device.pair.approve", object{"code": asked["pairing_code"]})
	v.want(c.event("device.pair.resolved"), "payload.status", "approved")
	for _, c := range []*client{c, v.open(v.cookieHeader(cookie))} {
		p := c.call("connect", object{})
		v.want(p, "user_id", get(paired, "paired.userId"))
		v.want(p, "sender_id", nil)
	}
	foreign := v.cookieHeader(cookie)
	foreign.Del("Origin")
	v.want(v.open(foreign).call("connect", object{}), "user_id", get(paired, "paired.userId"))
	admin.call("device.pair.revoke", object{"deviceId": get(paired, "paired.deviceId")})
	c.closed(1008, "pairing revoked")
	e := v.open(v.cookieHeader(cookie)).refused("NOT_PAIRED", "", "connect", object{})
	v.want(e, "details.status", "revoked")
}

func browserSignsOut(v *visit) {
	cookie := v.browser(object{"token": v.target.Token})
	c := v.open(v.cookieHeader(cookie))
	v.want(c.call("connect", object{}), "role", "admin")
	answer := v.signOut(v.cookieHeader(cookie))
	if cookies := answer.Cookies(); answer.StatusCode != http.StatusNoContent ||
		len(cookies) != 1 || cookies[0].MaxAge >= 0 {
		v.fail("DELETE /api/session: HTTP %d, cookies %v", answer.StatusCode, cookies)
	}
	c.closed(1008, "signed out")
	v.open(v.cookieHeader(cookie)).refused("NOT_PAIRED", "", "connect", object{})
}
