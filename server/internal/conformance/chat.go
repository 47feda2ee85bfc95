package conformance

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/gatehouse-chat/gatehouse/server/internal/conformance/rawws"
)

func chat() []Row {
	const section = "Chat"
	return []Row{
		{Section: section, Demo: true, steps: defaultAnswer,
			Says: "chat.send: by default answered when the run ends: {runId, sessionKey, " +
				"content, usage}"},
		{Section: section, Demo: true, steps: acceptedAnswer,
			Says: "with ack:\"accepted\" as soon as the message is durable: {runId, sessionKey, " +
				"messageId, seq, status}"},
		{Section: section, Demo: true, steps: streamHint,
			Says: "stream (default true) is a hint to the provider; the events are the same"},
		{Section: section, Says: "message ≤ 256 KiB", Demo: true, steps: messageSizes},
		{Section: section, Demo: true, steps: sessionKeys,
			Says: "sessionKey is an opaque string (≤255); any key that a client invents is " +
				"created"},
		{Section: section, Says: "agentId names the agent", Demo: true, steps: agentIDs},
		{Section: section, Demo: true, steps: abortedAnswer,
			Says: "an aborted run answers ok:true with the content so far and status:\"aborted\""},
		{Section: section, Demo: true, steps: failedAnswer,
			Says: "a failed one ok:false with details{runId,messageId}"},
		{Section: section, Demo: true, steps: fullQueue,
			Says: "a send while a run is going on is queued (FIFO, 10 a session, then " +
				"RESOURCE_EXHAUSTED)"},
		{Section: section, Demo: true, steps: queueOrder,
			Says: "queued sends run in the order of their arrival"},
		{Section: section, Demo: true, steps: withdrawnRun,
			Says: "a run still queued is taken back and its message withdrawn"},
		{Section: section, Demo: true, steps: abortEndedRun,
			Says: "chat.abort {sessionKey?, runId?} → {ok:true,aborted:bool,runIds}"},
		{Section: section, Demo: true, steps: abortAtOnce,
			Says: "chat.abort stops a run in whatever moment it is"},
		{Section: section, Demo: true, steps: runsGoOn,
			Says: "a run belongs to the session: it goes on when every client is gone"},
		{Section: section, Demo: true, steps: repeatedSend,
			Says: "the same idempotencyKey makes one session, one message, one run"},
		{Section: section, Demo: true, steps: repeatedAnswer,
			Says: "a repeat returns the same ids as status:\"duplicate\", otherwise with the " +
				"run's answer"},
		{Section: section, Demo: true, steps: keyOfAnother,
			Says: "idempotencyKey is unique a user; another message under a used key is " +
				"ALREADY_EXISTS"},
		{Section: section, Demo: true, steps: historyPages,
			Says: "chat.history: oldest first, before is a seq, limit 50 (≤200)"},
		{Section: section, Demo: true, steps: historyRunning,
			Says: "chat.history: the running answer so far included"},
		{Section: section, steps: historyUnknown,
			Says: "chat.history: an unknown session is NOT_FOUND"},
		{Section: section, Demo: true, steps: injected,
			Says: "chat.inject → {ok:true,messageId}: adds to the transcript, starts no run; " +
				"role system"},
		{Section: section, Demo: true, steps: adminWrites,
			Says: "author{userId,role}: an admin in another user's session"},
		{Section: section, Demo: true, steps: ownerNamed,
			Says: "➕ownerId: answers to an admin in another user's session name the owner"},
		{Section: section, Demo: true, steps: ownOnly,
			Says: "➕own:true, in connect or in a call: FORBIDDEN for what does not belong to " +
				"user_id, also for admins"},
		{Section: section, Demo: true, steps: sessionStatus,
			Says: "chat.session.status → {isRunning, runId, activity, queued, lastSeq}"},
	}
}

