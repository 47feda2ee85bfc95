package conformance

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-chat/gatehouse/server/internal/conformance/rawws"
)

func frames() []Row {
	const section = "Frames"
	return []Row{
		{Section: section, steps: ids,
			Says: "id is 1–128 characters, chosen by the client, echoed back"},
		{Section: section, steps: longID,
			Says: "an id over 128 characters is refused, with id \"\""},
		{Section: section, steps: noID,
			Says: `{"type":"req","method":"connect","params":{…}} without an id is answered with id ""`},
		{Section: section, steps: oneAnswerEach,
			Says: "exactly one res for every req that carried an id: never none, never two"},
		{Section: section, steps: pipelined,
			Says: "frames of a connection take effect in the order of arrival"},
		{Section: section, Says: "answers may overtake each other", Demo: true, steps: overtaking},
		{Section: section, steps: errorsKeepOpen,
			Says: "errors are res frames; unless a row names a close code, the connection stays " +
				"open"},
		{Section: section, Says: "invalid frame: not JSON, not an object", steps: invalidFrames},
		{Section: section, Says: "unexpected frame type: X (anything but req)", steps: frameTypes},
		{Section: section, Says: "unknown method: X", steps: unknownMethods},
		{Section: section, steps: badParams,
			Says: "bad params: the message names the field and what it takes"},
		{Section: section, Says: "absent or null params is {}", steps: noParams},
		{Section: section, Says: "names are case-sensitive", steps: caseSensitive},
		{Section: section, steps: unknownFields,
			Says: "unknown fields in frames and params are ignored"},
		{Section: section, steps: costlyJSON,
			Says: "too deep or too costly JSON gets an error answer or a clear close"},
		{Section: section, Says: "text is UTF-8 (RFC 6455 §8.1)", steps: notUTF8},
		{Section: section, Says: "text comes back as it was sent", Demo: true, steps: anyText},
	}
}

func ids(v *visit) {
	c := v.admin("")
	for _, id := range []string{
		"0", " ", "é", "a\"b\\c\n",
		strings.Repeat("x", 128), strings.Repeat("ü", 128), strings.Repeat("😀", 128),
	} {
		c.send(`{"type":"req","method":"health","id":` + quoted(id) + `}`)
		c.payload(id)
	}
}

func longID(v *visit) {
	for _, c := range []*client{v.admin(""), v.open(nil)} {
		for _, id := range []string{strings.Repeat("x", 129), strings.Repeat("ü", 129),
			strings.Repeat("x", 10<<10)} {
			c.refusedText("INVALID_REQUEST", "id",
				`{"type":"req","method":"health","id":`+quoted(id)+`}`)
		}
		c.refusedText("INVALID_REQUEST", "id", `{"type":"req","method":"health","id":7}`)
	}
}

func noID(v *visit) {
	c := v.open(nil)
	c.send(`{"type":"req","method":"connect","params":{"token":` + quoted(v.target.Token) +
		`,"user_id":"user-123"}}`)
	v.want(c.answer(""), "payload.user_id", "user-123")
}

func oneAnswerEach(v *visit) {
	c := v.admin("")
	var asked []string
	for i := range 100 {
		asked = append(asked,
			c.ask("health", nil), c.ask("no.such.method", nil),
			c.ask("chat.send", object{"message": i}),
			c.ask("chat.history", object{"sessionKey": v.name("none")}),
			c.ask("connect", object{}))
	}
	for _, id := range asked {
		c.answer(id)
	}
	c.settle() // a second answer would have come by now
	if len(c.answers) > 0 {
		v.fail("answers to no request: %v", c.answers)
	}
}

func pipelined(v *visit) {
	c := v.open(nil)
	early := c.ask("health", nil)
	hello := c.ask("connect", object{"token": v.target.Token})
	late := c.ask("health", nil)
	c.refusal("UNAUTHORIZED", "first request must be 'connect'", early)
	c.payload(hello)
	c.payload(late)
}

