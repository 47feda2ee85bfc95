package interop

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/e2e/firefox"
	"github.com/gatehouse-chat/gatehouse/server/e2e/rig"
)

// client is an implementation of WebSockets that is ready to open some.
type client struct {
	open func(dial) rig.Socket
	// browser says that a page in a browser opens the WebSockets; origin is the page's.
	// Its script cannot set headers, withhold pongs or see the status of a refusal.
	browser bool
	origin  string
	// foreign opens WebSockets from an origin that the gateway does not allow.
	foreign func(dial) rig.Socket
}

// program is a client that sends no Origin unless the test gives one.
func program(open func(dial) rig.Socket) client {
	return client{open: open, foreign: func(d dial) rig.Socket {
		d.Origin = "https://elsewhere.example"
		return open(d)
	}}
}

// inBrowser is a page of one origin, with a page of another origin in a frame.
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
		return inBrowser(t, func(t testing.TB, url string) { firefox.Start(t, "", url) })
	}},
	{"Node.js ws", func(t testing.TB) client {
		modules := os.Getenv("E2E_NODE_MODULES")
		if modules == "" {
			t.Skip("there is no ws: npm install --prefix DIR ws, and set E2E_NODE_MODULES=DIR/node_modules")
		}
		return program(startBridge(t, rig.Command{Path: rig.FindCommand(t, "nodejs", "node"),
			Args: []string{"testdata/peer.js"},
			Env:  []string{"NODE_PATH=" + modules}}))
	}},
	{"Python websockets", func(t testing.TB) client {
		return program(startBridge(t, rig.Command{Path: findPython(t),
			Args: []string{"-W", "ignore", "testdata/peer.py"}}))
	}},
	{"gorilla/websocket", func(t testing.TB) client { return program(withGorilla(t)) }},
	{"coder/websocket", func(t testing.TB) client { return program(withCoder(t)) }},
}

// setup is one client with a gateway of its own.
type setup struct {
	client
	gateway *rig.Gateway
}

func (v setup) dial(d dial) rig.Socket {
	d.URL = v.gateway.Socket()
	return v.open(d)
}

// rows are the columns of the matrix: what each client has to do.
var rows = []struct {
	name string
	try  func(*testing.T, setup)
}{
	{"connects with the token", testConnect},
	{"sends and is streamed to", testStream},
	{"lives through 95 s of silence", testSilence},
	{"is dropped when it answers no ping", testNoPong},
	{"reconnects and resumes", testResume},
	{"meets the frame limit", testFrameLimit},
	{"sends a wrong token", testWrongToken},
	{"comes from a foreign origin", testForeignOrigin},
}

func TestClients(t *testing.T) {
	t.Parallel()
	for _, c := range clients {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			rig.Binary(t)
			v := setup{client: c.start(t)}
			v.gateway = rig.StartGateway(t, `{ gateway: { allowed_origins: [`+quoted(v.origin)+`] } }`)
			last := v.dial(dial{})
			rig.Connect(t, last, rig.AdminParams("last"))
			t.Run("each", func(t *testing.T) {
				for _, r := range rows {
					t.Run(r.name, func(t *testing.T) {
						t.Parallel()
						r.try(t, v)
					})
				}
			})
			t.Run("is told of a shutdown", func(t *testing.T) {
				k := rig.ClientOf(t, last)
				v.gateway.Stop()
				k.Await("the event", func(f rig.Frame) bool { return f.Event == "shutdown" })
				if e := k.AwaitClose(rig.WaitLimit); e.Code != 1001 {
					t.Errorf("closed with %+v, want 1001", e)
				}
			})
		})
	}
}

// quoted returns an entry for a list in JSON5; "" for "".
func quoted(s string) string {
	if s == "" {
		return ""
	}
	return `"` + s + `"`
}

func testConnect(t *testing.T, v setup) {
	k := rig.NewClient(t, v.dial(dial{}))
	if f := k.Must("connect", rig.AdminParams("anna")); f.Payload.Protocol != 3 || f.Payload.Role != "admin" || f.Payload.UserID != "anna" {
		t.Errorf("connect answers %+v", f.Payload)
	}
	if v.browser {
		return
	}
	k = rig.NewClient(t, v.dial(dial{Bearer: rig.Token}))
	if f := k.Must("connect", "{}"); f.Payload.Role != "admin" {
		t.Errorf("with an Authorization header connect answers %+v", f.Payload)
	}
}

