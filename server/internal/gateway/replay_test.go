package gateway_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/gatehouse-chat/gatehouse/server/internal/conn/conntest"
	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// writer writes an answer in a session.
type writer struct {
	t     testing.TB
	gw    *httpdtest.Server
	begun session.StartedRun
	seq   int64 // of the session's last event
}

// write begins an answer in a session of the user.
func write(t testing.TB, gw *httpdtest.Server, user, key string) *writer {
	t.Helper()
	sent, err := gw.Sessions.Send(t.Context(),
		session.Caller{UserID: user, Role: protocol.Operator}.To(key),
		session.SendRequest{DefaultAgent: "default", Message: "question", Stream: true})
	if err != nil {
		t.Fatal(err)
	}
	begun, err := gw.Sessions.Begin(t.Context(), key, "test")
	if err != nil {
		t.Fatal(err)
	}
	return &writer{t, gw, begun, sent.Seq + 1}
}

// say appends that many pieces to the answer.
func (w *writer) say(pieces int, text string) {
	w.t.Helper()
	for pieces > 0 {
		batch := make([]session.Piece, min(pieces, 500))
		for i := range batch {
			batch[i].Text = text
		}
		if err := w.gw.Sessions.Append(w.t.Context(), w.begun, batch); err != nil {
			w.t.Fatal(err)
		}
		pieces -= len(batch)
		w.seq += int64(len(batch))
	}
}

// slow connects with the gateway token, over a socket with a small receive buffer.
func slow(t testing.TB, url, user, resume string) *websocket.Conn {
	t.Helper()
	dialer := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network,
		address string) (net.Conn, error) {
		nc, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil {
			err = nc.(*net.TCPConn).SetReadBuffer(256 << 10) // less than loopback segments makes TCP crawl
		}
		return nc, err
	}}}
	ws, _, err := websocket.Dial(t.Context(), url+"/ws", &websocket.DialOptions{HTTPClient: dialer})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ws.CloseNow() })
	ws.SetReadLimit(-1)
	connect(t, ws, user, resume)
	return ws
}

func connect(t testing.TB, ws *websocket.Conn, user, resume string) {
	t.Helper()
	frame := `{"type":"req","id":"1","method":"connect","params":{"token":"` + httpdtest.Token +
		`","user_id":"` + user + `","resume":` + resume + `}}`
	if err := ws.Write(t.Context(), websocket.MessageText, []byte(frame)); err != nil {
		t.Fatal(err)
	}
}

func next(t testing.TB, ws *websocket.Conn) protocol.Frame {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), httpdtest.Timeout)
	defer cancel()
	_, text, err := ws.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var f protocol.Frame
	if err := protocol.Decode(text, &f); err != nil {
		t.Fatal(err)
	}
	return f
}

// heap is the size of the live heap, in bytes, after a garbage collection.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// stalled waits until a replay has waited for its client for a while.
func stalled(t testing.TB) {
	t.Helper()
	all := make([]byte, 4<<20)
	for end, waits := time.Now().Add(httpdtest.Timeout), 0; waits < 100; runtime.Gosched() {
		if stacks := all[:runtime.Stack(all, true)]; bytes.Contains(stacks,
			[]byte("internal/conn.(*Conn).Flushed(")) {
			waits++
		} else {
			waits = 0
		}
		if time.Now().After(end) {
			t.Fatal("the replay does not wait for its client")
		}
	}
}

// TestReplayToASlowReader replays 20,000 events, 24 MB, to a client that reads
// late and slowly, while more come: nothing is lost, and what the gateway holds
// for it is bounded.
func TestReplayToASlowReader(t *testing.T) { // alone: it measures the heap
	const events = 20_000
	gw := newTestGateway(t, httpdtest.Options{})
	w := write(t, gw.Server, "user", "long")
	w.say(events, strings.Repeat("words ", 170))
	other := write(t, gw.Server, "user", "other")
	before := heap()
	ws := slow(t, gw.url, "user", `[{"sessionKey":"long","afterSeq":2},{"sessionKey":"other","afterSeq":3}]`)
	const bound = 1 << 20 // the queue, one page, and what is read from the store
	check := func(when string) {
		t.Helper()
		stalled(t) // so that nothing is allocated during the measurement
		if held := int64(heap()) - int64(before); held > bound {
			t.Errorf("%s: %d KB are held for the client", when, held>>10)
		}
	}
	check("before it reads")
	var result protocol.ConnectResult
	if f := next(t, ws); f.Type != protocol.TypeResponse ||
		protocol.Decode(f.Payload, &result) != nil || len(result.Resumed) != 2 ||
		result.Resumed[0].Status != protocol.ResumeLive || result.Resumed[0].LastSeq != w.seq {
		t.Fatalf("%s %s", f.Type, f.Payload)
	}
	seq := map[string]int64{"long": 2, "other": 3}
	for n := 0; seq["long"] < w.seq; n++ {
		f := next(t, ws)
		if f.Event == protocol.EventTick || f.Event == protocol.EventAdminChanged {
			continue
		}
		var e protocol.AgentEvent
		if err := protocol.Decode(f.Payload, &e); err != nil {
			t.Fatal(err)
		}
		if seq[e.SessionKey]++; f.Seq != seq[e.SessionKey] {
			t.Fatalf("%s: event %d, want %d", e.SessionKey, f.Seq, seq[e.SessionKey])
		}
		switch {
		case n == 10: // new events during the replay, in two sessions
			w.say(500, "more ")
			other.say(20, "more ")
		case n%5000 == 4999 && n < 15_000: // after that, the rest may be in the buffers of the sockets
			check(fmt.Sprint("after ", n, " frames"))
		}
	}
	if seq["other"] != other.seq {
		t.Errorf("the other session is at %d, want %d", seq["other"], other.seq)
	}
}

