package conformance

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/conformance/rawws"
)

// maxPendingFrame is the largest message until the client is authenticated, in bytes.
const maxPendingFrame = 16 << 10

const tooBig = "frame over 512 KiB: split it, or upload files over HTTP"

func transport() []Row {
	const section = "Transport"
	return []Row{
		{Section: section, Says: "endpoint: GET /ws → 101", steps: func(v *visit) { v.open(nil) }},
		{Section: section, steps: binaryMessage,
			Says: "a binary message gets INVALID_REQUEST: invalid frame"},
		{Section: section, steps: fullFrame,
			Says: "read limit 512 KiB (524,288 bytes) a message: exactly that many pass"},
		{Section: section, Says: "one more closes the connection with 1009", steps: overFullFrame},
		{Section: section, steps: fullFragments,
			Says: "the limit is a message's, however it is fragmented"},
		{Section: section, Says: "16 KiB until authenticated", steps: frameBeforeAuthentication},
		{Section: section, Demo: true, steps: fullAnswers,
			Says: "frames we send are ≤ 512 KiB too: pages end early with hasMore"},
		{Section: section, Wait: 100 * time.Second, steps: pings,
			Says: "the server pings every 30 s"},
		{Section: section, Wait: 3 * time.Minute, steps: livelyClient,
			Says: "a pong moves the read deadline to 60 s from now"},
		{Section: section, Wait: time.Minute, steps: silentClient,
			Says: "past it the connection is dead and is closed"},
		{Section: section, Wait: 3 * time.Minute, steps: talkativeClient,
			Says: "an authenticated connection's message moves the read deadline too"},
		{Section: section, Demo: true, Wait: time.Second, steps: slowClient,
			Says: "slow client: when the queue overflows the connection is closed with 1013 " +
				"\"too slow\""},
		{Section: section, Wait: 10 * time.Second, steps: lateHello,
			Says: "a connect frame within 10 s of the upgrade, else close 1008"},
		{Section: section, Wait: 18 * time.Second, steps: lateSecondHello,
			Says: "and within 10 s of a refused one"},
		{Section: section, Wait: 40 * time.Second, steps: patientPairing,
			Says: "a connection that waits for pairing has no such deadline"},
		{Section: section, steps: func(v *visit) { v.admin("") },
			Says: "origin: no Origin header: allowed"},
		{Section: section, Says: "origin: our own scheme+host+port", steps: ownOrigin},
		{Section: section, Says: "refused: HTTP 403 before the upgrade", steps: foreignOrigin},
		{Section: section, steps: forwardedScheme,
			Says: "from a trusted proxy, X-Forwarded-Proto wss is https and ws is http"},
		{Section: section, steps: foreignHost,
			Says: "a page's request to a host that is not the gateway's: 421"},
		{Section: section, steps: noUpgrade,
			Says: "GET /ws without Upgrade: 426 with a JSON cause"},
		{Section: section,
			steps: sendInvalid(rawws.Frame{Opcode: rawws.Text, Unmasked: true, Payload: []byte("{}")}),
			Says:  "RFC 6455 §5.1: a frame without a mask is a protocol error"},
		{Section: section,
			steps: sendInvalid(rawws.Frame{Opcode: rawws.Text, Reserved: 4, Payload: []byte("{}")}),
			Says:  "RFC 6455 §5.2: so is one with a reserved bit"},
		{Section: section, steps: sendInvalid(rawws.Frame{Opcode: 3, Payload: []byte("{}")}),
			Says: "RFC 6455 §5.2: and one with a reserved opcode"},
		{Section: section,
			steps: sendInvalid(rawws.Frame{Opcode: rawws.Continuation, Payload: []byte("{}")}),
			Says:  "RFC 6455 §5.4: and a continuation of nothing"},
		{Section: section, steps: fragments,
			Says: "RFC 6455 §5.4: fragments are joined, control frames come between them"},
		{Section: section, steps: pinged,
			Says: "RFC 6455 §5.5.2: a ping is answered with its payload"},
		{Section: section, steps: closeAnswered,
			Says: "RFC 6455 §5.5.1: a close frame is answered"},
	}
}

