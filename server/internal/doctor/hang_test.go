package doctor

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
)

// TestHangs checks that a server that does not answer cannot delay the doctor for long.
func TestHangs(t *testing.T) {
	t.Parallel()
	const patience = 300 * time.Millisecond
	gateway := httpdtest.New(t, httpdtest.Options{})
	silent := listen(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	at := func(path string, do http.HandlerFunc) string {
		return serve(t, intercept(gateway, func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == path {
				do(w, r)
			}
			return r.URL.Path == path
		})).URL
	}
	wait := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for _, row := range []struct{ name, url, check string }{
		{"says nothing", "http://" + silent, "health"},
		{"says nothing, over TLS", "https://" + silent, "tls"},
		{"drips", "http://" + listen(t, sendEndlessHeader), "health"},
		{"hangs at /readyz", at("/readyz", wait), "ready"},
		{"hangs at /ws", at("/ws", wait), "upgrade"},
		{"hangs at /api/session", at("/api/session", wait), "cookie"},
		{"opens and says nothing", at("/ws", acceptSilently), "round trip"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			r := Examine(t.Context(), Options{URL: row.url, Token: "a token", timeout: patience})
			if took := time.Since(began); took > 20*patience {
				t.Errorf("it took %v", took)
			}
			if l := line(t, r, row.check); l.Status != Fail {
				t.Errorf("%+v", l)
			}
			if n := len(r.Lines); n < 10 {
				t.Errorf("%d lines:\n%s", n, printed(t, r))
			}
		})
	}
}

// listen serves connections until the test ends.
func listen(t *testing.T, serve func(net.Conn)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); serve(c) }()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-ended })
	return l.Addr().String()
}

// sendEndlessHeader sends an answer whose header never ends.
func sendEndlessHeader(c net.Conn) {
	if _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nX: "); err != nil {
		return
	}
	for {
		if _, err := io.WriteString(c, "x"); err != nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// acceptSilently accepts a WebSocket and sends no frame.
func acceptSilently(w http.ResponseWriter, _ *http.Request) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer c.Close()
	_, _ = io.WriteString(c, strings.Join([]string{
		"HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "", "",
	}, "\r\n"))
	_, _ = io.Copy(io.Discard, c)
}
