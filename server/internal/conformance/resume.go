package conformance

import (
	"fmt"
	"strings"
	"time"
)

func resuming() []Row {
	const section = "Events: resume"
	return []Row{
		{Section: section, Demo: true, steps: resumed,
			Says: "connect {resume} → resumed [{sessionKey,status:\"live\",epoch,lastSeq}], in " +
				"the order asked"},
		{Section: section, Demo: true, steps: resumedInOrder,
			Says: "this res precedes replayed events; every event after afterSeq in order, " +
				"before live ones"},
		{Section: section, Demo: true, steps: resumedMidstream,
			Says: "a run goes on in mid-stream: no gap, no repeat"},
		{Section: section, Says: "reset: another epoch", Demo: true, steps: resumedAfterReset},
		{Section: section, Says: "reset: afterSeq > lastSeq", Demo: true, steps: resumedAhead},
		{Section: section, Demo: true, steps: resumedGone,
			Says: "gone: the session is no more, or never was"},
		{Section: section, Demo: true, steps: resumedForeign,
			Says: "gone: a session of somebody else"},
		{Section: section, Demo: true, steps: resumedWatch,
			Says: "an admin's cursor in somebody else's session watches it"},
		{Section: section, Demo: true, steps: resumedDevice,
			Says: "resume with a device credential"},
		{Section: section, Demo: true, steps: badCursors,
			Says: "bad cursors are INVALID_REQUEST, and the connection may try again"},
		{Section: section, Says: "at most 100 cursors", Demo: true, steps: manyCursors},
		{Section: section, Demo: true, steps: resumedFormatted,
			Says: "html of an answer that was missed in part"},
		{Section: section, Demo: true, steps: resumedThenGone,
			Says: "a session that is deleted or reset while it is followed: session.updated"},
		{Section: section, Demo: true, Wait: 90 * time.Second, steps: tickSessions,
			Says: "tick {sessions:{key:lastSeq}}"},
	}
}

// resume connects with the token as a user, with cursors. It returns the status of each.
func (v *visit) resume(user string, cursors ...object) (c *client, resumed []any) {
	c = v.open(nil)
	p := c.call("connect", object{"token": v.target.Token, "user_id": user, "resume": cursors})
	resumed = v.list(p, "resumed")
	if len(resumed) != len(cursors) {
		v.fail("%d of %d cursors were answered", len(resumed), len(cursors))
	}
	for i, cursor := range cursors {
		v.want(resumed[i].(object), "sessionKey", cursor["sessionKey"])
	}
	return c, resumed
}

// cursor returns a cursor after the event of that seq in the session's current log.
func (c *client) cursor(key string, after int64) object {
	return object{"sessionKey": key,
		"epoch": c.call("chat.history", object{"sessionKey": key})["epoch"], "afterSeq": after}
}

// contiguous fails unless the events are all that follow a seq.
func (v *visit) contiguous(events []object, after int64) {
	for _, e := range events {
		after++
		v.want(e, "seq", after)
	}
}

func resumed(v *visit) {
	user := v.name("user")
	c := v.admin(user)
	one, two := c.newSession("one"), c.newSession("two")
	last := v.number(c.call("chat.history", object{"sessionKey": one}), "lastSeq")
	back, at := v.resume(user, c.cursor(two, 2), c.cursor(one, last),
		object{"sessionKey": v.name("none"), "afterSeq": 0})
	for i, want := range []string{"live", "live", "gone"} {
		v.want(at[i].(object), "status", want)
	}
	for i, key := range []string{two, one} {
		history := c.call("chat.history", object{"sessionKey": key})
		v.want(at[i].(object), "epoch", history["epoch"])
		v.want(at[i].(object), "lastSeq", history["lastSeq"])
	}
	v.contiguous(back.eventsUntil(two, ended), 2)
	if events := back.received(one); len(events) > 0 {
		v.fail("no event was missed, but these came: %v", events)
	}
	c.call("chat.inject", object{"sessionKey": one, "message": "live"})
	v.want(back.event("chat"), "seq", last+1)
	// Without cursors, the answer has no resumed.
	v.want(v.open(nil).call("connect", object{"token": v.target.Token}), "resumed", nil)
}