func binaryMessage(v *visit) {
	c := v.open(nil)
	v.must(c.ws.WriteFrame(rawws.Frame{Opcode: rawws.Binary, Payload: []byte(`{"type":"req"}`)}),
		"send")
	v.refusal("INVALID_REQUEST", "invalid frame", c.answer(""))
	c.call("connect", object{"token": v.target.Token})
	v.must(c.ws.WriteFrame(rawws.Frame{Opcode: rawws.Binary, Payload: []byte{0xff, 0}}), "send")
	v.refusal("INVALID_REQUEST", "invalid frame", c.answer(""))
	c.settle()
}

// paddedRequest returns a request of that many bytes, padded with an unknown field.
func paddedRequest(bytes int, id, method string, params object) string {
	frame := object{"type": "req", "id": id, "method": method, "params": params, "pad": ""}
	bare, err := json.Marshal(frame)
	if err != nil {
		panic(err) // every object of a row can be encoded
	}
	frame["pad"] = strings.Repeat("x", bytes-len(bare))
	full, err := json.Marshal(frame)
	if err != nil {
		panic(err)
	}
	return string(full)
}

func fullFrame(v *visit) {
	c := v.admin("")
	c.send(paddedRequest(maxFrame, "full", "health", object{}))
	c.payload("full")
}

func overFullFrame(v *visit) {
	c := v.admin("")
	c.send(paddedRequest(maxFrame+1, "over", "health", object{}))
	c.closed(1009, tooBig)
}

// sendFragments sends text as one message, in fragments of at most size bytes.
func (c *client) sendFragments(text string, size int) {
	var wire []byte
	for first := true; first || text != ""; first = false {
		f := rawws.Frame{Payload: []byte(text[:min(size, len(text))])}
		text = text[len(f.Payload):]
		if first {
			f.Opcode = rawws.Text
		}
		f.More = text != ""
		wire = f.Append(wire)
	}
	_, err := c.ws.Write(wire)
	c.v.must(err, "send fragments")
}

func fullFragments(v *visit) {
	c := v.admin("")
	c.sendFragments(paddedRequest(maxFrame, "full", "health", object{}), 1000)
	c.payload("full")
	// One byte over the limit: the gateway may refuse before the last fragment.
	c.sendFragments(paddedRequest(maxFrame+1, "over", "health", object{}), maxFrame/2)
	c.closed(1009, tooBig)
}

func frameBeforeAuthentication(v *visit) {
	c := v.open(nil)
	c.send(paddedRequest(maxPendingFrame, "full", "connect", object{"token": v.target.Token}))
	c.payload("full")
	c.send(paddedRequest(maxPendingFrame+1, "more", "health", object{}))
	c.payload("more")
	c = v.open(nil)
	c.send(paddedRequest(maxPendingFrame+1, "over", "connect", object{"token": v.target.Token}))
	c.closed(1009, "")
}

func fullAnswers(v *visit) {
	c := v.admin(v.name("user"))
	const messages = 6
	key := c.newSession("begin")
	for i := range messages {
		c.call("chat.inject", object{"sessionKey": key, "message": fmt.Sprintf("%d ", i) +
			strings.Repeat("y", 200<<10)})
	}
	all, pages := c.transcript(key, 50)
	if pages < 2 {
		v.fail("%d KiB came in one page, want several", messages*200)
	}
	if len(all) != messages+2 {
		v.fail("%d messages in %d pages, want %d", len(all), pages, messages+2)
	}
}

// transcript reads a session's messages backwards, page by page. It returns all of them,
// the oldest first, and the number of pages.
func (c *client) transcript(key string, limit int) (all []object, pages int) {
	seen := map[string]bool{}
	before := int64(0)
	for more := true; more; pages++ {
		params := object{"sessionKey": key, "limit": limit}
		if before > 0 {
			params["before"] = before
		}
		page := c.call("chat.history", params)
		var part []object
		for _, m := range c.v.list(page, "messages") {
			m := m.(object)
			if id := c.v.text(m, "id"); seen[id] {
				c.v.fail("a message is on two pages")
			} else {
				seen[id] = true
			}
			part = append(part, m)
		}
		if len(part) == 0 {
			c.v.fail("an empty page")
		}
		all = append(part, all...)
		before = c.v.number(part[0], "seq")
		more = page["hasMore"] == true
	}
	return all, pages
}

