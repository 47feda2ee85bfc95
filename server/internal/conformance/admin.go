package conformance

import (
	"fmt"
	"net/http"
	"strings"
)

func administration() []Row {
	const section = "Chat: sessions and system"
	return []Row{
		{Section: section, Demo: true, steps: everybodysSessions,
			Says: "sessions.list {userId|all}"},
		{Section: section, Says: "clients.list", steps: clientsList},
		{Section: section, Says: "clients.disconnect", Wait: quick, steps: clientsDisconnect},
		{Section: section, Says: "audit.list (admin)", steps: auditList},
		{Section: section, Demo: true, steps: leastAdmin,
			Says: "admin — the rest: sessions of others, clients, audit, config"},
	}
}

func rateLimiting() []Row {
	return []Row{
		{Section: "Rate limiting", steps: forgedAddress,
			Says: "addresses come from the socket; a forwarding header from anyone but a " +
				"trusted proxy is ignored"},
	}
}

func everybodysSessions(v *visit) {
	owner, other, admin := v.member("operator"), v.member("operator"), v.admin(v.name("user"))
	label := v.name("label")
	for _, c := range []*client{owner, other} {
		c.call("sessions.patch", object{"sessionKey": c.newSession("begin"), "label": label})
	}
	all := v.list(admin.call("sessions.list", object{"all": true, "query": label}), "sessions")
	if len(all) == 0 {
		panic(NotApplicable("this gateway has no all in sessions.list, an addition to v3"))
	}
	if len(all) != 2 {
		v.fail("%d sessions have the label, want 2", len(all))
	}
	user := v.text(all[0].(object), "userId")
	one := v.list(admin.call("sessions.list", object{"userId": user}), "sessions")
	if len(one) != 1 || get(one[0], "userId") != user {
		v.fail("sessions.list with userId gives %v, want the user's one session", one)
	}
	if mine := v.list(admin.call("sessions.list", nil), "sessions"); len(mine) > 0 {
		v.fail("sessions.list without params gives %v, want none: the admin has no session", mine)
	}
	admin.refused("INVALID_REQUEST", "userId", "sessions.list", object{"all": true, "userId": user})
}

// connectionOf finds a device's connection in clients.list.
func (c *client) connectionOf(d device) object {
	return c.v.entry(c.v.list(c.call("clients.list", nil), "clients"), "deviceId", d.id)
}

func clientsList(v *visit) {
	d, admin := v.pair("viewer", v.name("user")), v.admin(v.name("user"))
	d.connect(v)
	entry := admin.connectionOf(d)
	v.want(entry, "userId", d.user)
	v.want(entry, "role", "viewer")
	for _, field := range []string{"id", "address", "connectedAt"} {
		v.text(entry, field)
	}
	if text := fmt.Sprint(admin.call("clients.list", nil)); strings.Contains(text, d.secret) ||
		strings.Contains(text, v.target.Token) {
		v.fail("clients.list shows a secret")
	}
}

func clientsDisconnect(v *visit) {
	d, admin := v.pair("operator", v.name("user")), v.admin(v.name("user"))
	c := d.connect(v)
	id := admin.connectionOf(d)["id"]
	admin.call("clients.disconnect", object{"id": id})
	c.closed(1008, "disconnected by an admin")
	d.connect(v).settle() // the device may connect again
	admin.refused("NOT_FOUND", "", "clients.disconnect", object{"id": id})
}

func auditList(v *visit) {
	admin := v.admin(v.name("user"))
	d := v.pair("viewer", v.name("user"))
	entries := v.list(admin.call("audit.list", nil), "entries")
	i := 0
	for ; i < len(entries); i++ {
		if strings.Contains(fmt.Sprint(entries[i]), d.id) {
			break
		}
	}
	if i == len(entries) {
		v.fail("no entry is about the pairing of device %s", d.id)
	}
	entry := entries[i].(object)
	for _, field := range []string{"at", "userId", "via", "address", "action", "outcome"} {
		v.text(entry, field)
	}
	if text := fmt.Sprint(entries); strings.Contains(text, d.secret) ||
		strings.Contains(text, v.target.Token) {
		v.fail("the audit log shows a secret")
	}
}

func leastAdmin(v *visit) {
	operator := v.member("operator")
	for method, params := range map[string]object{
		"clients.list": nil, "clients.disconnect": {"id": "x"}, "audit.list": nil,
		"config.reload": nil, "sessions.list": {"all": true},
	} {
		operator.refused("UNAUTHORIZED", "requires admin", method, params)
	}
}

// forgedAddress sends a forged X-Forwarded-For header. If the gateway trusts this machine
// as a proxy, the header has the real address after the forged one, as a proxy would add
// it.
func forgedAddress(v *visit) {
	const claimed = "203.0.113.7"
	h := http.Header{"X-Forwarded-For": {claimed}}
	if v.target.Proxied {
		h.Set("X-Forwarded-For", claimed+", "+v.address.String())
	}
	user := v.name("user")
	c := v.open(h)
	c.call("connect", object{"token": v.target.Token, "user_id": user})
	own := v.entry(v.list(c.call("health", nil), "clients"), "userId", user)
	if address := v.text(own, "address"); address == claimed || v.target.Proxied &&
		address != v.address.String() {
		v.fail("the gateway takes the connection's address for %s", address)
	}
}