func resumedInOrder(v *visit) {
	user := v.name("user")
	c := v.admin(user)
	key := v.text(c.call("chat.send", object{"message": "markdown"}), "sessionKey")
	for i := range 300 {
		c.call("chat.inject", object{"sessionKey": key, "message": fmt.Sprint("note ", i)})
	}
	all, _ := c.replay(key, 0, 2000)
	for _, after := range []int64{0, 1, int64(len(all)) / 2, int64(len(all)) - 1} {
		back := v.open(nil)
		id := back.ask("connect",
			object{"token": v.target.Token, "user_id": user,
				"resume": []object{c.cursor(key, after)}})
		for back.answers[id] == nil {
			back.read()
			if len(back.events) > 0 {
				v.fail("an event came before the answer: %v", back.events)
			}
		}
		c.call("chat.inject", object{"sessionKey": key, "message": "live"})
		last := int64(len(all)) + 1
		events := back.eventsUntil(key, func(e object) bool { return v.number(e, "seq") == last })
		v.contiguous(events, after)
		if got, want := fmt.Sprint(events[:len(events)-1]), fmt.Sprint(all[after:]); got != want {
			v.fail("after seq %d, the events are\n%s\nwant\n%s", after, got, want)
		}
		all = append(all, events[len(events)-1])
	}
}

func resumedMidstream(v *visit) {
	user := v.name("user")
	c := v.admin(user)
	first := c.beginRun(object{})
	key := v.text(first, "sessionKey")
	c.settle()
	after := int64(2)
	for range 4 { // reconnect several times while the answer is being written
		back, at := v.resume(user, c.cursor(key, after))
		v.want(at[0].(object), "status", "live")
		n := 0
		events := back.eventsUntil(key, func(object) bool { n++; return n == 5 })
		v.contiguous(events, after)
		after += 3 // as if the last two events were lost
		v.must(back.ws.Close(), "close")
	}
	back, _ := v.resume(user, c.cursor(key, after))
	c.call("chat.abort", object{"sessionKey": key})
	v.contiguous(back.eventsUntil(key, ended), after)
}

func resumedAfterReset(v *visit) {
	user := v.name("user")
	c := v.admin(user)
	key := c.newSession("begin")
	cursor := c.cursor(key, 2)
	c.call("sessions.reset", object{"key": key})
	c.call("chat.send", object{"sessionKey": key, "message": "echo anew"})
	back, at := v.resume(user, cursor)
	history := c.call("chat.history", object{"sessionKey": key})
	v.want(at[0].(object), "status", "reset")
	v.want(at[0].(object), "epoch", history["epoch"])
	v.want(at[0].(object), "lastSeq", history["lastSeq"])
	if events := back.received(key); len(events) > 0 {
		v.fail("events came although the status is reset: %v", events)
	}
	c.call("chat.inject", object{"sessionKey": key, "message": "live"})
	v.want(back.event("chat"), "seq", v.number(history, "lastSeq")+1)
}

func resumedAhead(v *visit) {
	user := v.name("user")
	c := v.admin(user)
	key := c.newSession("begin")
	last := v.number(c.call("chat.history", object{"sessionKey": key}), "lastSeq")
	for _, cursor := range []object{c.cursor(key, last+1),
		{"sessionKey": key, "afterSeq": last + 1}} {
		_, at := v.resume(user, cursor)
		v.want(at[0].(object), "status", "reset")
		v.want(at[0].(object), "lastSeq", last)
	}
}

