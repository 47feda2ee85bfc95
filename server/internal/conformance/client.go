package conformance

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gatehouse-chat/gatehouse/server/internal/conformance/rawws"
)

// object is a JSON object.
type object = map[string]any

// maxFrame is the largest message in either direction, in bytes.
const maxFrame = 512 << 10

// client is one connection of a row.
type client struct {
	v        *visit
	ws       *rawws.Conn
	lastID   int               // of requests
	answers  map[string]object // by id; answers that the row has not read yet
	answered map[string]bool   // ids of all answers, to find second ones
	events   []object          // that the row has not read yet
	mute     bool              // do not answer pings
	own      bool              // the row has invented the user
}

// userAgent names the walk. The gateway sends no webhook about a pairing that a client of
// this name asks for.
const userAgent = "gatehouse-conformance"

// header returns h with the headers that name the walk and give the row its address.
func (v *visit) header(h http.Header) http.Header {
	h = h.Clone()
	if h == nil {
		h = http.Header{}
	}
	if h.Get("User-Agent") == "" {
		h.Set("User-Agent", userAgent)
	}
	if v.target.Proxied && h.Get("X-Forwarded-For") == "" {
		h.Set("X-Forwarded-For", v.address.String())
	}
	return h
}

// open opens a WebSocket.
func (v *visit) open(h http.Header) *client {
	ws, err := rawws.Dial(v.ctx, v.target.URL+"/ws", v.header(h), v.target.Dial)
	v.noteRetryAfter(err)
	v.must(err, "open a WebSocket")
	c := &client{v: v, ws: ws, answers: map[string]object{}, answered: map[string]bool{}}
	v.clients = append(v.clients, c)
	return c
}

// noteRetryAfter records when a gateway that takes no more connections allows the next
// try.
func (v *visit) noteRetryAfter(err error) {
	var refusal *rawws.Refusal
	if errors.As(err, &refusal) && (refusal.Status == http.StatusTooManyRequests ||
		refusal.Status == http.StatusServiceUnavailable) {
		seconds, _ := strconv.Atoi(refusal.Header.Get("Retry-After")) // none is 0
		v.after = max(v.after, time.Duration(seconds)*time.Second, time.Second)
	}
}

// openRefused opens a WebSocket, which the gateway must refuse, and returns the refusal.
func (v *visit) openRefused(h http.Header) *rawws.Refusal {
	ws, err := rawws.Dial(v.ctx, v.target.URL+"/ws", v.header(h), v.target.Dial)
	if err == nil {
		_ = ws.Close()
		v.fail("the handshake was accepted, want it refused")
	}
	var refusal *rawws.Refusal
	if !errors.As(err, &refusal) {
		v.fail("the handshake: %v, want an HTTP refusal", err)
	}
	return refusal
}

// admin opens a connection with the gateway token, as a user.
func (v *visit) admin(user string) *client {
	c := v.open(nil)
	c.call("connect", object{"token": v.target.Token, "user_id": user})
	return c
}

// device is a paired device.
type device struct {
	secret, id, user string
}

// pair pairs a device; empty role and user are left out of the approval.
func (v *visit) pair(role, user string) device {
	v.require(Pairing)
	c := v.open(nil)
	asked := c.call("connect", object{})
	approval := object{"code": v.text(asked, "pairing_code")}
	if role != "" {
		approval["role"] = role
	}
	if user != "" {
		approval["userId"] = user
	}
	admin := v.admin("")
	paired := admin.call("device.pair.approve", approval)
	v.must(admin.ws.Close(), "close")
	v.must(c.ws.Close(), "close")
	return device{v.text(asked, "sender_id"), v.text(paired, "paired.deviceId"),
		v.text(paired, "paired.userId")}
}

// connect opens a connection of the device.
func (d device) connect(v *visit) *client {
	c := v.open(nil)
	c.call("connect", object{"sender_id": d.secret})
	return c
}