func overtaking(v *visit) {
	c := v.admin(v.name("user"))
	send := c.ask("chat.send", object{"message": "slow"})
	c.event("agent")
	c.payload(c.ask("health", nil))
	if c.answers[send] != nil {
		v.fail("chat.send was answered before its run ended")
	}
	c.call("chat.abort", object{"sessionKey": c.sessionOf("slow")})
	c.payload(send)
}

func errorsKeepOpen(v *visit) {
	c := v.admin("")
	for range 50 {
		c.refusedText("INVALID_REQUEST", "invalid frame", "{")
		c.refused("INVALID_REQUEST", "unknown method", "nonsense", nil)
		c.refused("NOT_FOUND", "", "chat.history", object{"sessionKey": v.name("none")})
	}
	c.settle()
}

func invalidFrames(v *visit) {
	for _, c := range []*client{v.admin(""), v.open(nil)} {
		for _, text := range []string{
			"", " ", "{", "}", "hello", "null", "true", "7", `"req"`, "[]", `[{"type":"req"}]`, `{"type":"req"`,
			`{"type":"req",}`, `{type:"req"}`, `{'type':'req'}`, `{"type":"req"}{"type":"req"}`, `{"type":"req"} x`,
			`{"type":5}`, `{"type":"req","method":[]}`, "{\"type\":\"re\x01q\"}", `{"type":"req","params":}`,
			`{"type":"req","params":{"a":01}}`, `{"type":"req","params":{"a":"\x"}}`, "\ufeff{}",
		} {
			c.send(text)
			v.refusal("INVALID_REQUEST", "invalid frame", c.answer(""))
		}
		if c.answered["1"] {
			c.settle()
		}
	}
}

func frameTypes(v *visit) {
	c := v.admin("")
	for _, kind := range []string{"res", "event", "REQ", "Req", "request", "", "ping"} {
		id := v.name("id")
		c.send(`{"type":` + quoted(kind) + `,"id":` + quoted(id) + `,"method":"health"}`)
		c.refusal("INVALID_REQUEST", "unexpected frame type: "+kind, id)
	}
	c.send(`{"id":"none","method":"health"}`)
	c.refusal("INVALID_REQUEST", "unexpected frame type", "none")
	c.refusedText("INVALID_REQUEST", "unexpected frame type", `{}`)
	c.send(`{"type":` + quoted(strings.Repeat("é", 5000)) + `,"id":"long"}`)
	if e := c.refusal("INVALID_REQUEST", "unexpected frame type: é",
		"long"); len(v.text(e, "message")) > 500 {
		v.fail("the error repeats all of a long type")
	}
}

func unknownMethods(v *visit) {
	c := v.admin("")
	for _, name := range []string{"", "nope", "chat", "chat.send.x", "chat.sendx", "../health",
		"chat.send\u0000"} {
		c.refused("INVALID_REQUEST", "unknown method: "+name, name, nil)
	}
	if e := c.refused("INVALID_REQUEST", "unknown method: m", strings.Repeat("m", 9000),
		nil); len(v.text(e, "message")) > 500 {
		v.fail("the error repeats all of a long name")
	}
}

