package interop

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/e2e/rig"
)

// client is one implementation of WebSockets, ready to open them.
type client struct {
	open func(dial) rig.Socket
	// Of a browser: whether it is one, and the origin of the page that opens them.
	// Its script can set no header, keep no pong back and see no status.
	browser bool
	origin  string
	// foreign opens them from an origin that the gateway does not allow.
	foreign func(dial) rig.Socket
}

// program is a client that sends no Origin unless it is told to.
func program(open func(dial) rig.Socket) client {
	return client{open: open, foreign: func(d dial) rig.Socket {
		d.Origin = "https://elsewhere.example"
		return open(d)
	}}
}

// inBrowser is a page of one origin, with one of another in a frame.
func inBrowser(t testing.TB, show func(t testing.TB, url string)) client {
	foreign := newPage(t, "")
	own := newPage(t, foreign.server.URL)
	show(t, own.server.URL)
	return client{open: own.open, foreign: foreign.open, browser: true, origin: own.server.URL}
}

// clients are the rows of the matrix.
var clients = []struct {
	name  string
	start func(testing.TB) client
}{
	{"Chromium", func(t testing.TB) client { return inBrowser(t, openChromium) }},
	{"Firefox", func(t testing.TB) client {
		return inBrowser(t, func(t testing.TB, url string) { startFirefox(t, url) })
	}},
	{"Node.js ws", func(t testing.TB) client {
		modules := os.Getenv("E2E_NODE_MODULES")
		if modules == "" {
			t.Skip("there is no ws: npm install --prefix DIR ws, and set E2E_NODE_MODULES=DIR/node_modules")
		}
		return program(throughPipes(t, rig.Command{Path: rig.Find(t, "nodejs", "node"), Args: []string{"testdata/peer.js"},
			Env: []string{"NODE_PATH=" + modules}}))
	}},
	{"Python websockets", func(t testing.TB) client {
		return program(throughPipes(t, rig.Command{Path: python(t), Args: []string{"-W", "ignore", "testdata/peer.py"}}))
	}},
	{"gorilla/websocket", func(t testing.TB) client { return program(withGorilla(t)) }},
	{"coder/websocket", func(t testing.TB) client { return program(withCoder(t)) }},
}

// visit is one client at a gateway of its own.
type visit struct {
	client
	gateway *rig.Gateway
}

func (v visit) at(d dial) rig.Socket {
	d.URL = v.gateway.Socket()
	return v.open(d)
}

// rows are the columns of the matrix.
var rows = []struct {
	name string
	try  func(*testing.T, visit)
}{
	{"connects with the token", connects},
	{"sends and is streamed to", isStreamedTo},
	{"lives through 95 s of silence", livesThroughSilence},
	{"is dropped when it answers no ping", isDropped},
	{"reconnects and resumes", resumes},
	{"meets the frame limit", meetsLimit},
	{"sends a wrong token", sendsWrongToken},
	{"comes from a foreign origin", comesFromElsewhere},
}

func TestClients(t *testing.T) {
	t.Parallel()
	for _, c := range clients {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			rig.Binary(t)
			v := visit{client: c.start(t)}
			v.gateway = rig.StartGateway(t, `{ gateway: { allowed_origins: [`+quoted(v.origin)+`] } }`)
			last := v.at(dial{})
			rig.Connected(t, last, rig.Admin("last"))
			t.Run("each", func(t *testing.T) {
				for _, r := range rows {
					t.Run(r.name, func(t *testing.T) {
						t.Parallel()
						r.try(t, v)
					})
				}
			})
			t.Run("is told of a shutdown", func(t *testing.T) {
				k := rig.Continue(t, last)
				v.gateway.Stop()
				k.Await("the event", func(f rig.Frame) bool { return f.Event == "shutdown" })
				if e := k.Ended(rig.Patience); e.Code != 1001 {
					t.Errorf("closed with %+v, want 1001", e)
				}
			})
		})
	}
}

// quoted is a list entry of JSON5; nothing for nothing.
func quoted(s string) string {
	if s == "" {
		return ""
	}
	return `"` + s + `"`
}

func connects(t *testing.T, v visit) {
	k := rig.Converse(t, v.at(dial{}))
	if f := k.Must("connect", rig.Admin("anna")); f.Payload.Protocol != 3 || f.Payload.Role != "admin" || f.Payload.UserID != "anna" {
		t.Errorf("connect answers %+v", f.Payload)
	}
	if v.browser {
		return
	}
	k = rig.Converse(t, v.at(dial{Bearer: rig.Token}))
	if f := k.Must("connect", "{}"); f.Payload.Role != "admin" {
		t.Errorf("with an Authorization header connect answers %+v", f.Payload)
	}
}

func isStreamedTo(t *testing.T, v visit) {
	k := rig.Connected(t, v.at(dial{}), rig.Admin("bert"))
	f := k.Must("chat.send", `{"message":"What is a gate?"}`)
	checkStream(t, k, f)
}

