package registry

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/gatehouse-chat/gatehouse/server/internal/access"
	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/conn"
	"github.com/gatehouse-chat/gatehouse/server/internal/conn/conntest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// highLimits are limits that these tests do not reach.
var highLimits = Limits{Connections: 100, ConnectionsPerUser: 50, ConnectionsPerAddress: 100,
	PendingConnections: 100}

// testRegistry serves WebSockets and registers them.
type testRegistry struct {
	*Registry
	server *conntest.Server

	accepted chan *Connection
}

// sample is a connection, with the client's side of its WebSocket.
type sample struct {
	*Connection
	ws *websocket.Conn
}

type handler struct {
	r *Registry
	c *Connection
}

func (handler) Frame(*conn.Conn, []byte) {}
func (handler) Binary(*conn.Conn)        {}

func (h handler) Closed(*conn.Conn, conn.Closing) { h.r.Remove(h.c) }

func newTestRegistry(t *testing.T) *testRegistry {
	t.Helper()
	d := &testRegistry{Registry: New(), accepted: make(chan *Connection, 1)}
	set := conn.NewSet(conn.Limits{}, slog.New(slog.DiscardHandler))
	d.server = conntest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := d.Reserve(access.Peer{Address: addressOf(1), Cookie: r.Header.Get("Test-Cookie")},
			highLimits)
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = set.Accept(w, r, func(socket *conn.Conn) conn.Handler { // the client sees a failure
			d.Open(c, socket)
			d.accepted <- c
			return handler{d.Registry, c}
		})
	}))
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // at once
		_ = set.Shutdown(ctx, protocol.CloseShutdown, "")
	})
	return d
}

func (d *testRegistry) connect(t *testing.T, cookie string) sample {
	t.Helper()
	ws := d.server.Dial(t, "/", http.Header{"Test-Cookie": {cookie}})
	return sample{<-d.accepted, ws}
}

func (d *testRegistry) authenticated(t *testing.T, cookie string, who access.Identity) sample {
	t.Helper()
	g := d.connect(t, cookie)
	if !d.Authenticate(g.Connection, &who, "program of "+who.UserID, 50) {
		t.Fatal("Authenticate reports false")
	}
	return g
}

// samples connects clients of each kind, and gives them by name.
func (d *testRegistry) samples(t *testing.T) map[string]sample {
	t.Helper()
	device := access.Identity{UserID: "ann", Role: protocol.Operator, Via: "device:dev-1",
		DeviceID: "dev-1"}
	key := access.Identity{UserID: "bot", Role: protocol.Viewer, Via: "key:gh_1", KeyID: "key-1",
		ExpiresAt: 1000}
	all := map[string]sample{
		"stranger":    d.connect(t, ""),
		"browser":     d.connect(t, "cookie 1"),
		"waits":       d.connect(t, "cookie 2"),
		"waits for 1": d.connect(t, ""),
		"ann's tab":   d.authenticated(t, "cookie 1", device),
		"ann's tool":  d.authenticated(t, "", device),
		"ann by token": d.authenticated(t, "",
			access.Identity{UserID: "ann", Role: protocol.Admin, Via: audit.ViaToken}),
		"bot": d.authenticated(t, "", key),
		"another bot": d.authenticated(t, "",
			access.Identity{UserID: "bot", Via: "key:gh_2", KeyID: "key-2"}),
		"another device": d.authenticated(t, "",
			access.Identity{UserID: "ann", Via: "device:dev-2", DeviceID: "dev-2"}),
	}
	d.Wait(all["waits"].Connection, "dev-3")
	d.Wait(all["waits for 1"].Connection, "dev-1")
	return all
}

// read reads what the client gets first: a frame, or the reason of the close.
func (g sample) read(t *testing.T, patience time.Duration) (frame, closed string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, text, err := g.ws.Read(ctx)
	if e := (websocket.CloseError{}); errors.As(err, &e) {
		if e.Code != protocol.ClosePolicy {
			t.Errorf("closed with %d", e.Code)
		}
		return "", e.Reason
	}
	return string(text), ""
}