func badParams(v *visit) {
	c := v.admin(v.name("user"))
	for _, row := range []struct {
		method string
		params string
		words  []string
	}{
		{"chat.send", `{"message":5}`, []string{"message", "string"}},
		{"chat.send", `{}`, []string{"message"}},
		{"chat.send", `{"message":" \n "}`, []string{"message"}},
		{"chat.send", `{"message":"x","stream":"yes"}`, []string{"stream", "true or false"}},
		{"chat.send", `{"message":"x","sessionKey":"has space"}`, []string{"sessionKey"}},
		{"chat.send", `{"message":"x","sessionKey":"` + strings.Repeat("k", 256) + `"}`,
			[]string{"sessionKey", "255"}},
		{"chat.send", `{"message":"x","ack":"later"}`, []string{"ack", "accepted"}},
		{"chat.send", `{"message":"x","idempotencyKey":"` + strings.Repeat("k", 129) + `"}`,
			[]string{"idempotencyKey", "128"}},
		{"chat.send", `{"message":"x","media":[{"path":7}]}`, []string{"media[0].path", "string"}},
		{"chat.send", `[]`, []string{"params", "object"}},
		{"chat.send", `"x"`, []string{"params", "object"}},
		{"chat.history", `{}`, []string{"sessionKey"}},
		{"chat.history", `{"sessionKey":"k","limit":"ten"}`, []string{"limit", "number"}},
		{"chat.history", `{"sessionKey":"k","limit":0}`, []string{"limit"}},
		{"chat.history", `{"sessionKey":"k","limit":1.5}`, []string{"limit", "number"}},
		{"chat.history", `{"sessionKey":"k","limit":99999999999999999999}`,
			[]string{"limit", "number"}},
		{"chat.history", `{"sessionKey":"k","before":-1}`, []string{"before"}},
		{"chat.inject", `{"sessionKey":"k"}`, []string{"message"}},
		{"chat.inject", `{"message":"x"}`, []string{"sessionKey"}},
		{"chat.inject", `{"sessionKey":"k","message":"x","label":"` + strings.Repeat("l", 121) +
			`"}`, []string{"label", "120"}},
		{"chat.abort", `{}`, []string{"sessionKey", "runId"}},
		{"chat.session.status", `{"sessionKey":""}`, []string{"sessionKey"}},
		{"sessions.list", `{"limit":-1}`, []string{"limit"}},
		{"sessions.list", `{"cursor":"nonsense"}`, []string{"cursor"}},
		{"sessions.preview", `{"sessionKey":null}`, []string{"sessionKey"}},
		{"sessions.patch", `{"sessionKey":"k"}`, []string{"label", "pinned"}},
		{"sessions.patch", `{"sessionKey":"k","pinned":"yes"}`,
			[]string{"pinned", "true or false"}},
		{"sessions.patch", `{"sessionKey":"k","label":"` + strings.Repeat("l", 121) + `"}`,
			[]string{"label", "120"}},
		{"sessions.delete", `{"sessionKey":"k"}`, []string{"key"}},
		{"sessions.reset", `{"key":"no/slash"}`, []string{"key"}},
		{"device.pair.approve", `{}`, []string{"code", "8"}},
		{"device.pair.approve", `{"code":"ABCDEFGH","role":"owner"}`,
			[]string{"role", "viewer, operator or admin"}},
		{"device.pair.approve", `{"code":"ABCDEFGH","userId":"a b"}`, []string{"userId"}},
		{"device.pair.deny", `{"code":"ABC"}`, []string{"code", "8"}},
		{"device.pair.revoke", `{}`, []string{"deviceId"}},
		{"device.pair.revoke", `{"deviceId":"x","channel":"telegram"}`, []string{"channel", "ws"}},
	} {
		id := v.name("id")
		c.send(`{"type":"req","id":"` + id + `","method":"` + row.method + `","params":` +
			row.params + `}`)
		message := v.text(c.refusal("INVALID_REQUEST", "", id), "message")
		for _, word := range row.words {
			if !strings.Contains(message, word) {
				v.fail("%s %.80s: %q does not say %q", row.method, row.params, message, word)
			}
		}
	}
	v.want(c.call("sessions.list", nil), "sessions.0", nil) // the refused calls created nothing
}

func noParams(v *visit) {
	c := v.admin("")
	for i, params := range []string{"", `,"params":null`, `,"params":{}`} {
		id := fmt.Sprint("none", i)
		c.send(`{"type":"req","id":"` + id + `","method":"sessions.list"` + params + `}`)
		c.payload(id)
		id = fmt.Sprint("needed", i)
		c.send(`{"type":"req","id":"` + id + `","method":"chat.history"` + params + `}`)
		c.refusal("INVALID_REQUEST", "sessionKey", id)
	}
	for _, params := range []string{"", `,"params":null`} {
		c = v.open(nil)
		c.send(`{"type":"req","id":"hello","method":"connect"` + params + `}`)
		c.unauthenticated("hello")
	}
}