// ownKey is the form of the sessionKey that a gateway generates.
var ownKey = regexp.MustCompile(`^agent:[a-z0-9_-]+:ws:direct:` +
	`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// binary is a binary message.
func binary(text string) rawws.Frame {
	return rawws.Frame{Opcode: rawws.Binary, Payload: []byte(text)}
}

// quoted is s as JSON.
func quoted(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // every string can be encoded
	}
	return string(text)
}

// newSession creates a session with one exchange and returns its key.
func (c *client) newSession(message string) string {
	return c.v.text(c.call("chat.send", object{"message": "echo " + message}), "sessionKey")
}

// sessionOf returns the key of the user's session with the label.
func (c *client) sessionOf(label string) string {
	list := c.v.list(c.call("sessions.list", object{"query": label}), "sessions")
	if len(list) != 1 {
		c.v.fail("%d sessions have the label %q, want 1", len(list), label)
	}
	return c.v.text(list[0].(object), "key")
}

// beginRun sends a message that is answered slowly, and waits for the first chunk of the
// answer. It returns the answer to chat.send.
func (c *client) beginRun(params object) (accepted object) {
	params["message"], params["ack"] = "slow", "accepted"
	accepted = c.call("chat.send", params)
	c.eventWith("agent", func(p object) bool {
		return p["type"] == "chunk" && p["runId"] == accepted["runId"]
	})
	return accepted
}

func defaultAnswer(v *visit) {
	c := v.admin(v.name("user"))
	sent := c.call("chat.send", object{"message": "echo hello there"})
	v.want(sent, "content", "hello there")
	v.want(sent, "status", nil)
	v.text(sent, "runId")
	v.number(sent, "usage.input_tokens")
	v.number(sent, "usage.output_tokens")
	if key := v.text(sent, "sessionKey"); !ownKey.MatchString(key) {
		v.fail("the generated sessionKey is %q", key)
	}
	second := c.call("chat.send", object{"message": "echo again", "sessionKey": sent["sessionKey"]})
	v.want(second, "sessionKey", sent["sessionKey"])
	if third := c.call("chat.send",
		object{"message": "echo again"}); third["sessionKey"] == sent["sessionKey"] {
		v.fail("a send without sessionKey went into an existing session")
	}
}

func acceptedAnswer(v *visit) {
	c := v.admin(v.name("user"))
	first := c.beginRun(object{})
	v.want(first, "status", "accepted")
	v.want(first, "content", nil)
	for _, field := range []string{"runId", "sessionKey", "messageId", "epoch"} {
		v.text(first, field)
	}
	key := first["sessionKey"]
	second := c.call("chat.send", object{"message": "echo b", "sessionKey": key, "ack": "accepted"})
	v.want(second, "status", "queued")
	history := c.call("chat.history", object{"sessionKey": key})
	for _, sent := range []object{first, second} {
		m := v.entry(v.list(history, "messages"), "id", sent["messageId"])
		v.want(m, "seq", v.number(sent, "seq"))
		v.want(m, "runId", sent["runId"])
	}
	v.want(history, "epoch", first["epoch"])
	c.call("chat.abort", object{"sessionKey": key})
}

func streamHint(v *visit) {
	for _, stream := range []any{true, false, nil} {
		c := v.admin(v.name("user"))
		sent := c.call("chat.send", object{"message": "echo one two three", "stream": stream})
		v.want(sent, "content", "one two three")
		chunks := 0
		for _, e := range c.eventsUntil(v.text(sent, "sessionKey"), ended) {
			if get(e, "payload.type") == "chunk" {
				chunks++
			}
		}
		if chunks == 0 {
			v.fail("stream %v: no chunk", stream)
		}
	}
}

func messageSizes(v *visit) {
	c := v.admin(v.name("user"))
	const most = 256 << 10
	full := "hello" + strings.Repeat(" ", most-5)
	sent := c.call("chat.send", object{"message": full})
	if all, _ := c.transcript(v.text(sent, "sessionKey"), 50); all[0]["content"] != full {
		v.fail("the transcript has another message than the one of 256 KiB that was sent")
	}
	c.refused("INVALID_REQUEST", "message must be at most 256 KiB", "chat.send",
		object{"message": full + " "})
	c.refused("INVALID_REQUEST", "message", "chat.send",
		object{"message": strings.Repeat("\x01", 84<<10)})
	c.refused("INVALID_REQUEST", "message", "chat.inject",
		object{"sessionKey": sent["sessionKey"], "message": full + " "})
}

func sessionKeys(v *visit) {
	c, other := v.member("operator"), v.member("operator")
	unique := v.name("k")
	for _, key := range []string{unique, unique + ":._:@-", unique +
		strings.Repeat("z", 255-len(unique))} {
		v.want(c.call("chat.send", object{"message": "echo x", "sessionKey": key}), "sessionKey",
			key)
		other.refused("FORBIDDEN", "session does not belong to user", "chat.send",
			object{"message": "echo x", "sessionKey": key})
		c.call("sessions.delete", object{"key": key})
		c.refused("NOT_FOUND", "", "chat.history", object{"sessionKey": key})
		// The key still belongs to its first user after the session is deleted.
		other.refused("FORBIDDEN", "session does not belong to user", "chat.send",
			object{"message": "echo x", "sessionKey": key})
		other.refused("FORBIDDEN", "session does not belong to user", "chat.history",
			object{"sessionKey": key})
		c.call("chat.send", object{"message": "echo x", "sessionKey": key})
	}
	for _, key := range []string{strings.Repeat("k", 256), "a b", "a/b", "ä", "a\x00", "a%20b",
		"<b>"} {
		c.refused("INVALID_REQUEST", "sessionKey", "chat.send",
			object{"message": "echo x", "sessionKey": key})
	}
}

func agentIDs(v *visit) {
	c := v.admin(v.name("user"))
	agents := v.list(c.call("agents.list", nil), "agents")
	name := v.text(agents[0].(object), "id")
	v.text(agents[0].(object), "name")
	v.want(agents[0].(object), "default", true)
	sent := c.call("chat.send", object{"message": "echo x", "agentId": name})
	v.want(c.eventsUntil(v.text(sent, "sessionKey"), ended)[2], "payload.agentId", name)
	c.refused("NOT_FOUND", "agentId", "chat.send",
		object{"message": "echo x", "agentId": "no-such-agent"})
}

func abortedAnswer(v *visit) {
	for _, by := range []string{"sessionKey", "runId"} {
		c := v.admin(v.name("user"))
		send := c.ask("chat.send", object{"message": "slow"})
		chunk := c.eventWith("agent", func(p object) bool { return p["type"] == "chunk" })
		aborted := c.call("chat.abort", object{by: get(chunk, "payload."+by)})
		v.want(aborted, "ok", true)
		v.want(aborted, "aborted", true)
		v.want(aborted, "runIds.0", get(chunk, "payload.runId"))
		answer := c.payload(send)
		v.want(answer, "status", "aborted")
		v.want(answer, "runId", get(chunk, "payload.runId"))
		content := v.text(answer, "content")
		c.eventWith("agent", func(p object) bool { return p["type"] == "run.cancelled" })
		history := c.call("chat.history", object{"sessionKey": answer["sessionKey"]})
		v.want(history, "messages.1.status", "aborted")
		v.want(history, "messages.1.content", content)
		// The session takes another message.
		v.want(c.call("chat.send",
			object{"message": "echo on", "sessionKey": answer["sessionKey"]}), "content", "on")
	}
}

func failedAnswer(v *visit) {
	c := v.admin(v.name("user"))
	id := c.ask("chat.send", object{"message": "error"})
	answer := c.answer(id)
	if answer["ok"] != false {
		v.fail("the run did not fail: %v", answer)
	}
	run := v.text(answer, "error.details.runId")
	message := v.text(answer, "error.details.messageId")
	e := c.eventWith("agent", func(p object) bool { return p["type"] == "run.failed" })
	v.want(e, "payload.runId", run)
	v.want(e, "payload.payload.messageId", message)
	v.want(e, "payload.payload.code", get(answer, "error.code"))
	v.want(e, "payload.payload.error", get(answer, "error.message"))
	history := c.call("chat.history", object{"sessionKey": get(e, "payload.sessionKey")})
	m := v.entry(v.list(history, "messages"), "id", message)
	v.want(m, "status", "failed")
	v.text(m, "content") // the part before the failure
	v.text(m, "error")
}

func fullQueue(v *visit) {
	c := v.admin(v.name("user"))
	first := c.beginRun(object{})
	key := first["sessionKey"]
	for i := range 10 {
		sent := c.call("chat.send",
			object{"message": fmt.Sprintf("echo %d", i), "sessionKey": key, "ack": "accepted"})
		v.want(sent, "status", "queued")
	}
	v.want(c.call("chat.session.status", object{"sessionKey": key}), "queued", 10)
	c.refused("RESOURCE_EXHAUSTED", "", "chat.send",
		object{"message": "echo 11", "sessionKey": key})
	c.refused("RESOURCE_EXHAUSTED", "", "chat.send",
		object{"message": "echo 11", "sessionKey": key, "idempotencyKey": "eleven"})
	c.newSession("another session has its own queue")
	aborted := c.call("chat.abort", object{"sessionKey": key})
	if n := len(v.list(aborted, "runIds")); n != 11 {
		v.fail("%d runs were aborted, want 11", n)
	}
	v.want(c.call("chat.send", object{"message": "echo 12", "sessionKey": key,
		"idempotencyKey": "eleven"}), "content", "12")
}

func queueOrder(v *visit) {
	c := v.admin(v.name("user"))
	first := c.beginRun(object{})
	key := first["sessionKey"]
	var asked []string
	for i := range 5 {
		asked = append(asked, c.ask("chat.send",
			object{"message": fmt.Sprintf("echo %d", i), "sessionKey": key}))
	}
	c.call("chat.abort", object{"runId": first["runId"]})
	for i, id := range asked {
		v.want(c.payload(id), "content", fmt.Sprint(i))
	}
	// Each answer follows its question, and the answers began in the order of the questions.
	all, _ := c.transcript(v.text(first, "sessionKey"), 200)
	var last int64
	for i, m := range all {
		if role := []string{"user", "assistant"}[i%2]; m["role"] != role {
			v.fail("message %d has role %v, want %s", i, m["role"], role)
		}
		if i%2 == 1 {
			v.want(m, "replyTo", all[i-1]["id"])
			if seq := v.number(m, "seq"); seq < last {
				v.fail("message %d, an answer, began before the previous answer", i)
			} else {
				last = seq
			}
		}
	}
}

func withdrawnRun(v *visit) {
	c := v.admin(v.name("user"))
	first := c.beginRun(object{})
	key := first["sessionKey"]
	waiting := c.ask("chat.send", object{"message": "echo never", "sessionKey": key})
	message := c.eventWith("chat",
		func(p object) bool { return get(p, "message.content") == "echo never" })
	v.want(message, "payload.message.status", "queued")
	run := get(message, "payload.message.runId")
	aborted := c.call("chat.abort", object{"runId": run})
	v.want(aborted, "aborted", true)
	v.want(aborted, "runIds.0", run)
	v.want(aborted, "runIds.1", nil)
	v.want(c.payload(waiting), "status", "aborted")
	e := c.eventWith("agent", func(p object) bool { return p["type"] == "run.cancelled" })
	v.want(e, "payload.runId", run)
	v.want(e, "payload.payload.messageId", nil)
	v.want(c.call("chat.session.status", object{"sessionKey": key}), "runId", first["runId"])
	history := c.call("chat.history", object{"sessionKey": key})
	v.want(v.entry(v.list(history, "messages"), "content", "echo never"), "status", "withdrawn")
	c.call("chat.abort", object{"sessionKey": key})
}

func abortEndedRun(v *visit) {
	c := v.admin(v.name("user"))
	sent := c.call("chat.send", object{"message": "echo x"})
	for _, params := range []object{
		{"sessionKey": sent["sessionKey"]},
		{"runId": sent["runId"]},
		{"sessionKey": sent["sessionKey"], "runId": sent["runId"]},
	} {
		p := c.call("chat.abort", params)
		v.want(p, "ok", true)
		v.want(p, "aborted", false)
		if len(v.list(p, "runIds")) != 0 {
			v.fail("runIds is %v", p["runIds"])
		}
	}
	c.refused("NOT_FOUND", "runId", "chat.abort", object{"runId": "run-none"})
	c.refused("NOT_FOUND", "", "chat.abort", object{"sessionKey": v.name("none")})
	c.refused("INVALID_REQUEST", "runId", "chat.abort",
		object{"sessionKey": c.newSession("other"), "runId": sent["runId"]})
}

func abortAtOnce(v *visit) {
	c := v.admin(v.name("user"))
	for range 30 {
		send := c.ask("chat.send",
			object{"message": "slow", "ack": "accepted", "sessionKey": v.name("k")})
		sent := c.payload(send)
		p := c.call("chat.abort", object{"sessionKey": sent["sessionKey"]})
		v.want(p, "aborted", true)
		v.want(p, "runIds.0", sent["runId"])
		c.eventWith("agent", func(p object) bool {
			return p["type"] == "run.cancelled" && p["runId"] == sent["runId"]
		})
		v.want(c.call("chat.session.status", object{"sessionKey": sent["sessionKey"]}), "isRunning",
			false)
	}
}

func runsGoOn(v *visit) {
	user := v.name("user")
	c := v.admin(user)
	sent := c.call("chat.send", object{"message": "markdown", "ack": "accepted"})
	v.must(c.ws.Close(), "close")
	c = v.admin(user)
	for range 1000 {
		p := c.call("chat.session.status", object{"sessionKey": sent["sessionKey"]})
		if p["isRunning"] == false && p["queued"] == 0.0 {
			break
		}
	}
	// If the answer is still being written, wait for its end.
	history := c.call("chat.history", object{"sessionKey": sent["sessionKey"]})
	if status := get(history, "messages.1.status"); status == "streaming" {
		c.eventWith("agent", func(p object) bool { return p["type"] == "run.completed" })
		history = c.call("chat.history", object{"sessionKey": sent["sessionKey"]})
	}
	v.want(history, "messages.1.status", "complete")
	v.text(history, "messages.1.content")
}

func repeatedSend(v *visit) {
	user := v.name("user")
	a, b := v.admin(user), v.admin(user)
	params := object{"message": "echo once", "idempotencyKey": "k1", "ack": "accepted"}
	type asked struct {
		c  *client
		id string
	}
	var all []asked
	for range 20 {
		all = append(all, asked{a, a.ask("chat.send", params)},
			asked{b, b.ask("chat.send", params)})
	}
	fresh := 0
	var first object
	for _, q := range all {
		p := q.c.payload(q.id)
		if p["status"] != "duplicate" {
			fresh++
		}
		if first == nil {
			first = p
		}
		for _, same := range []string{"runId", "sessionKey", "messageId", "seq"} {
			v.want(p, same, first[same])
		}
	}
	if fresh != 1 {
		v.fail("%d of %d sends were no duplicate, want 1", fresh, len(all))
	}
	if list := v.list(a.call("sessions.list", nil), "sessions"); len(list) != 1 {
		v.fail("%d sessions, want 1", len(list))
	}
	v.want(a.call("chat.send", object{"message": "echo once", "idempotencyKey": "k1"}), "content",
		"once")
	if all, _ := a.transcript(v.text(first, "sessionKey"), 50); len(all) != 2 {
		v.fail("%d messages, want 2", len(all))
	}
}

func repeatedAnswer(v *visit) {
	c := v.admin(v.name("user"))
	params := object{"message": "echo once", "idempotencyKey": "k1"}
	// The repeats come while the run is active, after it has ended, and with the key of
	// another session.
	early, again := c.ask("chat.send", params), c.ask("chat.send", params)
	first := c.payload(early)
	repeat := c.payload(again)
	params["sessionKey"] = v.name("other")
	for _, p := range []object{repeat, c.call("chat.send", params)} {
		for _, same := range []string{"runId", "sessionKey", "content"} {
			v.want(p, same, first[same])
		}
	}
	params["ack"] = "accepted"
	v.want(c.call("chat.send", params), "status", "duplicate")
	c.refused("NOT_FOUND", "", "chat.history", object{"sessionKey": params["sessionKey"]})
}

func keyOfAnother(v *visit) {
	a, b := v.admin(v.name("user")), v.admin(v.name("user"))
	key := object{"message": "echo mine", "idempotencyKey": "k1"}
	first := a.call("chat.send", key)
	a.refused("ALREADY_EXISTS", "idempotencyKey", "chat.send",
		object{"message": "echo other", "idempotencyKey": "k1"})
	if second := b.call("chat.send", key); second["runId"] == first["runId"] ||
		second["sessionKey"] == first["sessionKey"] {
		v.fail("the same idempotencyKey of another user gave this user's run")
	}
}

func historyPages(v *visit) {
	c := v.admin(v.name("user"))
	key := c.newSession("0")
	for i := range 68 {
		c.call("chat.inject", object{"sessionKey": key, "message": fmt.Sprintf("note %d", i)})
	}
	page := c.call("chat.history", object{"sessionKey": key})
	if n := len(v.list(page, "messages")); n != 50 || page["hasMore"] != true {
		v.fail("without a limit: %d messages and hasMore %v, want 50 and true", n, page["hasMore"])
	}
	v.want(page, "sessionKey", key)
	v.text(page, "epoch")
	v.want(page, "lastSeq", get(page, "messages.49.seq"))
	v.want(page, "messages.49.content", "note 67")
	page = c.call("chat.history", object{"sessionKey": key, "limit": 100_000})
	if n := len(v.list(page, "messages")); n != 70 || page["hasMore"] != false {
		v.fail("%d messages, want all 70 and hasMore false", n)
	}
	all, pages := c.transcript(key, 7)
	if len(all) != 70 || pages < 10 {
		v.fail("%d messages in %d pages, want 70 in at least 10", len(all), pages)
	}
	last := int64(0)
	for i, m := range all {
		seq := v.number(m, "seq")
		if seq <= last {
			v.fail("message %d has seq %d, after %d", i, seq, last)
		}
		last = seq
		for _, field := range []string{"id", "role", "content", "status", "createdAt"} {
			v.text(m, field)
		}
	}
}

func historyRunning(v *visit) {
	c := v.admin(v.name("user"))
	first := c.beginRun(object{})
	history := c.call("chat.history", object{"sessionKey": first["sessionKey"]})
	v.want(history, "messages.1.role", "assistant")
	v.want(history, "messages.1.status", "streaming")
	v.text(history, "messages.1.content")
	c.call("chat.abort", object{"sessionKey": first["sessionKey"]})
}

func historyUnknown(v *visit) {
	for _, c := range []*client{v.admin(""), v.member("viewer")} {
		for _, method := range []string{"chat.history", "chat.session.status", "sessions.preview"} {
			c.refused("NOT_FOUND", "", method, object{"sessionKey": v.name("none")})
		}
	}
}

func injected(v *visit) {
	c := v.admin(v.name("user"))
	key := c.newSession("begin")
	status := c.call("chat.session.status", object{"sessionKey": key})
	p := c.call("chat.inject", object{"sessionKey": key, "message": "a **note**",
		"label": "by hand"})
	v.want(p, "ok", true)
	e := c.eventWith("chat", func(e object) bool { return get(e, "message.id") == p["messageId"] })
	v.want(e, "seq", v.number(status, "lastSeq")+1)
	v.want(e, "payload.type", "message")
	v.want(e, "payload.message.role", "system")
	v.want(e, "payload.message.label", "by hand")
	m := v.entry(v.list(c.call("chat.history", object{"sessionKey": key}), "messages"), "id",
		p["messageId"])
	v.want(m, "content", "a **note**")
	v.want(m, "status", "complete")
	v.want(m, "runId", nil)
	v.want(c.call("chat.session.status", object{"sessionKey": key}), "isRunning", false)
	c.refused("NOT_FOUND", "", "chat.inject", object{"sessionKey": v.name("none"), "message": "x"})
}

func adminWrites(v *visit) {
	c := v.member("operator")
	key := c.newSession("begin")
	name := v.name("boss")
	admin := v.admin(name)
	admin.call("chat.inject", object{"sessionKey": key, "message": "from above"})
	e := c.eventWith("chat", func(e object) bool {
		return get(e, "message.content") == "from above"
	})
	v.want(e, "payload.message.author.userId", name)
	v.want(e, "payload.message.author.role", "admin")
	admin.call("chat.send", object{"sessionKey": key, "message": "echo and more"})
	e = c.eventWith("chat", func(e object) bool {
		return get(e, "message.content") == "echo and more"
	})
	v.want(e, "payload.message.author.userId", name)
	c.call("chat.inject", object{"sessionKey": key, "message": "my own"})
	e = c.eventWith("chat", func(e object) bool { return get(e, "message.content") == "my own" })
	v.want(e, "payload.message.author", nil)
}

func ownerNamed(v *visit) {
	name := v.name("owner")
	owner := v.admin(name)
	key := owner.newSession("begin")
	v.want(owner.call("chat.history", object{"sessionKey": key}), "ownerId", nil)
	admin := v.admin(v.name("boss"))
	for method, params := range map[string]object{
		"chat.send": {"message": "echo x"}, "chat.inject": {"message": "x"}, "chat.history": {},
		"chat.session.status": {}, "chat.abort": {},
	} {
		params["sessionKey"] = key
		v.want(admin.call(method, params), "ownerId", name)
	}
	accepted := admin.call("chat.send", object{"message": "echo y", "sessionKey": key, "ack": "accepted"})
	v.want(accepted, "ownerId", name)
}

func ownOnly(v *visit) {
	key := v.admin(v.name("owner")).newSession("begin")
	admin := v.admin(v.name("boss"))
	always := v.open(nil)
	always.call("connect", object{"token": v.target.Token, "user_id": v.name("boss"), "own": true})
	for method, params := range map[string]object{
		"chat.send": {"message": "echo x"}, "chat.inject": {"message": "x"}, "chat.abort": {},
		"sessions.patch": {"label": "x"},
	} {
		params["sessionKey"] = key
		always.refused("FORBIDDEN", "session does not belong to user", method, params)
		params["own"] = true
		admin.refused("FORBIDDEN", "session does not belong to user", method, params)
	}
	always.call("chat.history", object{"sessionKey": key})
	v.want(always.call("chat.send", object{"message": "echo mine"}), "content", "mine")
}

func sessionStatus(v *visit) {
	c := v.admin(v.name("user"))
	first := c.beginRun(object{})
	key := first["sessionKey"]
	c.call("chat.send", object{"sessionKey": key, "message": "echo x", "ack": "accepted"})
	p := c.call("chat.session.status", object{"sessionKey": key})
	v.want(p, "isRunning", true)
	v.want(p, "runId", first["runId"])
	v.want(p, "queued", 1)
	v.text(p, "activity.phase")
	if v.number(p, "lastSeq") < v.number(first, "seq") {
		v.fail("lastSeq is %v, want at least the seq of the message, %v", p["lastSeq"],
			first["seq"])
	}
	v.want(p, "epoch", first["epoch"])
	c.call("chat.abort", object{"sessionKey": key})
	c.eventsUntil(v.text(first, "sessionKey"), func(e object) bool {
		return get(e, "payload.type") == "run.cancelled" &&
			get(e, "payload.runId") == first["runId"]
	})
	p = c.call("chat.session.status", object{"sessionKey": key})
	v.want(p, "isRunning", false)
	v.want(p, "runId", "")
	v.want(p, "queued", 0)
	v.want(p, "activity", nil)
}