func pings(v *visit) {
	c := v.admin("")
	for last, n := time.Now(), 0; n < 3; {
		v.must(c.ws.SetReadDeadline(time.Now().Add(40*time.Second)), "set a deadline")
		if c.frame().Opcode != rawws.Ping {
			continue
		}
		if gap := time.Since(last); gap > 31*time.Second {
			v.fail("a ping came after %v, want at most 31 s", gap)
		}
		last = time.Now()
		n++
	}
}

func livelyClient(v *visit) {
	c := v.admin("")
	for start := time.Now(); time.Since(start) < 150*time.Second; {
		if f := c.frame(); f.Opcode == rawws.Close {
			v.fail("closed after %v, although every ping was answered", time.Since(start))
		}
	}
	c.settle()
}

func silentClient(v *visit) {
	c := v.admin("")
	c.mute = true
	start := time.Now()
	for {
		f, err := c.ws.ReadFrame()
		if err != nil || f.Opcode == rawws.Close {
			break
		}
	}
	if took := time.Since(start); took < 59*time.Second || took > 63*time.Second {
		v.fail("closed after %v, want 60 s", took)
	}
}

func talkativeClient(v *visit) {
	c := v.admin("")
	c.mute = true
	for range 8 {
		c.readFor(20 * time.Second)
		c.settle()
	}
}

// slowClient does not read while it is sent more than kernel, proxy and queue can hold. If
// the connection ends without a close frame, the row is not applicable: a gateway need not
// wait until the frame gets through.
func slowClient(v *visit) {
	const messages = 60 // 15 MiB: a kernel holds some 4 MiB, and a proxy's as much again
	user := v.name("user")
	slow, quick := v.admin(user), v.admin(user)
	key := quick.newSession("begin")
	for range messages {
		quick.call("chat.inject",
			object{"sessionKey": key, "message": strings.Repeat("w", 250<<10)})
	}
	last := quick.call("chat.history", object{"sessionKey": key, "limit": 1})["lastSeq"]
	for {
		f, err := slow.ws.ReadFrame()
		switch {
		case err != nil && v.ctx.Err() != nil:
			v.must(err, "read, waiting to be closed")
		case err != nil:
			panic(NotApplicable("the connection ended, and no close frame got through: " +
				err.Error()))
		case f.Opcode == rawws.Close:
			slow.closing(f, 1013, "too slow")
			return
		case f.Opcode == rawws.Text:
			slow.message(f.Payload)
			if n := len(slow.events); n > 0 && slow.events[n-1]["seq"] == last {
				v.fail("all %d MiB came although the client did not read, want close 1013",
					messages*250>>10)
			}
		}
	}
}

func lateHello(v *visit) {
	c := v.open(nil)
	start := time.Now()
	c.closed(1008, "")
	if took := time.Since(start); took < 9*time.Second || took > 12*time.Second {
		v.fail("closed after %v, want 10 s", took)
	}
}

func lateSecondHello(v *visit) {
	c := v.open(nil)
	v.wait(8 * time.Second)
	c.refused("UNAUTHORIZED", "invalid token", "connect", object{"token": "wrong"})
	start := time.Now()
	// Only a connect restarts the deadline; this request must not.
	v.wait(5 * time.Second)
	c.refused("UNAUTHORIZED", "first request must be 'connect'", "health", nil)
	c.closed(1008, "")
	if took := time.Since(start); took < 9*time.Second || took > 12*time.Second {
		v.fail("closed %v after a refused connect, want 10 s", took)
	}
}

func patientPairing(v *visit) {
	c := v.open(nil)
	c.call("connect", object{})
	for range 4 {
		v.wait(10 * time.Second)
		v.want(c.call("browser.pairing.status", nil), "status", "pending")
	}
}

func ownOrigin(v *visit) {
	c := v.open(http.Header{"Origin": {v.target.origin()}})
	c.call("connect", object{"token": v.target.Token})
}