func caseSensitive(v *visit) {
	c := v.admin("")
	c.refused("INVALID_REQUEST", "unknown method: Health", "Health", nil)
	c.refused("INVALID_REQUEST", "unknown method: chat.Send", "chat.Send", nil)
	c.refused("INVALID_REQUEST", "message", "chat.send", object{"Message": "x"})
	c.refusedText("INVALID_REQUEST", "unexpected frame type",
		`{"Type":"req","ID":"x","Method":"health"}`)
	c = v.open(nil)
	c.unauthenticated(c.ask("connect", object{"Token": v.target.Token}))
}

func unknownFields(v *visit) {
	c := v.open(nil)
	c.send(`{"jsonrpc":"2.0","type":"req","extra":{"a":[1,{"b":null}]},"id":"x","method":"connect","seq":-1.5e3,` +
		`"params":{"token":` + quoted(v.target.Token) +
		`,"scopes":["chat"],"device":{"os":"x"},"client":{"id":7,"extra":[[]]}},"ok":true}`)
	v.want(c.payload("x"), "role", "admin")
	c.call("sessions.list", object{"colour": "blue", "nested": object{"limit": "x"}})
}

func costlyJSON(v *visit) {
	admin := v.admin("")
	for _, c := range []*client{v.open(nil), admin} {
		size := 7000
		if c == admin {
			size = 200_000
		}
		for _, text := range []string{
			strings.Repeat("[", size), strings.Repeat(`{"a":`, size/5), `{"type":"req","params":` +
				strings.Repeat("[", size/2) + strings.Repeat("]", size/2) + `}`,
		} {
			c.send(text)
			v.refusal("INVALID_REQUEST", "invalid frame", c.answer(""))
		}
		c.send(`{"type":"req","id":"wide","method":"nope","params":{"a":[` +
			strings.Repeat("0,", size/2) + `0]}}`)
		c.answer("wide")
		c.send(`{"type":"req","id":"keys","method":"nope",` + strings.Repeat(`"k":0,`, size/6) +
			`"k":0}`)
		c.answer("keys")
	}
	admin.settle()
}

func notUTF8(v *visit) {
	c := v.admin("")
	for _, text := range []string{
		"{\"type\":\"req\",\"id\":\"\xff\",\"method\":\"health\"}", "{\"type\":\"req\",\"extra\":\"\xc3\x28\"}", "\xff\xfe",
		"{\"type\":\"req\",\"\xed\xa0\x80\":1}",
	} {
		v.must(c.ws.WriteFrame(rawws.Frame{Opcode: rawws.Text, Payload: []byte(text)}), "send")
		v.refusal("INVALID_REQUEST", "invalid frame", c.answer(""))
	}
	c.send(`{"type":"req","id":"lone","method":"\ud800"}`)
	c.refusal("INVALID_REQUEST", "unknown method: \ufffd", "lone")
}

func anyText(v *visit) {
	c := v.admin(v.name("user"))
	text := "Grüße 😀 \u2028\u2029 \"quotes\" \\ / \t\r\n <b>&amp;</b> e\u0301 \u200d \u202e" +
		strings.Repeat("𝔘", 100)
	sent := c.call("chat.send", object{"message": "echo " + text})
	v.want(sent, "content", text)
	history := c.call("chat.history", object{"sessionKey": v.text(sent, "sessionKey")})
	v.want(history, "messages.0.content", "echo "+text)
	if !slices.ContainsFunc(v.list(history, "messages"),
		func(m any) bool { return get(m, "content") == text }) {
		v.fail("the answer is not in the history")
	}
}