// TestClose closes connections by each of their properties, and checks that exactly those
// that have the property are closed.
func TestClose(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		close func(*testRegistry, map[string]sample)
		want  string // names of the closed connections
	}{
		"a device": {func(d *testRegistry, _ map[string]sample) { d.CloseDevice("dev-1", "gone") },
			"ann's tab, ann's tool, waits for 1"},
		"a device that waits": {func(d *testRegistry, _ map[string]sample) { d.CloseDevice("dev-3", "gone") },
			"waits"},
		"no device": {func(d *testRegistry, _ map[string]sample) { d.CloseDevice("", "gone") }, ""},
		"a key": {func(d *testRegistry, _ map[string]sample) { d.CloseKey("key-1", "gone") },
			"bot"},
		"no key": {func(d *testRegistry, _ map[string]sample) { d.CloseKey("", "gone") }, ""},
		"a browser": {func(d *testRegistry,
			_ map[string]sample) {
			d.CloseBrowser("cookie 1", "gone")
		}, "ann's tab, browser"},
		"no browser": {func(d *testRegistry, _ map[string]sample) { d.CloseBrowser("", "gone") }, ""},
		"expired": {func(d *testRegistry, _ map[string]sample) { d.CloseExpired(1000, "gone") },
			"bot"},
		"not yet expired": {func(d *testRegistry, _ map[string]sample) { d.CloseExpired(999, "gone") }, ""},
		"an id": {func(d *testRegistry,
			g map[string]sample) {
			d.CloseID(g["bot"].name(), "gone")
		}, "bot"},
		"a stranger's id": {func(d *testRegistry,
			g map[string]sample) {
			d.CloseID(g["stranger"].name(), "gone")
		}, ""},
		"no id": {func(d *testRegistry, _ map[string]sample) { d.CloseID("x", "gone") }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newTestRegistry(t)
			all := d.samples(t)
			c.close(d, all)
			// Connections that are not closed get this frame.
			for _, g := range all {
				g.socket.SendBytes([]byte("still here"))
			}
			var closed []string
			for _, name := range slices.Sorted(maps.Keys(all)) {
				switch frame, reason := all[name].read(t, time.Minute); {
				case reason == "gone" && frame == "":
					closed = append(closed, name)
				case frame != "still here":
					t.Errorf("%s: %q, closed with %q", name, frame, reason)
				}
			}
			if got := strings.Join(closed, ", "); got != c.want {
				t.Errorf("closed: %s, want %s", got, c.want)
			}
		})
	}
}

func TestSendWaiting(t *testing.T) {
	t.Parallel()
	d := newTestRegistry(t)
	all := d.samples(t)
	d.SendWaiting("dev-3", []byte("approved"))
	d.StopWaiting(all["waits for 1"].Connection)
	d.SendWaiting("dev-1", []byte("approved")) // no connection waits for it any more
	for name, g := range all {
		g.socket.SendBytes([]byte("last"))
		want := "last"
		if name == "waits" {
			want = "approved"
		}
		if frame, _ := g.read(t, time.Minute); frame != want {
			t.Errorf("%s got %q, want %q", name, frame, want)
		}
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	d := newTestRegistry(t)
	all := d.samples(t)
	began := all["bot"].Since
	all["bot"].Seen()
	list := d.List()
	if len(list) != 6 || !slices.IsSortedFunc(list,
		func(a, b protocol.ConnectedClient) int { return int(d.idOf(b.ID) - d.idOf(a.ID)) }) {
		t.Errorf("listed: %+v", list)
	}
	bot, found := d.Find(all["bot"].name())
	want := protocol.ConnectedClient{
		ID: all["bot"].name(), UserID: "bot", Role: protocol.Viewer, Via: "key:gh_1",
		Address: "192.0.2.1", Client: "program of bot",
		ConnectedAt: protocol.At(began), ActiveAt: bot.ActiveAt,
	}
	if !found || bot != want || bot.ActiveAt < bot.ConnectedAt || !slices.Contains(list, bot) {
		t.Errorf("found %+v, want %+v", bot, want)
	}
	for _, id := range []string{"", "x", "0" + bot.ID, "+" + bot.ID, "999", all["stranger"].name()} {
		if c, found := d.Find(id); found {
			t.Errorf("%q is %+v", id, c)
		}
	}
	if pending, pairing, authenticated := d.Counts(); pending != 2 || pairing != 2 ||
		authenticated != 6 || d.Strangers() != 4 {
		t.Errorf("%d pending, %d waiting, %d authenticated, %d strangers; want 2, 2, 6, 4", pending, pairing, authenticated,
			d.Strangers())
	}
	if ids := slices.Sorted(slices.Values(d.Pairings())); !slices.Equal(ids,
		[]string{"dev-1", "dev-3"}) {
		t.Errorf("pairings waited for: %v", ids)
	}
	for now, want := range map[protocol.Time][]string{999: {"key-1", "key-2"}, 1000: {"key-2"}} {
		if ids := slices.Sorted(slices.Values(d.KeysInUse(now))); !slices.Equal(ids, want) {
			t.Errorf("keys in use at %d: %v, want %v", now, ids, want)
		}
	}
}

// idOf is the number of an id of a list.
func (d *testRegistry) idOf(id string) int64 {
	d.Registry.mu.Lock()
	defer d.Registry.mu.Unlock()
	return d.findLocked(id).ID
}

// TestConnectionsPerUser checks that a user may have as many connections as allowed, and
// another one after Deauthenticate or Remove.
func TestConnectionsPerUser(t *testing.T) {
	t.Parallel()
	r := New()
	who := &access.Identity{UserID: "ann"}
	open := func() *Connection {
		c, err := r.Reserve(access.Peer{}, highLimits)
		if err != nil {
			t.Fatal(err)
		}
		r.Open(c, &conn.Conn{})
		return c
	}
	one, two, three := open(), open(), open()
	if !r.Authenticate(one, who, "", 2) || !r.Authenticate(two, who, "", 2) ||
		r.Authenticate(three, who, "", 2) {
		t.Fatal("want two connections of the user authenticated, and the third refused")
	}
	r.Deauthenticate(one)
	if !r.Authenticate(three, who, "", 2) || r.Authenticate(one, who, "", 2) {
		t.Error("after Deauthenticate, the connection still counts")
	}
	r.Remove(two)
	if !r.Authenticate(one, who, "", 2) {
		t.Error("after Remove, the connection still counts")
	}
}