func foreignOrigin(v *visit) {
	for _, from := range []string{
		"http://attacker.example", "https://attacker.example:8443", "null", v.target.origin() +
			".attacker.example",
		"http://" + strings.TrimPrefix(v.target.origin(), "http://") + "1", "file://", "garbage",
	} {
		refusal := v.openRefused(http.Header{"Origin": {from}})
		if refusal.Status != http.StatusForbidden {
			v.fail("Origin %s: HTTP %d, want 403", from, refusal.Status)
		}
		var body object
		v.must(json.Unmarshal(refusal.Body, &body), "the refusal's body")
		v.text(body, "error.message")
	}
}

// forwardedScheme sends what Traefik sends on an upgrade.
func forwardedScheme(v *visit) {
	if !v.target.Proxied {
		panic(NotApplicable("the gateway does not trust this machine as a proxy (-proxied)"))
	}
	_, host, _ := strings.Cut(v.target.URL, "://")
	for proto, scheme := range map[string]string{"wss": "https", "WSS, http": "https", "ws": "http"} {
		own := http.Header{"X-Forwarded-Proto": {proto}, "X-Forwarded-Host": {host},
			"Origin": {scheme + "://" + host}}
		v.open(own).call("connect", object{"token": v.target.Token})
	}
}

// foreignHost names the gateway as a page may that has made its own name lead there.
func foreignHost(v *visit) {
	const host = "stranger.invalid"
	refusal := v.openRefused(http.Header{"Host": {host}, "Origin": {"http://" + host}})
	var body object
	if json.Unmarshal(refusal.Body, &body) != nil {
		panic(NotApplicable("what stands in front of the gateway answers for hosts that it does not know"))
	}
	if refusal.Status != http.StatusMisdirectedRequest {
		v.fail("Host %s: HTTP %d, want 421", host, refusal.Status)
	}
	v.text(body, "error.message")
	v.open(http.Header{"Host": {host}}).call("connect", object{"token": v.target.Token}) // a program
}

func noUpgrade(v *visit) {
	refusal := v.openRefused(http.Header{"Upgrade": {}, "Connection": {}})
	if refusal.Status != http.StatusUpgradeRequired {
		v.fail("HTTP %d, want 426", refusal.Status)
	}
	var body object
	v.must(json.Unmarshal(refusal.Body, &body), "the refusal's body")
	v.text(body, "error.code")
	v.text(body, "error.message")
}

// sendInvalid gives steps that send a frame which RFC 6455 does not allow.
func sendInvalid(f rawws.Frame) func(*visit) {
	return func(v *visit) {
		c := v.admin("")
		v.must(c.ws.WriteFrame(f), "send")
		c.closed(1002, "")
	}
}

func fragments(v *visit) {
	c := v.admin("")
	text := `{"type":"req","id":"fragmented","method":"health"}`
	c.v.must(c.ws.WriteFrame(rawws.Frame{Opcode: rawws.Text, More: true,
		Payload: []byte(text[:7])}), "send")
	c.v.must(c.ws.WriteFrame(rawws.Frame{Opcode: rawws.Ping, Payload: []byte("between")}), "send")
	c.v.must(c.ws.WriteFrame(rawws.Frame{Opcode: rawws.Continuation, More: true}), "send")
	c.v.must(c.ws.WriteFrame(rawws.Frame{Opcode: rawws.Continuation, Payload: []byte(text[7:])}),
		"send")
	c.payload("fragmented")
}

func pinged(v *visit) {
	c := v.admin("")
	v.must(c.ws.WriteFrame(rawws.Frame{Opcode: rawws.Ping, Payload: []byte("how are you")}), "send")
	for {
		if f := c.frame(); f.Opcode == rawws.Pong {
			if string(f.Payload) != "how are you" {
				v.fail("a pong has the payload %q", f.Payload)
			}
			return
		}
	}
}

func closeAnswered(v *visit) {
	c := v.admin("")
	v.must(c.ws.WriteFrame(rawws.Frame{Opcode: rawws.Close, Payload: []byte{0x03, 0xe8}}), "send")
	for {
		f, err := c.ws.ReadFrame()
		v.must(err, "read")
		if f.Opcode == rawws.Close {
			break
		}
	}
	if _, err := c.ws.ReadFrame(); err == nil {
		v.fail("a frame came after the close frame")
	}
}
