package conformance

import (
	"fmt"
	"strings"
)

func sessions() []Row {
	const section = "Chat: sessions and system"
	return []Row{
		{Section: section, Demo: true, steps: ownership,
			Says: "every method checks that the session belongs to the caller; admins pass"},
		{Section: section, Demo: true, steps: leastRoles,
			Says: "least roles: viewer — health, status, agents.list, sessions.list/preview, " +
				"chat.history/session.status/replay; operator — chat.send/inject/abort/retry, " +
				"sessions.patch/delete/reset; admin — the rest"},
		{Section: section, Demo: true, steps: roleBeforeOwnership,
			Says: "role is checked before ownership"},
		{Section: section, Demo: true, steps: sessionsList,
			Says: "sessions.list {agentId?,query?,limit?,cursor?}: the caller's own"},
		{Section: section, Demo: true, steps: sessionsPreview,
			Says: "sessions.preview {sessionKey}"},
		{Section: section, Demo: true, steps: sessionsPatch,
			Says: "sessions.patch {sessionKey,label?,pinned?}; event session.updated"},
		{Section: section, Demo: true, steps: labels,
			Says: "labels: what scripts need is accepted, what hides or reorders is refused"},
		{Section: section, Demo: true, steps: sessionsReset,
			Says: "sessions.reset {key}: another epoch"},
		{Section: section, Says: "sessions.delete {key}", Demo: true, steps: sessionsDelete},
		{Section: section, Demo: true, steps: deletedWhileRunning,
			Says: "deleting or resetting a session ends its runs"},
		{Section: section, steps: health,
			Says: "health (anyone authenticated; lists clients only to admins)"},
		{Section: section, Says: "status, agents.list", steps: statusAndAgents},
		{Section: section, Demo: true, steps: namesOfV3,
			Says: "v3's names: sessions.list {channel,offset} with total, limit, offset, created, " +
				"updated, messageCount; sessions.preview/patch {key}; created_at in chat.history"},
		{Section: section, Demo: true, steps: noRunningAnswer,
			Says: "chat.history: no running answer for a client whose connect has neither client " +
				"nor resume"},
		{Section: section, steps: emptyLists,
			Says: "tenants.mine, teams.tasks.active-by-session, quota.usage, cron.list, " +
				"channels.status: results of their form"},
	}
}

func ownership(v *visit) {
	owner, other, admin := v.member("operator"), v.member("operator"), v.admin(v.name("user"))
	sent := owner.call("chat.send", object{"message": "echo secret words"})
	key := v.text(sent, "sessionKey")
	owner.settle()
	for name, params := range sessionCalls(key, v.text(sent, "runId")) {
		method, _, _ := strings.Cut(name, " ")
		e := other.refused("FORBIDDEN", "session does not belong to user", method, params)
		if text := fmt.Sprint(e); strings.Contains(text, "secret words") {
			v.fail("the refusal has words of the session: %s", text)
		}
		switch method {
		case "sessions.delete", "sessions.reset":
		case "chat.retry":
			admin.refused("FAILED_PRECONDITION", "", method, params) // the run has completed
		default:
			admin.call(method, params)
		}
	}
	// The key of one's own session gives no access to another user's run.
	mine := other.newSession("mine")
	other.refused("FORBIDDEN", "session does not belong to user", "chat.abort",
		object{"sessionKey": mine, "runId": sent["runId"]})
	other.refused("FORBIDDEN", "session does not belong to user", "chat.send",
		object{"sessionKey": key, "message": "echo x", "idempotencyKey": "k"})
	admin.call("sessions.reset", object{"key": key})
	admin.call("sessions.delete", object{"key": key})
}

func roleBeforeOwnership(v *visit) {
	key := v.member("operator").newSession("begin")
	v.member("viewer").refused("UNAUTHORIZED", "requires operator", "chat.inject",
		object{"sessionKey": key, "message": "x"})
}

// labels lists sessions, and returns their labels and the next page's cursor.
func (c *client) labels(params object) (labels []string, cursor any) {
	page := c.call("sessions.list", params)
	for _, s := range c.v.list(page, "sessions") {
		labels = append(labels, c.v.text(s.(object), "label"))
	}
	return labels, page["cursor"]
}

