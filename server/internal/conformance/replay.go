package conformance

import (
	"fmt"
	"slices"
	"strings"
)

func replaying() []Row {
	const section = "Chat: replay and watch"
	return []Row{
		{Section: section, Demo: true, steps: replayed,
			Says: "chat.replay {sessionKey, afterSeq, limit?} → {events, lastSeq, reset}"},
		{Section: section, Demo: true, steps: replayedAsSent,
			Says: "chat.replay: the events are those that followers got"},
		{Section: section, Demo: true, steps: replayedLarge,
			Says: "chat.replay: pages end early so that the frame fits"},
		{Section: section, Demo: true, steps: replayReset,
			Says: "chat.replay: reset for another epoch, and for an afterSeq ahead of the log"},
		{Section: section, Demo: true, steps: replayFormatted,
			Says: "chat.replay: html for caps:[\"html\"]"},
		{Section: section, Demo: true, steps: replayRefused,
			Says: "chat.replay: bad params are INVALID_REQUEST, an unknown session is NOT_FOUND"},
		{Section: section, Demo: true, steps: watched,
			Says: "chat.watch: an admin follows a session live"},
		{Section: section, Demo: true, steps: watchedFrom,
			Says: "chat.watch: from after afterSeq, where that is given"},
		{Section: section, Demo: true, steps: watchedOwn,
			Says: "chat.watch: its owner's connections follow theirs without asking"},
		{Section: section, Says: "chat.unwatch ends that", Demo: true, steps: unwatched},
	}
}

// replay reads a log from after a seq to its end, page by page.
func (c *client) replay(key any, after int64, limit int) (events []object, pages int) {
	for {
		page := c.call("chat.replay", object{"sessionKey": key, "afterSeq": after, "limit": limit})
		c.v.want(page, "reset", false)
		part := c.v.list(page, "events")
		for _, e := range part {
			e := e.(object)
			after++
			c.v.want(e, "type", "event")
			c.v.want(e, "seq", after)
			events = append(events, e)
		}
		pages++
		if after == c.v.number(page, "lastSeq") {
			return events, pages
		}
		if len(part) == 0 || len(part) > limit {
			c.v.fail("a page of %d events, with a limit of %d, before the end", len(part), limit)
		}
	}
}

func replayed(v *visit) {
	c := v.admin(v.name("user"))
	key := c.newSession("one two three")
	history := c.call("chat.history", object{"sessionKey": key})
	last := v.number(history, "lastSeq")
	page := c.call("chat.replay", object{"sessionKey": key, "afterSeq": 0})
	v.want(page, "sessionKey", key)
	v.want(page, "epoch", history["epoch"])
	v.want(page, "lastSeq", last)
	v.want(page, "reset", false)
	if n := len(v.list(page, "events")); int64(n) != last {
		v.fail("%d events, want %d", n, last)
	}
	page = c.call("chat.replay",
		object{"sessionKey": key, "epoch": history["epoch"], "afterSeq": last - 1})
	v.want(page, "events.0.seq", last)
	v.want(page, "events.1", nil)
	if n := len(v.list(c.call("chat.replay", object{"sessionKey": key, "afterSeq": last}),
		"events")); n != 0 {
		v.fail("%d events after the last one, want none", n)
	}
	if all, pages := c.replay(key, 0, 2); int64(len(all)) != last || pages < 3 {
		v.fail("%d events in %d pages", len(all), pages)
	}
	for range 600 { // more than the default limit of a page
		c.ask("chat.inject", object{"sessionKey": key, "message": "note"})
	}
	c.eventsUntil(key, func(e object) bool { return v.number(e, "seq") == last+600 })
	for limit, want := range map[int]int{0: 500, 600: 600, 100_000: 600} {
		params := object{"sessionKey": key, "afterSeq": last}
		if limit > 0 {
			params["limit"] = limit
		}
		if n := len(v.list(c.call("chat.replay", params), "events")); n != want {
			v.fail("%d events with limit %d, want %d", n, limit, want)
		}
	}
}

func replayedAsSent(v *visit) {
	c := v.admin(v.name("user"))
	key := v.text(c.call("chat.send", object{"message": "think"}), "sessionKey")
	c.call("sessions.patch", object{"sessionKey": key, "label": "renamed"})
	sent := c.eventsUntil(key, func(e object) bool { return get(e, "payload.change") == "patched" })
	if all, _ := c.replay(key, 0, 7); fmt.Sprint(all) != fmt.Sprint(sent) {
		v.fail("the events sent were\n%v\nthose replayed\n%v", sent, all)
	}
}

