package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"testing"
	"unicode/utf8"

	"github.com/coder/websocket"

	"github.com/gatehouse-chat/gatehouse/server/internal/gateway"
	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// FuzzFrames sends the lines of its input as frames, from a stranger, a client that waits
// for pairing, a viewer, an operator and an admin. Every frame gets one answer, which is a
// frame of the protocol, is no internal error, and has the request's id; the connection
// stays open; and no stranger becomes authenticated. Frames whose answer waits for a run
// are left to other tests.
func FuzzFrames(f *testing.F) {
	for _, m := range gateway.Methods() {
		f.Add(frameOf(m.Name, uses()[m.Name].params))
		for _, params := range uses()[m.Name].others {
			f.Add(frameOf(m.Name, params))
		}
	}
	for _, seed := range []string{
		``, `null`, `[]`, `7`, `{`, `{}`, `{"type":"req"}`, `{"type":"res","id":"1","ok":true}`,
		`{"type":"event"}`,
		`{"type":"req","id":"1","method":"chat.send","params":[]}`,
		`{"type":"req","id":7,"method":"health"}`,
		`{"type":"req","id":"1","method":"health","params":{"a":[[[[[[[[1]]]]]]]]}}`,
		`{"type":"req","id":"é","method":"nothing"}` + "\n" + `{"type":"req","method":"status"}`,
		`{"type":"req","id":"1","method":"sessions.list","params":{"limit":-1,"cursor":"1.a.b"}}`,
		`{"type":"req","id":"1","method":"chat.replay","params":{"sessionKey":"theirs","afterSeq":9223372036854775807}}`,
		`{"type":"req","id":"1","method":"chat.history","params":{"sessionKey":"theirs","before":-9223372036854775808}}`,
		"\xff\xfe", "{\"type\":\"req\",\"id\":\"\\ud800\",\"method\":\"health\"}",
		string(bytes.Repeat([]byte("["), 100)),
	} {
		f.Add([]byte(seed))
	}
	f.Add(fmt.Appendf(nil, `{"type":"req","id":"1","method":"chat.watch","params":{"sessionKey":"theirs","afterSeq":%d}}`, math.MaxInt64))

	gw := newTestGateway(f, httpdtest.Options{})
	open(gw.member(f, protocol.Operator, "owner"), "theirs")
	all := fuzzers(f, gw)
	f.Fuzz(func(t *testing.T, input []byte) {
		if len(input) > 8<<10 {
			return // below the limit of a stranger's frame
		}
		frames := bytes.SplitN(input, []byte("\n"), 8)
		for _, frame := range frames {
			if waits(frame) {
				return
			}
		}
		for _, who := range all {
			who.exchange(t, frames)
		}
		gw.Log.Forget() // a long run must not fill the memory
	})
}

func frameOf(method, params string) []byte {
	if params == "" {
		params = "null"
	}
	return []byte(`{"type":"req","id":"1","method":"` + method + `","params":` + params + `}`)
}

// waits reports whether the answer to a frame may have to wait for the end of a run.
func waits(frame []byte) bool {
	var r protocol.Request
	if protocol.Decode(frame, &r) != nil || r.Method != protocol.MethodChatSend &&
		r.Method != protocol.MethodChatRetry {
		return false
	}
	var p protocol.ChatSendParams
	return protocol.Decode(r.Params, &p) == nil && p.Ack != protocol.AckAccepted
}

// fuzzer sends arbitrary frames in one role. When its connection has ended, it opens
// another one.
type fuzzer struct {
	name   string
	dial   func(*testing.T) *websocket.Conn
	member bool
	ws     *websocket.Conn
	used   int
}

// exchangesAConnection is how many exchanges a connection has before it is replaced: few,
// since a stranger's address may make 60 calls a minute.
const exchangesAConnection = 20