func resumedGone(v *visit) {
	user := v.name("user")
	c := v.admin(user)
	key := c.newSession("begin")
	cursor := c.cursor(key, 1)
	c.call("sessions.delete", object{"key": key})
	later := v.name("later")
	back, at := v.resume(user, cursor, object{"sessionKey": later, "afterSeq": 0})
	for i := range at {
		v.want(at[i].(object), "status", "gone")
		v.want(at[i].(object), "epoch", nil)
	}
	// When such a session is created, the client gets its events from the first one on.
	for _, key := range []string{key, later} {
		c.call("chat.send", object{"sessionKey": key, "message": "echo anew"})
		v.contiguous(back.eventsUntil(key, ended), 0)
	}
}

func resumedForeign(v *visit) {
	owner, other := v.member("operator"), v.pair("operator", v.name("user"))
	key := owner.newSession("secret words")
	c := v.open(nil)
	p := c.call("connect", object{"sender_id": other.secret,
		"resume": []object{{"sessionKey": key, "afterSeq": 0}}})
	v.want(p, "resumed.0.status", "gone")
	v.want(p, "resumed.0.epoch", nil)
	v.want(p, "resumed.0.lastSeq", 0)
	owner.call("chat.inject", object{"sessionKey": key, "message": "more secret words"})
	if events := c.received(key); len(events) > 0 {
		v.fail("another user got %v", events)
	}
}

func resumedWatch(v *visit) {
	owner := v.member("operator")
	key := owner.newSession("begin")
	admin, at := v.resume(v.name("user"), object{"sessionKey": key, "afterSeq": 1})
	v.want(at[0].(object), "status", "live")
	v.contiguous(admin.eventsUntil(key, ended), 1)
	owner.call("chat.inject", object{"sessionKey": key, "message": "live"})
	v.want(admin.event("chat"), "seq", v.number(at[0].(object), "lastSeq")+1)
	admin.call("chat.unwatch", object{"sessionKey": key})
	owner.call("chat.inject", object{"sessionKey": key, "message": "unseen"})
	if events := admin.received(key); len(events) > 0 {
		v.fail("events came after chat.unwatch: %v", events)
	}
}

func resumedDevice(v *visit) {
	d := v.pair("viewer", v.name("user"))
	operator := v.pair("operator", d.user).connect(v)
	key := operator.newSession("begin")
	c := v.open(nil)
	p := c.call("connect", object{"sender_id": d.secret,
		"resume": []object{{"sessionKey": key, "afterSeq": 1}}})
	v.want(p, "resumed.0.status", "live")
	v.contiguous(c.eventsUntil(key, ended), 1)
}

func badCursors(v *visit) {
	c := v.open(nil)
	for words, cursors := range map[string][]object{
		"resume[0].sessionKey must be":  {{"afterSeq": 1}},
		"resume[1].sessionKey must be":  {{"sessionKey": "k"}, {"sessionKey": "a b"}},
		"resume[0].afterSeq must be":    {{"sessionKey": "k", "afterSeq": -1}},
		"resume[1].sessionKey is there": {{"sessionKey": "k"}, {"sessionKey": "k", "afterSeq": 3}},
		"resume":                        {{"sessionKey": "k", "afterSeq": "3"}},
	} {
		c.refused("INVALID_REQUEST", words, "connect",
			object{"token": v.target.Token, "resume": cursors})
		c.refused("UNAUTHORIZED", notFirst, "health", nil)
	}
	c.call("connect", object{"token": v.target.Token, "resume": []object{}})
	c.settle()
}

func manyCursors(v *visit) {
	user := v.name("user")
	c := v.admin(user)
	key := c.newSession("begin")
	var cursors []object
	for i := range 100 {
		cursors = append(cursors, object{"sessionKey": fmt.Sprint(key, ".", i), "afterSeq": 0})
	}
	cursors[70] = c.cursor(key, 1)
	back, at := v.resume(user, cursors...)
	for i := range at {
		v.want(at[i].(object), "status", map[bool]string{true: "live", false: "gone"}[i == 70])
	}
	v.contiguous(back.eventsUntil(key, ended), 1)
	full := v.open(nil)
	full.refused("INVALID_REQUEST", "at most 100 cursors", "connect",
		object{"token": v.target.Token, "resume": append(cursors, object{"sessionKey": "k"})})
}