func replayedLarge(v *visit) {
	c := v.admin(v.name("user"))
	key := c.newSession("begin")
	before := v.number(c.call("chat.history", object{"sessionKey": key}), "lastSeq")
	for i := range 5 {
		c.call("chat.inject", object{"sessionKey": key,
			"message": fmt.Sprint(i, strings.Repeat("y", 200<<10))})
	}
	large := strings.Repeat("\x01", 79<<10) // 474 KiB as JSON
	c.call("chat.inject", object{"sessionKey": key, "message": large})
	all, pages := c.replay(key, before, 100)
	if len(all) != 6 || pages < 4 {
		v.fail("%d events, about %d KiB, in %d pages, want 6 in at least 4", len(all), 6*200, pages)
	}
}

func replayReset(v *visit) {
	c := v.admin(v.name("user"))
	key := c.newSession("begin")
	before := c.call("chat.history", object{"sessionKey": key})
	ahead := object{"sessionKey": key, "epoch": before["epoch"],
		"afterSeq": v.number(before, "lastSeq") + 1}
	c.call("sessions.reset", object{"key": key})
	c.newSession("another session")
	now := c.call("chat.history", object{"sessionKey": key})
	for _, params := range []object{
		ahead,
		{"sessionKey": key, "epoch": before["epoch"], "afterSeq": 1},
		{"sessionKey": key, "afterSeq": 100},
	} {
		page := c.call("chat.replay", params)
		v.want(page, "reset", true)
		v.want(page, "epoch", now["epoch"])
		v.want(page, "lastSeq", now["lastSeq"])
		if len(v.list(page, "events")) != 0 {
			v.fail("an answer with reset true has events")
		}
	}
}

// applyPatches applies the patches in events to the blocks that are shown.
func (v *visit) applyPatches(blocks []any, events []object) []any {
	for _, e := range events {
		html, ok := get(e, "payload.payload.html").(object)
		if !ok {
			continue
		}
		more, _ := html["blocks"].([]any)
		if len(more) == 0 {
			continue // no html, or text to append to a code block, which these answers do not have
		}
		from := int(v.number(html, "from"))
		if from > len(blocks) {
			v.fail("html begins at block %d, but there are only %d blocks", from, len(blocks))
		}
		blocks = append(slices.Clone(blocks[:from]), more...)
	}
	return blocks
}

// connectFormatted connects as the user, with the token, and asks for formatted text.
func (v *visit) connectFormatted(user string, params object) *client {
	c := v.open(nil)
	params["token"], params["user_id"] = v.target.Token, user
	params["client"] = object{"caps": []string{"html"}}
	c.call("connect", params)
	return c
}

const formattedAnswer = "echo **bold** and `code`, then\n\n- a list\n- of *two*\n\nand <b>more</b>"

func replayFormatted(v *visit) {
	user := v.name("user")
	plain, rich := v.admin(user), v.connectFormatted(user, object{})
	key := v.text(plain.call("chat.send", object{"message": formattedAnswer}), "sessionKey")
	want := fmt.Sprint(get(rich.call("chat.history", object{"sessionKey": key}),
		"messages.1.html.blocks"))
	for _, limit := range []int{1, 3, 100} {
		all, _ := rich.replay(key, 0, limit)
		if got := fmt.Sprint(v.applyPatches(nil, all)); got != want {
			v.fail("replayed in pages of %d, the formatted answer is %s, want %s", limit, got, want)
		}
	}
	if all, _ := plain.replay(key, 0, 100); strings.Contains(fmt.Sprint(all), "html:") {
		v.fail("html for a client that did not ask for it")
	}
}

func replayRefused(v *visit) {
	c := v.admin(v.name("user"))
	key := c.newSession("begin")
	for field, params := range map[string]object{
		"sessionKey": {"sessionKey": "a b", "afterSeq": 0},
		"afterSeq":   {"sessionKey": key, "afterSeq": -1},
		"limit":      {"sessionKey": key, "afterSeq": 0, "limit": 0},
		"params":     {"sessionKey": key, "afterSeq": "1"},
	} {
		c.refused("INVALID_REQUEST", field, "chat.replay", params)
	}
	c.refused("INVALID_REQUEST", "afterSeq", "chat.watch",
		object{"sessionKey": key, "afterSeq": -1})
	c.refused("INVALID_REQUEST", "sessionKey", "chat.watch", object{"sessionKey": ""})
	c.refused("INVALID_REQUEST", "sessionKey", "chat.unwatch", object{"sessionKey": ""})
	for _, method := range []string{"chat.replay", "chat.watch"} {
		c.refused("NOT_FOUND", "", method, object{"sessionKey": v.name("none"), "afterSeq": 0})
	}
}