func sessionsList(v *visit) {
	c, other := v.member("operator"), v.member("operator")
	other.newSession("not mine")
	var keys []string
	for i := range 7 {
		key := c.newSession(fmt.Sprintf("%d", i))
		c.call("sessions.patch",
			object{"sessionKey": key, "label": fmt.Sprintf("100%% number_%d", i)})
		keys = append(keys, key)
	}
	c.call("sessions.patch", object{"sessionKey": keys[2], "pinned": true})
	want := "[2 6 5 4 3 1 0]"
	short := func(labels []string) (s []string) {
		for _, l := range labels {
			s = append(s, l[strings.LastIndexByte(l, '_')+1:])
		}
		return s
	}
	labels, cursor := c.labels(nil)
	if fmt.Sprint(short(labels)) != want || cursor != nil {
		v.fail("listed %v with cursor %v, want %s", labels, cursor, want)
	}
	var all []string
	params := object{"limit": 3}
	for {
		labels, cursor := c.labels(params)
		all = append(all, labels...)
		if cursor == nil {
			break
		}
		params["cursor"] = cursor
	}
	if fmt.Sprint(short(all)) != want {
		v.fail("listed by cursor %v, want %s", all, want)
	}
	for query, n := range map[string]int{"NUMBER_3": 1, "100%": 7, "_": 7, "%3": 0, "none": 0,
		"\\": 0} {
		if labels, _ := c.labels(object{"query": query}); len(labels) != n {
			v.fail("query %q finds %v, want %d", query, labels, n)
		}
	}
	if labels, _ := c.labels(object{"agentId": "no-such-agent"}); len(labels) != 0 {
		v.fail("an unknown agent has the sessions %v, want none", labels)
	}
	s := v.list(c.call("sessions.list", object{"limit": 1}), "sessions")[0].(object)
	for _, field := range []string{"key", "agentId", "userId", "epoch", "createdAt", "updatedAt"} {
		v.text(s, field)
	}
	v.want(s, "pinned", true)
	v.number(s, "lastSeq")
}

func sessionsPreview(v *visit) {
	c := v.admin(v.name("user"))
	key := c.newSession("begin")
	for i := range 20 {
		c.call("chat.inject", object{"sessionKey": key, "message": fmt.Sprintf("note %d", i)})
	}
	p := c.call("sessions.preview", object{"sessionKey": key})
	v.want(p, "session.key", key)
	messages := v.list(p, "messages")
	if n := len(messages); n == 0 || n > 20 || get(messages[n-1], "content") != "note 19" {
		v.fail("a preview has %d messages, want up to 20 that end with the newest", n)
	}
}

func sessionsPatch(v *visit) {
	user := v.name("user")
	a, b := v.admin(user), v.admin(user)
	key := a.newSession("begin")
	for _, change := range []object{{"label": "Gäste <b>"}, {"pinned": true},
		{"label": "both", "pinned": false}} {
		change["sessionKey"] = key
		p := a.call("sessions.patch", change)
		for _, c := range []*client{a, b} {
			e := c.eventWith("session.updated",
				func(e object) bool { return e["sessionKey"] == key && e["change"] == "patched" })
			v.want(e, "payload.session.label", get(p, "session.label"))
			v.want(e, "seq", v.number(p, "session.lastSeq"))
		}
		if label := change["label"]; label != nil {
			v.want(p, "session.label", label)
		}
		if change["pinned"] == true {
			v.want(p, "session.pinned", true)
		}
	}
	v.want(a.call("sessions.preview", object{"sessionKey": key}), "session.label", "both")
	a.refused("INVALID_REQUEST", "label", "sessions.patch",
		object{"sessionKey": key, "label": "  "})
	a.refused("NOT_FOUND", "", "sessions.patch", object{"sessionKey": v.name("none"), "label": "x"})
}

func labels(v *visit) {
	c := v.member("operator")
	key := c.newSession("begin")
	for _, label := range []string{
		"\U0001f469\u200d\U0001f4bb Code", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
		"\u845b\U000e0100", "10\u00a0km",
	} {
		c.call("sessions.patch", object{"sessionKey": key, "label": label})
	}
	for _, label := range []string{
		"safe\u202egpj.exe", "ad\u200bmin", "ad\u200dmin", "\u3164", "a\nb", "\u2066a",
	} {
		c.refused("INVALID_REQUEST", "label", "sessions.patch",
			object{"sessionKey": key, "label": label})
	}
	c.settle()
}

func sessionsReset(v *visit) {
	user := v.name("user")
	a, b := v.admin(user), v.admin(user)
	key := a.newSession("begin")
	before := a.call("chat.history", object{"sessionKey": key})
	p := a.call("sessions.reset", object{"key": key})
	if p := v.text(p, "session.epoch"); p == before["epoch"] {
		v.fail("the epoch is still %s after the reset", p)
	}
	for _, c := range []*client{a, b} {
		e := c.eventWith("session.updated", func(e object) bool { return e["change"] == "reset" })
		v.want(e, "seq", 1)
		v.want(e, "payload.session.epoch", get(p, "session.epoch"))
	}
	after := a.call("chat.history", object{"sessionKey": key})
	if len(v.list(after, "messages")) != 0 || v.number(after, "lastSeq") != 1 {
		v.fail("after the reset: %v", after)
	}
	v.want(a.call("chat.send", object{"sessionKey": key, "message": "echo anew"}), "content",
		"anew")
}