func testStream(t *testing.T, v setup) {
	k := rig.Connect(t, v.dial(dial{}), rig.AdminParams("bert"))
	f := k.Must("chat.send", `{"message":"What is a gate?"}`)
	checkStream(t, k, f)
}

// checkStream checks that an answer came in pieces while it was written, before chat.send
// was answered with the whole text.
func checkStream(t *testing.T, k *rig.Client, sent rig.Frame) {
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

// silence is longer than the 90 s that the manual promises to clients, and includes three
// pings.
const silence = 95 * time.Second

func testSilence(t *testing.T, v setup) {
	in := rig.Connect(t, v.dial(dial{}), rig.AdminParams("carl"))
	waiting := rig.Connect(t, v.dial(dial{}), `{}`) // receives nothing but pings
	time.Sleep(silence)
	in.Must("health", "{}")
	if f := waiting.Must("browser.pairing.status", "{}"); f.Payload.Status != "pending" {
		t.Errorf("the pairing that waits is %+v", f.Payload)
	}
}

func testNoPong(t *testing.T, v setup) {
	d := dial{URL: v.gateway.Socket(), Mute: true}
	network := rig.StartRelay(t, v.gateway.Address)
	if v.browser {
		d.URL = "ws://" + network.Address + "/ws"
	}
	k := rig.Connect(t, v.open(d), rig.AdminParams("dora"))
	network.DropRequests()
	began := time.Now()
	e := k.AwaitClose(75 * time.Second)
	if took := time.Since(began); took < 55*time.Second {
		t.Errorf("dropped after %v", took)
	}
	if e.Code != 1001 || e.Reason != "no pong within 60 s" {
		t.Errorf("dropped with %d %q", e.Code, e.Reason)
	}
	v.gateway.AwaitLog("websocket read error", `"cause":"dead"`)
}

func testResume(t *testing.T, v setup) {
	const session = "interop.resumes"
	first := rig.Connect(t, v.dial(dial{}), rig.AdminParams("emil"))
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

	second := rig.NewClient(t, v.dial(dial{}))
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

func testFrameLimit(t *testing.T, v setup) {
	const limit = 512 << 10
	k := rig.Connect(t, v.dial(dial{}), rig.AdminParams("fred"))
	head, tail := `{"type":"req","id":"large","method":"health","params":{"pad":"`, `"}}`
	k.Send(head + strings.Repeat("x", limit-len(head)-len(tail)) + tail)
	if f := k.Answer("large"); !f.OK {
		t.Errorf("a frame of 512 KiB: %v", f.Error)
	}
	k.Send(head + strings.Repeat("x", limit+1-len(head)-len(tail)) + tail)
	if e := k.AwaitClose(rig.WaitLimit); e.Code != 1009 || e.Reason != "frame over 512 KiB: split it, or upload files over HTTP" {
		t.Errorf("one byte more: %+v", e)
	}
}

func testWrongToken(t *testing.T, v setup) {
	k := rig.NewClient(t, v.dial(dial{}))
	if f := k.Call("connect", `{"token":"not-the-token"}`); f.Error.String() != "UNAUTHORIZED: invalid token" {
		t.Errorf("a wrong token: %v", f.Error)
	}
	k.Must("connect", rig.AdminParams("gina")) // the client may try again
}

func testForeignOrigin(t *testing.T, v setup) {
	e := rig.AwaitRefusal(t, v.foreign(dial{URL: v.gateway.Socket()}))
	switch {
	case v.browser && e.Code != 1006:
		t.Errorf("refused with %+v", e)
	case !v.browser && (e.Status != 403 || !strings.Contains(e.Text, "403") &&
		!strings.Contains(e.Text, "gateway.allowed_origins")):
		t.Errorf("refused with %+v", e)
	}
	v.gateway.AwaitLog("security.origin_rejected")
}