// member pairs a device of a new user with a role, and connects it.
func (v *visit) member(role string) *client { return v.pair(role, v.name("user")).connect(v) }

// send sends text as one message.
func (c *client) send(text string) {
	c.v.must(c.ws.WriteFrame(rawws.Frame{Opcode: rawws.Text, Payload: []byte(text)}), "send")
}

// ask sends a request and returns its id.
func (c *client) ask(method string, params object) string {
	c.v.requireFor(method, params)
	c.lastID++
	id := strconv.Itoa(c.lastID)
	if method == "connect" && params["client"] == nil {
		// A client that does not say who it is knows only v3, and gets less.
		params = maps.Clone(params)
		if params == nil {
			params = object{}
		}
		params["client"] = object{"name": "conformance"}
	}
	frame := object{"type": "req", "id": id, "method": method}
	if params != nil {
		frame["params"] = params
	}
	text, err := json.Marshal(frame)
	c.v.must(err, "encode a request")
	c.send(string(text))
	return id
}

// call makes a request that must succeed, and returns the payload.
func (c *client) call(method string, params object) object {
	return c.accepted(c.allowed(method, params))
}

// allowed makes a request and returns the answer. In a patient row it repeats a request
// that a rate limit has refused.
func (c *client) allowed(method string, params object) object {
	for {
		before := c.v.after
		answer := c.answer(c.ask(method, params))
		pause := time.Duration(0)
		if ms, _ := get(answer, "error.retryAfterMs").(float64); get(answer,
			"error.code") == "RESOURCE_EXHAUSTED" {
			pause = time.Duration(ms) * time.Millisecond
		}
		if !c.v.patient || pause <= 0 || pause > brief {
			return answer
		}
		c.v.after = before
		c.v.wait(pause)
	}
}

// brief is a pause that is shorter than the hello deadline: a connection that has not sent
// connect yet stays open.
const brief = 5 * time.Second

// payload waits for the answer to a request that must succeed, and returns the payload.
func (c *client) payload(id string) object { return c.accepted(c.answer(id)) }

// accepted returns the payload of an answer that must be a success.
func (c *client) accepted(answer object) object {
	if answer["ok"] != true {
		c.v.fail("refused: %v, want a payload", answer["error"])
	}
	return answer["payload"].(object)
}

// unauthenticated waits for the answer to a connect. The gateway must treat the connect as
// one without a credential.
func (c *client) unauthenticated(id string) {
	if slices.Contains(c.v.target.Without, Pairing) {
		c.refusal("UNAUTHORIZED", "", id)
		return
	}
	c.v.want(c.payload(id), "status", "pending_pairing")
}

// refused makes a request that must be refused with the code, and with a message that
// contains the words. It returns the error.
func (c *client) refused(code, words, method string, params object) object {
	return c.refusal(code, words, c.ask(method, params))
}

// refusal waits for the answer to a request that must be refused, like refused.
func (c *client) refusal(code, words, id string) object {
	return c.v.refusal(code, words, c.answer(id))
}

func (v *visit) refusal(code, words string, answer object) object {
	if answer["ok"] != false {
		v.fail("accepted with %v, want %s", answer["payload"], code)
	}
	e := answer["error"].(object)
	if e["code"] != code || !strings.Contains(e["message"].(string), words) {
		v.fail("refused with %v: %v, want %s: …%s…", e["code"], e["message"], code, words)
	}
	if after, _ := e["retryAfterMs"].(float64); code == "RESOURCE_EXHAUSTED" &&
		(e["retryable"] != true || after <= 0) {
		v.fail("%s with retryable %v and retryAfterMs %v, want true and a time", code,
			e["retryable"], e["retryAfterMs"])
	}
	if code == "UNAVAILABLE" && e["retryable"] != true {
		v.fail("%s is not retryable", code)
	}
	return e
}

