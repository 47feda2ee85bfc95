package conformance

import "fmt"

func retrying() []Row {
	const section = "Chat: retry and repeats"
	return []Row{
		{Section: section, Demo: true, steps: retried,
			Says: "chat.retry {sessionKey, runId}: a new run on the same user message"},
		{Section: section, Demo: true, steps: retryAnswers,
			Says: "chat.retry: as chat.send, answered when the run ends, or accepted"},
		{Section: section, Demo: true, steps: retryNothing,
			Says: "chat.retry: a run that is active or has completed, or whose message was " +
				"withdrawn: FAILED_PRECONDITION"},
		{Section: section, Demo: true, steps: retryUnknown,
			Says: "chat.retry: a run that is not of the session is NOT_FOUND"},
		{Section: section, Demo: true, steps: retryRepeated,
			Says: "chat.retry: the same idempotencyKey makes one run"},
		{Section: section, Demo: true, steps: repeatedTogether,
			Says: "the same key from any connection at the same time: both get the run's answer"},
		{Section: section, Demo: true, steps: repeatedEitherWay,
			Says: "the same key with either ack: one message, one run"},
		{Section: section, Demo: true, steps: repeatedAfterCut,
			Says: "a repeat on a connection that never saw the first: the same runId, " +
				"sessionKey, messageId and seq"},
	}
}

// stoppedRun creates a session with a stopped run, and returns the session's key, the run
// and its message.
func (c *client) stoppedRun() (key, run, message string) {
	first := c.beginRun(object{})
	key, run = c.v.text(first, "sessionKey"), c.v.text(first, "runId")
	c.call("chat.abort", object{"runId": run})
	c.awaitEnd(run)
	return key, run, c.v.text(first, "messageId")
}

// awaitEnd waits for the end of a run, and returns the event.
func (c *client) awaitEnd(run any) object {
	for {
		e := c.event("agent")
		if ended(e) && get(e, "payload.runId") == run {
			return e
		}
	}
}

func retried(v *visit) {
	user := v.name("user")
	c := v.admin(user)
	key, run, message := c.stoppedRun()
	before := c.call("chat.history", object{"sessionKey": key})
	again := c.call("chat.retry", object{"sessionKey": key, "runId": run, "ack": "accepted"})
	v.want(again, "sessionKey", key)
	v.want(again, "messageId", message)
	v.want(again, "epoch", before["epoch"])
	v.want(again, "seq", v.number(before, "lastSeq")+1)
	if again["runId"] == run {
		v.fail("chat.retry gives the same run, want a new one")
	}
	// Every follower gets the message again, as it was sent, and then the start of the run.
	e := c.event("chat")
	v.want(e, "seq", again["seq"])
	v.want(e, "payload.message.id", message)
	v.want(e, "payload.message.seq", get(v.entry(v.list(before, "messages"), "id", message), "seq"))
	started := c.eventWith("agent", func(p object) bool { return p["type"] == "run.started" })
	v.want(started, "payload.runId", again["runId"])
	v.want(started, "payload.payload.userMessageId", message)
	c.call("chat.abort", object{"sessionKey": key})
	c.awaitEnd(again["runId"])
	// The transcript has one question and both answers.
	all := v.list(c.call("chat.history", object{"sessionKey": key}), "messages")
	if len(all) != 3 {
		v.fail("%d messages, want 3", len(all))
	}
	for i, want := range []string{"user", "assistant", "assistant"} {
		v.want(all[i].(object), "role", want)
	}
	v.want(all[1].(object), "status", "aborted")
	v.want(all[2].(object), "runId", again["runId"])
	v.want(all[2].(object), "replyTo", message)
}

func retryAnswers(v *visit) {
	c := v.admin(v.name("user"))
	failed := c.answer(c.ask("chat.send", object{"message": "error"}))
	run := v.text(failed, "error.details.runId")
	key := v.text(c.event("chat"), "payload.sessionKey")
	// The second run fails like the first.
	again := c.answer(c.ask("chat.retry", object{"sessionKey": key, "runId": run}))
	v.want(again, "ok", false)
	v.want(again, "error.code", get(failed, "error.code"))
	if next := v.text(again, "error.details.runId"); next == run {
		v.fail("chat.retry gives the same run, want a new one")
	} else {
		v.want(c.call("chat.retry", object{"sessionKey": key, "runId": next, "ack": "accepted"}),
			"status", "accepted")
	}
}

