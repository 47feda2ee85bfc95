package conn

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
)

func TestRefusedUpgrades(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		change  func(*http.Request)
		status  int
		code    string
		message string // a part of it
	}{
		"no upgrade": {func(r *http.Request) { r.Header.Del("Upgrade") }, 426, "INVALID_REQUEST",
			"pass the Upgrade and Connection headers on"},
		"no connection": {func(r *http.Request) { r.Header.Del("Connection") }, 426, "INVALID_REQUEST",
			"Connection header"},
		"post": {func(r *http.Request) { r.Method = http.MethodPost }, 405, "INVALID_REQUEST",
			"POST"},
		"old version": {func(r *http.Request) { r.Header.Set("Sec-WebSocket-Version", "8") }, 400,
			"INVALID_REQUEST", "only 13"},
		"bad key": {func(r *http.Request) { r.Header.Set("Sec-WebSocket-Key", "short") }, 400,
			"INVALID_REQUEST", "Sec-WebSocket-Key"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newTestServer(t, Limits{}, func(testing.TB, *testServer) {}, nil)
			srv := httptest.NewServer(g)
			defer srv.Close()
			r := upgradeTo(t, srv.URL)
			tc.change(r)
			wantRefusal(t, srv.Client(), r, tc.status, tc.code, tc.message)
			if log := g.log.String(); !strings.Contains(log,
				`level=WARN msg="websocket upgrade failed" address=127.0.0.1:`) ||
				!strings.Contains(log, "cause=") {
				t.Errorf("log: %s", log)
			}
		})
	}
}

// TestLinesThatNginxLacks checks that the answer and the log name the lines that pass the
// upgrade on, and no others.
func TestLinesThatNginxLacks(t *testing.T) {
	t.Parallel()
	const (
		version    = " proxy_http_version 1.1;"
		upgrade    = " proxy_set_header Upgrade $http_upgrade;"
		connection = " proxy_set_header Connection $http_connection;"
	)
	for name, row := range map[string]struct {
		request string
		lines   string
	}{
		"HTTP/1.0":        {"GET / HTTP/1.0\r\nConnection: close\r\n\r\n", version + upgrade + connection},
		"neither header":  {"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", upgrade + connection},
		"Connection lost": {"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n", connection},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newTestServer(t, Limits{}, func(testing.TB, *testServer) {}, nil)
			srv := httptest.NewServer(g)
			defer srv.Close()
			c, err := net.Dial("tcp", srv.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_, _ = io.WriteString(c, row.request)
			r, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(r.Body)
			if want := "(nginx:" + row.lines + ")"; r.StatusCode != 426 || !strings.Contains(string(body), want) {
				t.Errorf("HTTP %d %s; want %s", r.StatusCode, body, want)
			}
			if want := `mend="nginx:` + row.lines + `"`; !strings.Contains(g.log.String(), want) {
				t.Errorf("the log is %s, want %s", g.log.String(), want)
			}
		})
	}
}

func TestAcceptAfterShutdown(t *testing.T) {
	t.Parallel()
	g := newTestServer(t, Limits{}, func(testing.TB, *testServer) {}, nil)
	srv := httptest.NewServer(g)
	defer srv.Close()
	for range 2 { // a second Shutdown is harmless
		if err := g.set.Shutdown(t.Context(), websocket.StatusGoingAway, "shutdown"); err != nil {
			t.Fatal(err)
		}
	}
	wantRefusal(t, srv.Client(), upgradeTo(t, srv.URL), 503, "UNAVAILABLE", "shutting down")
}

// If the Set is shut down during an upgrade, the connection is closed.
func TestShutdownDuringAccept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var g *testServer
		g = newTestServer(t, Limits{}, overPipe, func(*recorder) { g.set.shut() })
		nc := g.Raw(t)
		if _, err := nc.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("client: %v", err)
		}
		if why := <-(<-g.handlers).closed; why.Cause != OursClosed || why.Err == nil {
			t.Errorf("closed: %+v", why)
		}
		if n := g.set.Len(); n != 0 {
			t.Errorf("%d connections", n)
		}
		close(g.set.stop) // shut kept Shutdown from doing so
	})
}

func TestWriterThatCannotBeHijacked(t *testing.T) {
	t.Parallel()
	g := newTestServer(t, Limits{}, func(testing.TB, *testServer) {}, nil)
	r := upgradeTo(t, "http://gatehouse.test")
	w := httptest.NewRecorder()
	if _, err := g.set.Accept(w, r, nil); err == nil || w.Code != 500 ||
		!strings.Contains(w.Body.String(), `"INTERNAL"`) {
		t.Errorf("%v: %d %s", err, w.Code, w.Body)
	}
}

