package conformance

import (
	"fmt"
	"strings"
	"time"
)

func events() []Row {
	const section = "Events"
	return []Row{
		{Section: section, Demo: true, steps: gaplessLog,
			Says: "every change to a session is one event with the session's next seq"},
		{Section: section, Demo: true, steps: sameForAll,
			Says: "sent to each connection that follows the session"},
		{Section: section, Says: "other users get nothing", Demo: true, steps: nothingForOthers},
		{Section: section, Demo: true, steps: agentEvents,
			Says: "agent: payload {type, sessionKey, agentId, runId, userId, channel:\"ws\", " +
				"payload}"},
		{Section: section, Says: "html (only for caps:[\"html\"])", Demo: true, steps: formatted},
		{Section: section, Says: "tick every 15 s", Wait: 45 * time.Second, steps: ticks},
	}
}

// ended reports whether the event is the end of a run.
func ended(e object) bool {
	switch get(e, "payload.type") {
	case "run.completed", "run.failed", "run.cancelled":
		return true
	}
	return false
}

func gaplessLog(v *visit) {
	c := v.admin(v.name("user"))
	sent := c.call("chat.send", object{"message": "echo one two three"})
	key := v.text(sent, "sessionKey")
	c.call("chat.inject", object{"sessionKey": key, "message": "note"})
	c.call("sessions.patch", object{"sessionKey": key, "label": "renamed"})
	log := c.eventsUntil(key, func(e object) bool { return get(e, "payload.change") == "patched" })
	var kinds []string
	for i, e := range log {
		v.want(e, "seq", i+1)
		kind := fmt.Sprint(get(e, "payload.type"), get(e, "payload.change"))
		if last := len(kinds) - 1; last < 0 || kinds[last] != kind {
			kinds = append(kinds, kind)
		}
	}
	want := []string{"<nil>created", "message<nil>", "run.started<nil>", "chunk<nil>",
		"run.completed<nil>", "message<nil>", "<nil>patched"}
	if got := strings.Join(kinds, " "); got != strings.Join(want, " ") {
		v.fail("the kinds of events are %s", got)
	}
	v.want(c.call("chat.history", object{"sessionKey": key}), "lastSeq", len(log))
}

func sameForAll(v *visit) {
	user := v.name("user")
	a, b := v.pair("operator", user).connect(v), v.pair("viewer", user).connect(v)
	sent := a.call("chat.send", object{"message": "markdown"})
	key := v.text(sent, "sessionKey")
	one, two := a.eventsUntil(key, ended), b.eventsUntil(key, ended)
	if fmt.Sprint(one) != fmt.Sprint(two) {
		v.fail("two connections of a user got %v\nand %v", one, two)
	}
}

func nothingForOthers(v *visit) {
	other, admin := v.member("operator"), v.admin(v.name("user"))
	c := v.member("operator")
	key := c.newSession("private words")
	c.call("sessions.patch", object{"sessionKey": key, "label": "private label"})
	c.call("sessions.delete", object{"key": key})
	for _, c := range []*client{other, admin} {
		c.settle()
		for _, e := range c.events {
			name := v.text(e, "event")
			forAdmins := c == admin &&
				(strings.HasPrefix(name, "device.") || strings.HasPrefix(name, "admin."))
			if name != "tick" && !forAdmins {
				v.fail("another user got %v", e)
			}
		}
	}
}

func agentEvents(v *visit) {
	user := v.name("user")
	c := v.admin(user)
	sent := c.call("chat.send", object{"message": "think"})
	key := v.text(sent, "sessionKey")
	text, seen := "", map[string]bool{}
	for _, e := range c.eventsUntil(key, ended) {
		if e["event"] != "agent" {
			continue
		}
		p := e["payload"].(object)
		v.want(p, "channel", "ws")
		v.want(p, "userId", user)
		v.want(p, "runId", sent["runId"])
		v.text(p, "agentId")
		kind := v.text(p, "type")
		seen[kind] = true
		switch kind {
		case "chunk":
			text += v.text(p, "payload.content")
		case "thinking":
			v.text(p, "payload.content")
		case "activity":
			v.text(p, "payload.phase")
		case "run.completed":
			v.want(p, "payload.content", text)
			v.text(p, "payload.messageId")
			v.number(p, "payload.usage.output_tokens")
		}
	}
	v.want(sent, "content", text)
	for _, kind := range []string{"run.started", "activity", "thinking", "chunk", "run.completed"} {
		if !seen[kind] {
			v.fail("there was no event of type %s", kind)
		}
	}
}

func formatted(v *visit) {
	user := v.name("user")
	plain, rich := v.admin(user), v.open(nil)
	rich.call("connect", object{"token": v.target.Token, "user_id": user,
		"client": object{"caps": []string{"html", "unknown"}}})
	sent := rich.call("chat.send", object{"message": "echo **bold** <script>alert(1)</script>"})
	key := v.text(sent, "sessionKey")
	var blocks []any
	for _, e := range rich.eventsUntil(key, ended) {
		if html, ok := get(e, "payload.payload.html").(object); ok {
			from := int(v.number(html, "from"))
			if from > len(blocks) {
				v.fail("html begins at block %d, but there are only %d blocks", from, len(blocks))
			}
			if more, ok := html["blocks"].([]any); ok {
				blocks = append(blocks[:from], more...)
			}
		}
	}
	text := fmt.Sprint(blocks)
	if !strings.Contains(text, "<strong>bold</strong>") || strings.Contains(text, "<script") {
		v.fail("the formatted answer is %s", text)
	}
	history := rich.call("chat.history", object{"sessionKey": key})
	if got := fmt.Sprint(get(history, "messages.1.html.blocks")); got != text {
		v.fail("the history has %s, the events gave %s", got, text)
	}
	if strings.Contains(fmt.Sprint(plain.eventsUntil(key, ended),
		plain.call("chat.history", object{"sessionKey": key})), "html:") {
		v.fail("html for a client that did not ask for it")
	}
}

func ticks(v *visit) {
	c := v.admin("")
	last := time.Time{}
	for range 3 {
		e := c.event("tick")
		v.want(e, "seq", nil)
		if now := time.Now(); !last.IsZero() &&
			(now.Sub(last) < 14*time.Second || now.Sub(last) > 16*time.Second) {
			v.fail("ticks %v apart, want 15 s", now.Sub(last))
		} else {
			last = now
		}
	}
}