func retryNothing(v *visit) {
	c := v.admin(v.name("user"))
	sent := c.call("chat.send", object{"message": "echo done"})
	c.refused("FAILED_PRECONDITION", "", "chat.retry",
		object{"sessionKey": sent["sessionKey"], "runId": sent["runId"]})
	first := c.beginRun(object{})
	key := first["sessionKey"]
	c.refused("FAILED_PRECONDITION", "", "chat.retry",
		object{"sessionKey": key, "runId": first["runId"]})
	waiting := c.call("chat.send",
		object{"sessionKey": key, "message": "echo never", "ack": "accepted"})
	c.refused("FAILED_PRECONDITION", "", "chat.retry",
		object{"sessionKey": key, "runId": waiting["runId"]})
	c.call("chat.abort", object{"runId": waiting["runId"]})
	c.refused("FAILED_PRECONDITION", "", "chat.retry",
		object{"sessionKey": key, "runId": waiting["runId"]})
	c.call("chat.abort", object{"sessionKey": key})
	c.awaitEnd(first["runId"])
	again := c.call("chat.retry",
		object{"sessionKey": key, "runId": first["runId"], "ack": "accepted"})
	// The message is being answered by the second run.
	c.refused("FAILED_PRECONDITION", "", "chat.retry",
		object{"sessionKey": key, "runId": first["runId"]})
	c.call("chat.abort", object{"runId": again["runId"]})
}

func retryUnknown(v *visit) {
	c := v.admin(v.name("user"))
	key, run, _ := c.stoppedRun()
	c.refused("NOT_FOUND", "runId", "chat.retry", object{"sessionKey": key, "runId": "run-none"})
	c.refused("NOT_FOUND", "runId", "chat.retry",
		object{"sessionKey": c.newSession("other"), "runId": run})
	c.refused("NOT_FOUND", "", "chat.retry", object{"sessionKey": v.name("none"), "runId": run})
	c.refused("INVALID_REQUEST", "runId", "chat.retry", object{"sessionKey": key})
	c.refused("INVALID_REQUEST", "sessionKey", "chat.retry",
		object{"sessionKey": "a b", "runId": run})
	c.refused("INVALID_REQUEST", "ack", "chat.retry",
		object{"sessionKey": key, "runId": run, "ack": "read"})
}

func retryRepeated(v *visit) {
	user := v.name("user")
	a, b := v.admin(user), v.admin(user)
	key, run, _ := a.stoppedRun()
	params := object{"sessionKey": key, "runId": run, "idempotencyKey": "again", "ack": "accepted"}
	one, two := a.ask("chat.retry", params), b.ask("chat.retry", params)
	first, second := a.payload(one), b.payload(two)
	for _, same := range []string{"runId", "sessionKey", "messageId", "seq"} {
		v.want(second, same, first[same])
	}
	if (first["status"] == "duplicate") == (second["status"] == "duplicate") {
		v.fail("answered with %v and %v, want one duplicate", first["status"], second["status"])
	}
	// The key cannot be used for another request.
	a.refused("ALREADY_EXISTS", "idempotencyKey", "chat.send",
		object{"sessionKey": key, "message": "slow", "idempotencyKey": "again"})
	a.call("chat.abort", object{"sessionKey": key})
}

func repeatedTogether(v *visit) {
	user := v.name("user")
	for n := range 5 {
		a, b := v.admin(user), v.admin(user)
		params := object{"message": fmt.Sprint("echo number ", n),
			"idempotencyKey": fmt.Sprint("k", n)}
		one, two := a.ask("chat.send", params), b.ask("chat.send", params)
		first, second := a.payload(one), b.payload(two)
		v.want(first, "content", fmt.Sprint("number ", n))
		for _, same := range []string{"runId", "sessionKey", "content"} {
			v.want(second, same, first[same])
		}
		if all, _ := a.transcript(v.text(first, "sessionKey"), 50); len(all) != 2 {
			v.fail("%d messages, want 2", len(all))
		}
	}
}

func repeatedEitherWay(v *visit) {
	user := v.name("user")
	a, b := v.admin(user), v.admin(user)
	params := object{"message": "echo once", "idempotencyKey": "k1"}
	one := a.ask("chat.send", params)
	accepted := b.call("chat.send",
		object{"message": "echo once", "idempotencyKey": "k1", "ack": "accepted"})
	answered := a.payload(one)
	for _, same := range []string{"runId", "sessionKey"} {
		v.want(accepted, same, answered[same])
	}
	v.want(b.call("chat.send", params), "content", "once")
}

func repeatedAfterCut(v *visit) {
	user := v.name("user")
	a := v.admin(user)
	params := object{"message": "slow", "idempotencyKey": "k1", "ack": "accepted"}
	first := a.payload(a.ask("chat.send", params))
	v.must(a.ws.Close(), "close")
	b := v.admin(user)
	again := b.call("chat.send", params)
	v.want(again, "status", "duplicate")
	for _, same := range []string{"runId", "sessionKey", "messageId", "seq"} {
		v.want(again, same, first[same])
	}
	b.call("chat.abort", object{"sessionKey": first["sessionKey"]})
}