// answer waits for the answer with the id.
func (c *client) answer(id string) object {
	for c.answers[id] == nil {
		c.read()
	}
	answer := c.answers[id]
	delete(c.answers, id)
	return answer
}

// refusedText sends text without a readable id, which must be refused.
func (c *client) refusedText(code, words, text string) {
	c.send(text)
	c.v.refusal(code, words, c.answer(""))
}

// event waits for the next event of a name, and skips other events.
func (c *client) event(name string) object {
	return c.eventWith(name, func(object) bool { return true })
}

// eventWith waits for the next event of a name for whose payload wanted returns true.
func (c *client) eventWith(name string, wanted func(payload object) bool) object {
	for {
		for i, e := range c.events {
			if e["event"] == name && wanted(e["payload"].(object)) {
				c.events = c.events[i+1:]
				return e
			}
		}
		c.events = nil
		for c.events == nil {
			c.read()
		}
	}
}

// eventsUntil returns the session's events, up to the first one for which last returns
// true.
func (c *client) eventsUntil(session string, last func(event object) bool) []object {
	var log []object
	for {
		for i, e := range c.events {
			if v, _ := get(e, "payload.sessionKey").(string); v != session {
				continue
			}
			log = append(log, e)
			if last(e) {
				c.events = slices.Delete(c.events, 0, i+1)
				return log
			}
		}
		c.events = nil
		for c.events == nil {
			c.read()
		}
	}
}

// settle makes a request and waits for the answer: then everything that the gateway has
// sent before was received.
func (c *client) settle() { c.answer(c.ask("health", nil)) }

// read reads the next frame and keeps its answer or event.
func (c *client) read() { c.take(c.frame()) }

// take keeps the answer or event in a frame.
func (c *client) take(f rawws.Frame) {
	switch f.Opcode {
	case rawws.Text:
		c.message(f.Payload)
	case rawws.Close:
		code, reason := rawws.CloseOf(f)
		c.v.fail("closed with %d %q", code, reason)
	}
}

// readFor reads for the given time, and keeps answers and events.
func (c *client) readFor(d time.Duration) {
	c.v.must(c.ws.SetReadDeadline(time.Now().Add(d)), "set a deadline")
	for {
		f, err := c.next()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		c.v.must(err, "read")
		c.take(f)
	}
	c.v.must(c.ws.SetReadDeadline(time.Time{}), "set a deadline")
}

// frame reads a frame.
func (c *client) frame() rawws.Frame {
	f, err := c.next()
	c.v.must(err, "read")
	return f
}

// next reads a frame, checks that it is well formed, and answers a ping.
func (c *client) next() (rawws.Frame, error) {
	f, err := c.ws.ReadFrame()
	switch {
	case err != nil:
		return f, err
	case f.More || f.Reserved != 0 || !f.Unmasked:
		c.v.fail("the gateway sent a frame with fragments, reserved bits or a mask: "+
			"more to come %v, reserved bits %d, without a mask %v", f.More, f.Reserved, f.Unmasked)
	case f.Opcode >= rawws.Close && len(f.Payload) > 125:
		c.v.fail("a control frame of %d bytes (RFC 6455 §5.5)", len(f.Payload))
	case len(f.Payload) > maxFrame:
		c.v.fail("a message of %d bytes, the limit is %d", len(f.Payload), maxFrame)
	case f.Opcode == rawws.Text && !utf8.Valid(f.Payload):
		c.v.fail("a message that is not UTF-8: %q", f.Payload)
	case f.Opcode == rawws.Ping && !c.mute:
		c.v.must(c.ws.WriteFrame(rawws.Frame{Opcode: rawws.Pong, Payload: f.Payload}),
			"send a pong")
	case f.Opcode == rawws.Binary || f.Opcode == rawws.Continuation:
		c.v.fail("the gateway sent a frame of opcode %d", f.Opcode)
	}
	return f, nil
}