// received returns the session's events that were received and not read by the row.
func (c *client) received(key string) (events []object) {
	c.settle()
	for _, e := range c.events {
		if get(e, "payload.sessionKey") == key {
			events = append(events, e)
		}
	}
	return events
}

func watched(v *visit) {
	owner, admin := v.member("operator"), v.admin(v.name("user"))
	key := owner.newSession("begin")
	last := v.number(owner.call("chat.history", object{"sessionKey": key}), "lastSeq")
	at := admin.call("chat.watch", object{"sessionKey": key})
	v.want(at, "sessionKey", key)
	v.want(at, "status", "live")
	v.want(at, "lastSeq", last)
	v.text(at, "epoch")
	owner.call("chat.send", object{"sessionKey": key, "message": "echo more words"})
	other := owner.newSession("not watched")
	toOwner := owner.eventsUntil(key,
		func(e object) bool { return ended(e) && v.number(e, "seq") > last })
	toAdmin := admin.eventsUntil(key, ended)
	if toOwner := toOwner[last:]; fmt.Sprint(toOwner) != fmt.Sprint(toAdmin) {
		v.fail("the owner got\n%v\nthe admin\n%v", toOwner, toAdmin)
	}
	if more := admin.received(other); len(more) > 0 {
		v.fail("the admin got events of a session that is not watched: %v", more)
	}
}

func watchedFrom(v *visit) {
	owner, admin := v.member("operator"), v.admin(v.name("user"))
	key := owner.newSession("begin")
	history := owner.call("chat.history", object{"sessionKey": key})
	at := admin.call("chat.watch",
		object{"sessionKey": key, "epoch": history["epoch"], "afterSeq": 1})
	v.want(at, "status", "live")
	owner.call("chat.send", object{"sessionKey": key, "message": "echo more words"})
	next := int64(2)
	for _, e := range admin.eventsUntil(key, func(e object) bool {
		return ended(e) && v.number(e, "seq") > v.number(history, "lastSeq")
	}) {
		v.want(e, "seq", next)
		next++
	}
	for _, params := range []object{
		{"sessionKey": key, "epoch": "other", "afterSeq": 1}, {"sessionKey": key, "afterSeq": 1000},
	} {
		v.want(admin.call("chat.watch", params), "status", "reset")
	}
}

func watchedOwn(v *visit) {
	user := v.name("user")
	admin := v.admin(user)
	key := admin.newSession("begin")
	v.want(admin.call("chat.watch", object{"sessionKey": key}), "status", "live")
	before := len(admin.received(key))
	admin.call("chat.inject", object{"sessionKey": key, "message": "once"})
	if n := len(admin.received(key)) - before; n != 1 {
		v.fail("%d events for one message in a watched session of one's own, want 1", n)
	}
	admin.call("chat.unwatch", object{"sessionKey": key})
	admin.call("chat.inject", object{"sessionKey": key, "message": "twice"})
	if n := len(admin.received(key)) - before; n != 2 {
		v.fail("after chat.unwatch on one's own session, %d events came, want 2", n)
	}
}

func unwatched(v *visit) {
	owner, admin := v.member("operator"), v.admin(v.name("user"))
	key := owner.newSession("begin")
	admin.call("chat.watch", object{"sessionKey": key})
	owner.call("chat.inject", object{"sessionKey": key, "message": "seen"})
	if n := len(admin.received(key)); n != 1 {
		v.fail("%d events while the session is watched, want 1", n)
	}
	for range 2 {
		admin.call("chat.unwatch", object{"sessionKey": key})
	}
	admin.call("chat.unwatch", object{"sessionKey": v.name("none")})
	owner.call("chat.inject", object{"sessionKey": key, "message": "unseen"})
	if n := len(admin.received(key)); n != 1 {
		v.fail("%d events after chat.unwatch, want 1 as before", n)
	}
}