func fuzzers(f *testing.F, gw *testGateway) []*fuzzer {
	f.Helper()
	viewer, operator := gw.pair(f, protocol.Viewer, "reader"), gw.pair(f, protocol.Operator, "writer")
	last := 0
	dial := func(params string) func(*testing.T) *websocket.Conn {
		return func(t *testing.T) *websocket.Conn {
			last++
			ctx, cancel := context.WithTimeout(t.Context(), httpdtest.Timeout)
			defer cancel()
			address := netip.AddrFrom4([4]byte{10, byte(last >> 16), byte(last >> 8), byte(last)})
			ws, _, err := websocket.Dial(ctx, gw.url+"/ws",
				&websocket.DialOptions{HTTPHeader: from(address.String())})
			if err != nil {
				t.Fatal(err)
			}
			ws.SetReadLimit(-1)
			if params == "" {
				return ws
			}
			if err := ws.Write(ctx, websocket.MessageText,
				frameOf(protocol.MethodConnect, params)); err != nil {
				t.Fatal(err)
			}
			if _, _, err := ws.Read(ctx); err != nil {
				t.Fatal(err)
			}
			return ws
		}
	}
	return []*fuzzer{
		{name: "a stranger", dial: dial("")},
		{name: "a client that waits for pairing", dial: dial(`{}`)},
		{name: "a viewer", member: true, dial: dial(`{"sender_id":"` + viewer.secret + `"}`)},
		{name: "an operator", member: true, dial: dial(`{"sender_id":"` + operator.secret + `"}`)},
		{name: "an admin", member: true, dial: dial(`{"token":"` + httpdtest.Token +
			`","user_id":"boss"}`)},
	}
}

// exchange sends the frames and one more, and reads up to the answer to the last one.
func (who *fuzzer) exchange(t *testing.T, frames [][]byte) {
	t.Helper()
	if who.used++; who.ws == nil || who.used > exchangesAConnection {
		if who.ws != nil {
			_ = who.ws.CloseNow()
		}
		who.ws, who.used = who.dial(t), 1
	}
	ctx, cancel := context.WithTimeout(t.Context(), httpdtest.Timeout)
	defer cancel()
	const last = "the last one"
	for _, frame := range append(frames, []byte(`{"type":"req","id":"`+last+`","method":"health"}`)) {
		if err := who.ws.Write(ctx, websocket.MessageText, frame); err != nil {
			break // the close frame, read below, says why
		}
	}
	for i := 0; ; {
		_, text, err := who.ws.Read(ctx)
		if err != nil {
			who.checkClose(t, err)
			return
		}
		answer, is := who.answer(t, text)
		switch {
		case !is:
		case answer.ID == last:
			if i != len(frames) {
				t.Errorf("%s: %d answers to %d frames", who.name, i, len(frames))
			}
			who.checkStranger(t, answer)
			return
		case i >= len(frames):
			t.Fatalf("%s: an answer too many: %s", who.name, text)
		default:
			var r protocol.Request
			_ = protocol.Decode(frames[i], &r)
			if answer.ID != "" && answer.ID != r.ID {
				t.Errorf("%s: %s answered %q", who.name, text, frames[i])
			}
			i++
		}
	}
}

// answer decodes a frame, which must be one of the protocol, and reports whether it is an
// answer.
func (who *fuzzer) answer(t *testing.T, text []byte) (protocol.Frame, bool) {
	t.Helper()
	var f protocol.Frame
	if err := protocol.Decode(text, &f); err != nil || !json.Valid(text) || !utf8.Valid(text) {
		t.Fatalf("%s: %v in %s", who.name, err, text)
	}
	switch {
	case f.Type == protocol.TypeEvent:
		return f, false
	case f.Type != protocol.TypeResponse, f.OK != (f.Error == nil):
		t.Fatalf("%s: %s is no answer", who.name, text)
	case !f.OK && f.Error.Code == protocol.Internal:
		t.Fatalf("%s: %s", who.name, text)
	}
	return f, true
}

// checkStranger checks that a stranger is still a stranger.
func (who *fuzzer) checkStranger(t *testing.T, health protocol.Frame) {
	t.Helper()
	if !who.member && health.OK {
		t.Errorf("%s became authenticated", who.name)
	}
}

// checkClose checks that a connection ended with a close frame that says why.
func (who *fuzzer) checkClose(t *testing.T, err error) {
	t.Helper()
	who.ws = nil
	switch websocket.CloseStatus(err) {
	// a credential or a connection was ended, or a frame is too large
	case protocol.ClosePolicy, protocol.CloseTooBig:
	default:
		t.Errorf("%s: the connection ended with %v", who.name, err)
	}
}