// TestReplayIsCounted checks that the events of chat.replay count as replayed.
func TestReplayIsCounted(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	w := write(t, gw.Server, "user", "long")
	w.say(30, "words ")
	c := gw.admin(t, "user")
	for i, limit := range []int{10, 20} {
		c.OK(protocol.MethodChatReplay, fmt.Sprintf(`{"sessionKey":"long","afterSeq":0,"limit":%d}`,
			limit))
		if n, want := gw.metric(t, "gatehouse_events_replayed_total"), []string{"10", "30"}[i]; n != want {
			t.Errorf("counted %s, want %s", n, want)
		}
	}
}

// TestRevokedDuringAReplay revokes a device during a replay to it: its connection is closed,
// and gets no more than what was already on its way.
func TestRevokedDuringAReplay(t *testing.T) { // alone: it looks at all goroutines
	gw := newTestGateway(t, httpdtest.Options{})
	d := gw.pair(t, protocol.Operator, "user")
	w := write(t, gw.Server, "user", "long")
	w.say(20_000, strings.Repeat("words ", 170))
	c := gw.dial(t, nil)
	c.OK(protocol.MethodConnect, `{"sender_id":"`+d.secret+`","resume":[{"sessionKey":"long","afterSeq":0}]}`)
	if err := gw.Pairings.Revoke(t.Context(), "test", d.DeviceID, nil); err != nil {
		t.Fatal(err)
	}
	n := 0
	for {
		_, err := c.Next()
		if err != nil {
			if websocket.CloseStatus(err) != protocol.ClosePolicy {
				t.Errorf("closed with %v", err)
			}
			break
		}
		n++
	}
	if n > 19_000 {
		t.Errorf("%d events came after the revocation, want the replay cut short", n)
	}
	gw.untilNoDevices(t)
}

// TestReplayWithoutAStore closes the store during a replay: the connection is closed with a
// reason that asks the client to reconnect and resume.
func TestReplayWithoutAStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gw := httpdtest.New(t, httpdtest.Options{})
		w := write(t, gw, "user", "long")
		w.say(2000, strings.Repeat("words ", 40))
		server := conntest.Serve(t, gw)
		ws := server.Dial(t, "/ws", nil)
		ws.SetReadLimit(-1)
		connect(t, ws, "user", `[{"sessionKey":"long","afterSeq":0}]`)
		next(t, ws)
		synctest.Wait() // the replay waits for its reader
		if err := gw.Store.Close(); err != nil {
			t.Fatal(err)
		}
		seq := int64(0)
		for {
			_, text, err := ws.Read(t.Context())
			if err != nil {
				if websocket.CloseStatus(err) != protocol.CloseTooSlow ||
					!strings.Contains(err.Error(), "reconnect and resume") {
					t.Errorf("closed with %v", err)
				}
				break
			}
			var f protocol.Frame
			if err := protocol.Decode(text, &f); err != nil {
				t.Fatal(err)
			}
			if f.Event == protocol.EventTick || f.Event == protocol.EventAdminChanged {
				continue
			}
			if seq++; f.Seq != seq {
				t.Fatalf("event %d, want %d", f.Seq, seq)
			}
		}
		if seq == 0 || seq > 1000 {
			t.Errorf("%d events came", seq)
		}
		if !strings.Contains(gw.Log.String(), "replay given up") {
			t.Error("nothing was logged")
		}
	})
}

// TestRetry retries a failed answer, and checks that the params are checked as those of
// chat.send are.
func TestRetry(t *testing.T) {
	t.Parallel()
	gw := newTestGateway(t, httpdtest.Options{})
	c := gw.admin(t, "user")
	e := c.Refused(protocol.Unavailable, "", protocol.MethodChatSend,
		`{"message":"error","sessionKey":"k"}`)
	for params, words := range map[string]string{
		`{"runId":"r"}`:                                             "sessionKey",
		`{"sessionKey":"a b","runId":"r"}`:                          "sessionKey",
		`{"sessionKey":"k"}`:                                        "runId",
		`{"sessionKey":"k","runId":"r","ack":"read"}`:               "ack",
		`{"sessionKey":"k","runId":"r","idempotencyKey":"a\u0007"}`: "idempotencyKey",
		`{"sessionKey":"k","runId":"r","idempotencyKey":"` + strings.Repeat("k", 129) +
			`"}`: "idempotencyKey",
	} {
		c.Refused(protocol.InvalidRequest, words, protocol.MethodChatRetry, params)
	}
	params := `{"sessionKey":"k","runId":"` + e.Details.RunID +
		`","ack":"accepted","idempotencyKey":"again"}`
	var first, second protocol.ChatSendResult
	c.Read(c.OK(protocol.MethodChatRetry, params), &first)
	c.Read(c.OK(protocol.MethodChatRetry, params), &second)
	if first.Status != protocol.SendAccepted || second.Status != protocol.SendDuplicate ||
		first.RunID != second.RunID || first.Seq != second.Seq {
		t.Errorf("%+v, then %+v", first, second)
	}
	c.Refused(protocol.AlreadyExists, "", protocol.MethodChatSend,
		`{"message":"x","sessionKey":"k","idempotencyKey":"again"}`)
	gw.Gateway.Drain(time.Second)
	c.Refused(protocol.Unavailable, "stopping", protocol.MethodChatRetry,
		`{"sessionKey":"k","runId":"`+first.RunID+`"}`)
}