func upgradeTo(t *testing.T, url string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket",
		"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
	} {
		r.Header.Set(name, value)
	}
	return r
}

func wantRefusal(t *testing.T, client *http.Client, r *http.Request, status int, code,
	message string) {
	t.Helper()
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var body struct {
		Error struct{ Code, Message string }
	}
	if err := json.NewDecoder(res.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != status || res.Header.Get("Content-Type") != "application/json" ||
		body.Error.Code != code || !strings.Contains(body.Error.Message, message) {
		t.Errorf("%s %s %+v", res.Status, res.Header, body)
	}
	if after := res.Header.Get("Retry-After"); (status == http.StatusServiceUnavailable) != (after != "") {
		t.Errorf("HTTP %d with Retry-After %q", status, after)
	}
	if status == http.StatusUpgradeRequired && res.Header.Get("Upgrade") != "websocket" {
		t.Errorf("426 without an Upgrade header: %v", res.Header)
	}
}

// A client may send before it has the answer to its handshake. Those bytes are in the
// HTTP server's reader, in the server's background read, or still to come.
func TestFramesSentWithTheHandshake(t *testing.T) {
	t.Parallel()
	early := append(clientFrame(finText, []byte("first")),
		clientFrame(finText, []byte(strings.Repeat("x", 3000)))...)
	cut := map[string]int{"all": len(early), "one byte": 1, "within the second": 50}
	for name, n := range cut {
		for _, late := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				g := newTestServer(t, Limits{}, func(testing.TB, *testServer) {}, nil)
				accept := make(chan struct{})
				srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					<-accept
					g.ServeHTTP(w, r)
				}))
				defer srv.Close()
				nc, err := net.Dial("tcp", srv.Listener.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = nc.Close() }()
				first, rest := append([]byte(upgradeRequest), early[:n]...), early[n:]
				if late { // the handler is running: the server reads in the background
					first, rest = []byte(upgradeRequest), early
				}
				write(t, nc, first)
				if late {
					write(t, nc, rest[:1])
					rest = rest[1:]
				}
				close(accept)
				if _, err := http.ReadResponse(bufio.NewReader(nc), nil); err != nil {
					t.Fatal(err)
				}
				write(t, nc, rest)
				p := within(t, g.handlers)
				if got := within(t, p.frames); got != "first" {
					t.Errorf("got %q", got)
				}
				if got := within(t, p.frames); len(got) != 3000 {
					t.Errorf("got %d bytes", len(got))
				}
			})
		}
	}
}

// A connection that was busy keeps one goroutine, and none of the HTTP server's.
func TestOneGoroutineAConnection(t *testing.T) { // alone: it counts all goroutines
	const n = 50
	for name, over := range transports {
		t.Run(name, func(t *testing.T) {
			g := newTestServer(t, Limits{Ping: time.Hour}, over, func(p *recorder) {
				p.frame = func(c *Conn, data []byte) { c.SendBytes(data) }
			})
			for range n {
				nc := g.Raw(t)
				write(t, nc, clientFrame(finText, []byte("hello")))
				if _, _, err := readFrame(nc); err != nil {
					t.Fatal(err)
				}
			}
			eventually(t, func() bool {
				all := make([]byte, 1<<20)
				all = all[:runtime.Stack(all, true)]
				return bytes.Count(all, []byte("internal/conn.(*Conn).run(")) == n &&
					bytes.Count(all, []byte("created by github.com/gatehouse-chat/gatehouse/server/internal/conn.(*")) == n &&
					!bytes.Contains(all, []byte("net/http.(*conn).serve("))
			})
		})
	}
}

// An idle connection keeps no buffer and no queue.
func TestIdleConnectionHoldsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newTestServer(t, Limits{}, overPipe, func(p *recorder) {
			p.frame = func(c *Conn, data []byte) { c.SendBytes(data) }
		})
		nc := g.Raw(t)
		c := (<-g.handlers).c
		for range 3 {
			write(t, nc, frames(clientFrame(finText, []byte("hello")), 3))
			for range 3 {
				if _, _, err := readFrame(nc); err != nil {
					t.Fatal(err)
				}
			}
			synctest.Wait()
			if c.in.slab != nil || c.in.data != nil || c.out != nil || c.draining || c.corked {
				t.Fatalf("idle: %+v, queue %v", c.in, c.out)
			}
		}
	})
}