// checkStream checks that an answer came in pieces, as it was written, before
// the chat.send was answered with all of it.
func checkStream(t *testing.T, k *rig.Talk, sent rig.Frame) {
	t.Helper()
	var whole strings.Builder
	pieces := k.Pieces(sent.Payload.RunID)
	for _, p := range pieces {
		whole.WriteString(p.Payload.Payload.Content)
	}
	if sent.Payload.Content == "" || whole.String() != sent.Payload.Content {
		t.Errorf("the pieces are %q, the answer is %q", whole.String(), sent.Payload.Content)
	}
	if len(pieces) < 5 || pieces[len(pieces)-1].At.Sub(pieces[0].At) < 500*time.Millisecond {
		t.Errorf("not streamed: %d pieces", len(pieces))
	}
	checkGapless(t, k.Seqs())
}

func checkGapless(t *testing.T, seqs []int64) {
	t.Helper()
	for i, seq := range seqs[1:] {
		if seq != seqs[i]+1 {
			t.Errorf("the seqs have a gap: %v", seqs)
			return
		}
	}
}

// silence is longer than the 90 s that the clients are promised, and has three
// pings in it.
const silence = 95 * time.Second

func livesThroughSilence(t *testing.T, v visit) {
	in := rig.Connected(t, v.at(dial{}), rig.Admin("carl"))
	waiting := rig.Connected(t, v.at(dial{}), `{}`) // hears nothing but pings
	time.Sleep(silence)
	in.Must("health", "{}")
	if f := waiting.Must("browser.pairing.status", "{}"); f.Payload.Status != "pending" {
		t.Errorf("the pairing that waits is %+v", f.Payload)
	}
}

func isDropped(t *testing.T, v visit) {
	d := dial{URL: v.gateway.Socket(), Mute: true}
	network := newRelay(t, v.gateway.Address)
	if v.browser {
		d.URL = "ws://" + network.address + "/ws"
	}
	k := rig.Connected(t, v.open(d), rig.Admin("dora"))
	network.deaf.Store(true)
	began := time.Now()
	e := k.Ended(75 * time.Second)
	if took := time.Since(began); took < 55*time.Second {
		t.Errorf("dropped after %v", took)
	}
	if e.Code != 1001 || e.Reason != "no pong within 60 s" {
		t.Errorf("dropped with %d %q", e.Code, e.Reason)
	}
	v.gateway.AwaitLog("websocket read error", `"cause":"dead"`)
}

func resumes(t *testing.T, v visit) {
	const session = "interop.resumes"
	first := rig.Connected(t, v.at(dial{}), rig.Admin("emil"))
	sent := first.Must("chat.send", `{"message":"What is a portcullis?","sessionKey":"`+session+`","ack":"accepted"}`)
	pieces := 0
	first.Await("the third piece", func(f rig.Frame) bool {
		if f.Payload.Type == "chunk" {
			pieces++
		}
		return pieces == 3
	})
	epoch := first.Must("chat.session.status", `{"sessionKey":"`+session+`"}`).Payload.Epoch
	before := first.Seqs()
	cursor := before[len(before)-1]
	first.Close()

	second := rig.Converse(t, v.at(dial{}))
	answer := second.Must("connect", fmt.Sprintf(`{"token":%q,"user_id":"emil","resume":[{"sessionKey":%q,"epoch":%q,"afterSeq":%d}]}`,
		rig.Token, session, epoch, cursor))
	if got := answer.Payload.Resumed; len(got) != 1 || got[0].Status != "live" {
		t.Fatalf("resumed: %+v", got)
	}
	second.Await("the end of the answer", func(f rig.Frame) bool {
		return f.Payload.Type == "run.completed" && f.Payload.RunID == sent.Payload.RunID
	})
	checkGapless(t, append(slices.Clip(before), second.Seqs()...))
}

func meetsLimit(t *testing.T, v visit) {
	const limit = 512 << 10
	k := rig.Connected(t, v.at(dial{}), rig.Admin("fred"))
	head, tail := `{"type":"req","id":"large","method":"health","params":{"pad":"`, `"}}`
	k.Send(head + strings.Repeat("x", limit-len(head)-len(tail)) + tail)
	if f := k.Answer("large"); !f.OK {
		t.Errorf("a frame of 512 KiB: %v", f.Error)
	}
	k.Send(head + strings.Repeat("x", limit+1-len(head)-len(tail)) + tail)
	if e := k.Ended(rig.Patience); e.Code != 1009 || e.Reason != "frame over 512 KiB: split it, or upload files over HTTP" {
		t.Errorf("one byte more: %+v", e)
	}
}

func sendsWrongToken(t *testing.T, v visit) {
	k := rig.Converse(t, v.at(dial{}))
	if f := k.Call("connect", `{"token":"not-the-token"}`); f.Error.String() != "UNAUTHORIZED: invalid token" {
		t.Errorf("a wrong token: %v", f.Error)
	}
	k.Must("connect", rig.Admin("gina")) // it may try again
}

func comesFromElsewhere(t *testing.T, v visit) {
	e := rig.NotOpened(t, v.foreign(dial{URL: v.gateway.Socket()}))
	switch {
	case v.browser && e.Code != 1006:
		t.Errorf("refused with %+v", e)
	case !v.browser && (e.Status != 403 || !strings.Contains(e.Text, "403") && !strings.Contains(e.Text, "gateway.allowed_origins")):
		t.Errorf("refused with %+v", e)
	}
	v.gateway.AwaitLog("security.origin_rejected")
}