func resumedFormatted(v *visit) {
	user := v.name("user")
	c := v.connectFormatted(user, object{})
	key := v.text(c.call("chat.send", object{"message": formattedAnswer}), "sessionKey")
	all := c.eventsUntil(key, ended)
	want := fmt.Sprint(get(c.call("chat.history", object{"sessionKey": key}),
		"messages.1.html.blocks"))
	for after := range all {
		back := v.connectFormatted(user, object{"resume": []object{c.cursor(key, int64(after))}})
		missed := back.eventsUntil(key, ended)
		v.contiguous(missed, int64(after))
		if got := fmt.Sprint(v.applyPatches(v.applyPatches(nil, all[:after]),
			missed)); got != want {
			v.fail("resumed after seq %d, the formatted answer is\n%s\nwant\n%s", after, got, want)
		}
	}
	plain, _ := v.resume(user, c.cursor(key, 0))
	if strings.Contains(fmt.Sprint(plain.eventsUntil(key, ended)), "html:") {
		v.fail("html for a client that did not ask for it")
	}
}

func resumedThenGone(v *visit) {
	user := v.name("user")
	c := v.admin(user)
	key := c.newSession("begin")
	back, _ := v.resume(user, c.cursor(key, 1))
	c.call("sessions.reset", object{"key": key})
	c.call("chat.inject", object{"sessionKey": key, "message": "anew"})
	c.call("sessions.delete", object{"key": key})
	log := back.eventsUntil(key,
		func(e object) bool { return get(e, "payload.change") == "deleted" })
	n := len(log)
	for i, want := range []any{1, 2, nil} {
		v.want(log[n-3+i], "seq", want)
	}
	v.want(log[n-3], "payload.change", "reset")
	v.want(log[n-2], "payload.message.content", "anew")
	if missed := log[:n-3]; len(missed) > 0 { // events that came before the reset
		v.contiguous(missed, 1)
	}
}

func tickSessions(v *visit) {
	user, d := v.name("user"), v.pair("operator", v.name("user"))
	c, owner := v.admin(user), d.connect(v)
	key, other := c.newSession("begin"), owner.newSession("begin")
	last := v.number(c.call("chat.history", object{"sessionKey": key}), "lastSeq")
	lastOther := v.number(owner.call("chat.history", object{"sessionKey": other}), "lastSeq")
	// One connection at a time: a connection that is not read would be closed.
	for _, row := range []struct {
		connect   func() *client
		key, none string
		last      int64
	}{
		{func() *client { return v.admin(user) }, key, other, last},
		{func() *client { return d.connect(v) }, other, key, lastOther},
		{func() *client {
			admin := v.admin(v.name("user"))
			admin.call("chat.watch", object{"sessionKey": other})
			return admin
		}, other, key, lastOther},
	} {
		c := row.connect()
		e := c.event("tick")
		v.want(e, "seq", nil)
		sessions, _ := get(e, "payload.sessions").(object)
		if sessions[row.key] != float64(row.last) || sessions[row.none] != nil {
			v.fail("a tick has %v, want %s at %d", e, row.key, row.last)
		}
		v.must(c.ws.Close(), "close")
	}
	c = v.admin(user)
	for range 2 { // a minute later, nothing has changed
		c.event("tick")
	}
	v.want(c.event("tick"), "payload.sessions", nil)
	c.call("chat.inject", object{"sessionKey": key, "message": "note"})
	if sessions, _ := get(c.event("tick"),
		"payload.sessions").(object); sessions[key] != float64(last+1) {
		v.fail("a tick has %v, want %d", sessions, last+1)
	}
}