// message checks a message and keeps it as an answer or an event.
func (c *client) message(text []byte) {
	var m object
	c.v.must(json.Unmarshal(text, &m), "a message that is no JSON object")
	c.noteCreated(m)
	switch m["type"] {
	case "res":
		id, named := m["id"].(string)
		if !named || id != "" && c.answered[id] {
			c.v.fail("an answer without an id, or a second answer to a request: %s", text)
		}
		c.answered[id] = true
		c.checkAnswer(m)
		c.answers[id] = m
	case "event":
		if _, ok := m["payload"].(object); !ok || m["event"] == nil {
			c.v.fail("an event without name or payload: %s", text)
		}
		c.events = append(c.events, m)
	default:
		c.v.fail("the gateway sent a frame of type %v", m["type"])
	}
}

func (c *client) checkAnswer(m object) {
	payload, hasPayload := m["payload"].(object)
	e, hasError := m["error"].(object)
	switch m["ok"] {
	case true:
		if !hasPayload || hasError {
			c.v.fail("an answer with ok true has payload %v and error %v, want a payload alone",
				payload, e)
		}
	case false:
		code, _ := e["code"].(string)
		message, _ := e["message"].(string)
		if hasPayload || code == "" || message == "" {
			c.v.fail("an answer with ok false has error %v and payload %v, want an error alone", e,
				payload)
		}
		c.v.skipUnknownAddition(code, message)
		if after, _ := e["retryAfterMs"].(float64); code == "RESOURCE_EXHAUSTED" {
			c.v.after = max(c.v.after, time.Duration(after)*time.Millisecond)
		}
	default:
		c.v.fail("an answer with ok %v", m["ok"])
	}
}

// closed waits for a close frame, checks and answers it.
func (c *client) closed(code int, reason string) {
	for {
		f, err := c.ws.ReadFrame()
		c.v.must(err, fmt.Sprintf("read, waiting to be closed with %d", code))
		if f.Opcode != rawws.Close {
			continue
		}
		c.closing(f, code, reason)
		return
	}
}

// closing checks a close frame and answers it.
func (c *client) closing(f rawws.Frame, code int, reason string) {
	gotCode, gotReason := rawws.CloseOf(f)
	if gotCode != code || reason != "" && gotReason != reason {
		c.v.fail("closed with %d %q, want %d %q", gotCode, gotReason, code, reason)
	}
	_ = c.ws.WriteFrame(rawws.Frame{Opcode: rawws.Close,
		Payload: f.Payload}) // the gateway may have closed the socket
}

// get returns the value at a path, such as "pending.0.code", in a JSON value, or nil.
func get(value any, path string) any {
	for step := range strings.SplitSeq(path, ".") {
		switch of := value.(type) {
		case object:
			value = of[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(of) {
				return nil
			}
			value = of[i]
		default:
			return nil
		}
	}
	return value
}

// text returns the text at the path, which must not be empty.
func (v *visit) text(of object, path string) string {
	s, _ := get(of, path).(string)
	if s == "" {
		v.fail("%s is %v, want text", path, get(of, path))
	}
	return s
}

// number returns the whole number at the path.
func (v *visit) number(of object, path string) int64 {
	n, ok := get(of, path).(float64)
	if !ok || n != float64(int64(n)) {
		v.fail("%s is %v, want a whole number", path, get(of, path))
	}
	return int64(n)
}

// list returns the list at the path.
func (v *visit) list(of object, path string) []any {
	l, ok := get(of, path).([]any)
	if !ok {
		v.fail("%s is %v, want a list", path, get(of, path))
	}
	return l
}

// want checks the value at a path; want nil means that there must be no value.
func (v *visit) want(of object, path string, want any) {
	if n, ok := want.(int); ok {
		want = float64(n)
	}
	if n, ok := want.(int64); ok {
		want = float64(n)
	}
	if got := get(of, path); got != want {
		v.fail("%s is %v, want %v", path, got, want)
	}
}