func sessionsDelete(v *visit) {
	user := v.name("user")
	a, b := v.admin(user), v.admin(user)
	key := a.newSession("begin")
	before := a.call("chat.history", object{"sessionKey": key})
	v.want(a.call("sessions.delete", object{"key": key}), "deleted", true)
	for _, c := range []*client{a, b} {
		e := c.eventWith("session.updated", func(e object) bool { return e["change"] == "deleted" })
		v.want(e, "payload.sessionKey", key)
	}
	for name, params := range sessionCalls(key, "run-none") {
		if method, _, more := strings.Cut(name, " "); !more && method != "chat.send" {
			a.refused("NOT_FOUND", "", method, params)
		}
	}
	if labels, _ := a.labels(nil); len(labels) != 0 {
		v.fail("a deleted session is listed: %v", labels)
	}
	a.call("chat.send", object{"sessionKey": key, "message": "echo again"})
	after := a.call("chat.history", object{"sessionKey": key})
	if after["epoch"] == before["epoch"] || len(v.list(after, "messages")) != 2 {
		v.fail("the new session of this key has %v, want another epoch and 2 messages", after)
	}
}

func deletedWhileRunning(v *visit) {
	for _, method := range []string{"sessions.delete", "sessions.reset"} {
		c := v.admin(v.name("user"))
		send := c.ask("chat.send", object{"message": "slow"})
		chunk := c.eventWith("agent", func(p object) bool { return p["type"] == "chunk" })
		key := get(chunk, "payload.sessionKey")
		waiting := c.ask("chat.send", object{"message": "echo never", "sessionKey": key})
		c.call(method, object{"key": key})
		for _, id := range []string{send, waiting} {
			c.answer(id) // one answer; any will do
		}
		v.want(c.call("chat.send", object{"message": "echo on", "sessionKey": key}), "content",
			"on")
		all, _ := c.transcript(fmt.Sprint(key), 50)
		if len(all) != 2 {
			v.fail("%s: %d messages, want 2", method, len(all))
		}
	}
}

func health(v *visit) {
	d := v.pair("operator", "")
	operator, admin := d.connect(v), v.admin("")
	p := operator.call("health", nil)
	v.want(p, "status", "ok")
	v.want(p, "protocol", 3)
	v.want(p, "clients", nil)
	v.number(p, "uptimeMs")
	p = admin.call("health", nil)
	own := v.entry(v.list(p, "clients"), "deviceId", d.id)
	for _, field := range []string{"id", "userId", "role", "address", "connectedAt"} {
		v.text(own, field)
	}
	if strings.Contains(fmt.Sprint(p), d.secret) ||
		strings.Contains(fmt.Sprint(p), v.target.Token) {
		v.fail("health shows a secret")
	}
}

func statusAndAgents(v *visit) {
	c := v.member("viewer")
	p := c.call("status", nil)
	v.text(p, "server.version")
	v.number(p, "connections")
	v.want(p, "store", "ok")
	for _, a := range v.list(p, "agents") {
		v.text(a.(object), "id")
	}
	if strings.Contains(fmt.Sprint(c.call("agents.list", nil)), "api_key") {
		v.fail("agents.list shows keys")
	}
}

func namesOfV3(v *visit) {
	c := v.admin(v.name("user"))
	key := c.newSession("first")
	c.newSession("second")
	list := c.call("sessions.list", object{"channel": "ws", "limit": 1, "offset": 1})
	v.want(list, "total", 2)
	v.want(list, "limit", 1)
	v.want(list, "offset", 1)
	v.want(list, "sessions.0.key", key)
	v.want(list, "sessions.0.channel", "ws")
	v.want(list, "sessions.0.messageCount", 2)
	for _, field := range []string{"created", "updated", "userID"} {
		v.text(list, "sessions.0."+field)
	}
	preview := c.call("sessions.preview", object{"key": key})
	v.want(preview, "key", key)
	v.want(preview, "summary", "")
	patched := c.call("sessions.patch", object{"key": key, "label": "new"})
	v.want(patched, "ok", true)
	v.want(patched, "key", key)
	v.text(c.call("chat.history", object{"sessionKey": key}), "messages.0.created_at")
}

func noRunningAnswer(v *visit) {
	user := v.name("user")
	c := v.admin(user)
	key := c.beginRun(object{})["sessionKey"]
	plain := v.open(nil)
	plain.send(`{"type":"req","id":"hello","method":"connect","params":{"token":` +
		quoted(v.target.Token) + `,"user_id":` + quoted(user) + `}}`)
	plain.payload("hello")
	history := plain.call("chat.history", object{"sessionKey": key})
	if n := len(v.list(history, "messages")); n != 1 {
		v.fail("chat.history has %d messages, want the question alone", n)
	}
	c.call("chat.abort", object{"sessionKey": key})
}

func emptyLists(v *visit) {
	c := v.member("viewer")
	for method, field := range map[string]string{
		"tenants.mine": "tenants", "teams.tasks.active-by-session": "tasks",
		"quota.usage": "entries", "cron.list": "jobs",
	} {
		v.list(c.call(method, object{"sessionKey": "any"}), field)
	}
	if _, ok := c.call("channels.status", nil)["channels"].(object); !ok {
		v.fail("channels.status has no channels")
	}
}
