package gateway_test

import (
	"context"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// TestHardLimits sends frames that no proper client sends. Each gets an error answer or a
// close with a reason, is counted, and is logged.
func TestHardLimits(t *testing.T) {
	t.Parallel()
	const frame = protocol.MaxFrameBytes
	deep := `{"type":"req","id":"1","method":"health","params":` + strings.Repeat("[", 200_000) +
		strings.Repeat("]", 200_000) + `}`
	wide := `{"type":"req","id":"1","method":"health","params":{"a":[` +
		strings.Repeat("{},", 150_000) + `{}]}}`
	media := `{"type":"req","id":"1","method":"chat.send","params":{"message":"x","media":[` +
		strings.Repeat("{},", 150_000) + `{}]}}`
	for name, row := range map[string]struct {
		text    string
		binary  bool
		answer  string // a part of the answer
		reason  string // or of the reason of the close
		counted string
		line    string
	}{
		"deep JSON": {text: deep, answer: "nested deeper than 64 levels", counted: "too_deep",
			line: "what=too_deep"},
		"rubbish": {text: "rubbish", answer: "invalid frame", counted: "not_json",
			line: "what=not_json"},
		"no object": {text: "[1]", answer: "invalid frame", counted: "wrong_type",
			line: "what=wrong_type"},
		"null": {text: "null", answer: "invalid frame", counted: "wrong_type",
			line: "what=wrong_type"},
		"binary": {text: "x", binary: true, answer: "binary message", counted: "binary",
			line: "what=binary"},
		"another type": {text: `{"type":"event","id":"1"}`, answer: "unexpected frame type: event",
			counted: "frame_type", line: "what=frame_type"},
		"an endless id": {text: `{"type":"req","method":"health","id":"` +
			strings.Repeat("i", 300_000) + `"}`, answer: "id must be", counted: "bad_id",
			line: "what=bad_id"},
		"an unknown method": {text: `{"type":"req","id":"1","method":"` + strings.Repeat("m", 300_000) +
			`"}`, answer: "unknown method: mmm", counted: "unknown_method", line: "what=unknown_method"},
		"wide JSON":      {text: wide, answer: `"ok":true`},
		"too many files": {text: media, answer: "INVALID_REQUEST"},
		"a frame too large": {text: strings.Repeat(" ", frame+1), reason: "frame over 512 KiB",
			counted: "too_big", line: "cause=too_big"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			gw := newTestGateway(t, httpdtest.Options{})
			ws := rawAdmin(t, gw)
			ctx, cancel := context.WithTimeout(t.Context(), httpdtest.Timeout)
			defer cancel()
			kind := websocket.MessageText
			if row.binary {
				kind = websocket.MessageBinary
			}
			_ = ws.Write(ctx, kind, []byte(row.text)) // the gateway may close first
			_, text, err := ws.Read(ctx)
			for err == nil && strings.Contains(string(text), `"event":"`+protocol.EventAdminChanged) {
				_, text, err = ws.Read(ctx)
			}
			switch {
			case row.reason != "":
				if websocket.CloseStatus(err) != protocol.CloseTooBig ||
					!strings.Contains(err.Error(), row.reason) {
					t.Errorf("%.200s %v, want a close with the reason %s", text, err, row.reason)
				}
				gw.untilConnections(t, 0)
			case err != nil || !strings.Contains(string(text), row.answer) || len(text) > 1000:
				t.Errorf("%.300s %v, want %s", text, err, row.answer)
			}
			if row.counted != "" && gw.metric(t,
				`gatehouse_protocol_violations_total{cause="`+row.counted+`"}`) != "1" {
				t.Errorf("the frame was not counted as %s", row.counted)
			}
			if log := gw.Log.String(); !strings.Contains(log, row.line) || len(log) > 10_000 {
				t.Errorf("log: %.2000s", log)
			}
		})
	}
}

// TestUnknownMethodsInALoop checks that each call is answered, and that the log gets few
// lines.
func TestUnknownMethodsInALoop(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	c := gw.admin(t, "user")
	for range 500 {
		c.Refused(protocol.InvalidRequest, "unknown method", "nothing.there", "")
	}
	if n := strings.Count(gw.Log.String(), "protocol violation"); n < 1 || n > 10 {
		t.Errorf("%d lines for 500 calls", n)
	}
	if n := gw.metric(t, `gatehouse_requests_total{code="INVALID_REQUEST",method="unknown"}`); n != "500" {
		t.Errorf("counted %s", n)
	}
}

// TestCompressionIsOff offers compression: the gateway must not accept it, since a small
// message could decompress to a large one.
func TestCompressionIsOff(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	ws, answer, err := websocket.Dial(t.Context(), gw.url+"/ws",
		&websocket.DialOptions{CompressionMode: websocket.CompressionContextTakeover})
	if err != nil {
		t.Fatal(err)
	}
	defer ws.CloseNow()
	if accepted := answer.Header.Get("Sec-WebSocket-Extensions"); accepted != "" {
		t.Errorf("accepted %q", accepted)
	}
}
