package httpd_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/conn/conntest"
	"github.com/gatehouse-chat/gatehouse/server/internal/httpd"
	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/server/internal/registry"
)

// guarded is a gateway behind NewServer, as package app makes it.
func guarded(t *testing.T, o httpdtest.Options) (*httpdtest.Server, *http.Server, *httpd.ConnLimiter) {
	t.Helper()
	h := httpdtest.New(t, o)
	logger := slog.New(slog.NewTextHandler(h.Log, nil))
	limiter := httpd.NewConnLimiter(httpd.ConnLimiterOptions{
		Log: logger, Metrics: h.Metrics,
		Settings: func() httpd.ConnLimiterSettings {
			return httpd.ConnLimiterSettings{Limits: h.Limits(), TrustedProxies: o.TrustedProxies}
		},
	})
	return h, httpd.NewServer(h, limiter, logger), limiter
}

// TestSlowHeaders sends a request one byte a second; another client sends nothing.
func TestSlowHeaders(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, server, limiter := guarded(t, httpdtest.Options{})
		served := conntest.Start(t, server)
		slow, silent := served.Pipe(t), served.Pipe(t)
		begun, over := time.Now(), make(chan struct{})
		go func() {
			defer close(over)
			for _, b := range []byte("GET /ws HTTP/1.1\r\nHost: gatehouse.test\r\nX-Slow: " +
				strings.Repeat("x", 1000)) {
				if _, err := slow.Write([]byte{b}); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}()
		for _, nc := range []net.Conn{slow, silent} {
			_, _ = io.Copy(io.Discard, nc)
		}
		if took := time.Since(begun); took < 9*time.Second || took > 12*time.Second {
			t.Errorf("both were closed after %v, want some 10 s", took)
		}
		<-over
		synctest.Wait()
		if n := limiter.Len(); n != 0 {
			t.Errorf("%d are left", n)
		}
		wantMetrics(t, h, `gatehouse_http_connections_dropped_total{cause="bad_request"} 1`,
			`gatehouse_http_connections_dropped_total{cause="silent"} 1`)
		if !strings.Contains(h.Log.String(), `msg="http request refused"`) {
			t.Errorf("log: %s", h.Log)
		}
	})
}

// TestSlowBody sends the beginning of a sign-in and then nothing.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, server, _ := guarded(t, httpdtest.Options{})
		nc := conntest.Start(t, server).Pipe(t)
		begun := time.Now()
		go func() {
			_, _ = io.WriteString(nc, "POST /api/session HTTP/1.1\r\nHost: gatehouse.test\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
		}()
		answer, err := http.ReadResponse(bufio.NewReader(nc), nil)
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); answer.StatusCode != http.StatusBadRequest ||
			took < 29*time.Second || took > 31*time.Second {
			t.Errorf("%s after %v", answer.Status, took)
		}
	})
}

// wantMetrics checks that the metrics have the lines.
func wantMetrics(t *testing.T, h *httpdtest.Server, lines ...string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.Metrics.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, line := range lines {
		if !strings.Contains(w.Body.String(), "\n"+line+"\n") {
			t.Errorf("metrics: no %s", line)
		}
	}
}

// raw sends bytes over a socket and gives the answer's status and type.
func raw(t *testing.T, address, request string) (status int, kind, body string) {
	t.Helper()
	nc, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(httpdtest.Timeout))
	go func() { _, _ = io.WriteString(nc, request) }() // it may be cut off
	answer, err := http.ReadResponse(bufio.NewReader(nc), nil)
	if err != nil {
		t.Fatalf("%.80q: %v", request, err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	return answer.StatusCode, answer.Header.Get("Content-Type"), string(text)
}

// TestHeaderAndPathAbuse sends requests that no client makes. Each gets a 4xx error, and
// none reaches a file.
func TestHeaderAndPathAbuse(t *testing.T) {
	t.Parallel()
	h, server, _ := guarded(t, httpdtest.Options{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	address := l.Addr().String()
	get := func(path, headers string) string {
		return "GET " + path + " HTTP/1.1\r\nHost: gatehouse.test\r\nConnection: close\r\n" + headers +
			"\r\n"
	}
	for name, row := range map[string]struct {
		request  string
		statuses []int
	}{
		"headers of 64 KiB": {get("/", "X-Big: "+strings.Repeat("x", 64<<10)+"\r\n"),
			[]int{431}},
		"ten thousand headers": {get("/", strings.Repeat("X: y\r\n", 10_000)), []int{431}},
		"a path of 64 KiB":     {get("/"+strings.Repeat("a", 64<<10), ""), []int{431}},
		"a path of 16 KiB":     {get("/"+strings.Repeat("a/", 8<<10), ""), []int{404}},
		"out of the tree":      {get("/static/../../../../etc/passwd", ""), []int{400, 404}},
		"out of the tree, encoded": {get("/static/%2e%2e/%2e%2e/%2e%2e/etc/passwd", ""),
			[]int{400, 404}},
		"out of the tree, with slash": {get("/static/..%2f..%2f..%2fetc%2fpasswd", ""), []int{400, 404}},
		"out of the tree, backwards":  {get(`/static/..\..\..\etc\passwd`, ""), []int{400, 404}},
		"a NUL":                       {get("/s/%00", ""), []int{200, 400, 404}},
		"a bad escape":                {get("/s/%zz", ""), []int{400}},
		"no UTF-8":                    {get("/s/%ff%fe", ""), []int{200, 400, 404}},
		"no method":                   {" / HTTP/1.1\r\nHost: x\r\n\r\n", []int{400}},
		"an unknown method": {"BREW / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
			[]int{405}},
		"no host":                  {"GET / HTTP/1.1\r\n\r\n", []int{400}},
		"two lengths":              {"POST /api/session HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", []int{400}},
		"a length and chunks":      {"POST /api/session HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: gzip, chunked\r\n\r\nx", []int{400, 501}},
		"a body of 1 MiB":          {"POST /api/session HTTP/1.1\r\nHost: gate.example\r\nOrigin: http://gate.example\r\nContent-Type: application/json\r\nContent-Length: 1048576\r\n\r\n" + strings.Repeat("x", 1<<20), []int{413}},
		"a line break in a header": {get("/", "X: a\rb\r\n"), []int{400}},
		"a header without a name":  {get("/", ": x\r\n"), []int{400}},
		"HTTP/2 in the clear":      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", []int{400, 404, 505}},
		"somebody else's protocol": {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
			[]int{400}},
	} {
		status, kind, body := raw(t, address, row.request)
		ok := false
		for _, want := range row.statuses {
			ok = ok || status == want
		}
		if !ok || strings.Contains(body, "root:") {
			t.Errorf("%s: %d %s, want one of %v", name, status, kind, row.statuses)
		}
	}
	if log := h.Log.String(); strings.Contains(log, "panic") ||
		!strings.Contains(log, "http request refused") {
		t.Errorf("log: %s", log)
	}
	if n := strings.Count(h.Log.String(), "http request refused"); n > 6 {
		t.Errorf("%d lines", n)
	}
}

// TestTooManyConnections opens connections and sends nothing on them.
func TestTooManyConnections(t *testing.T) {
	t.Parallel()
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	for name, row := range map[string]struct {
		limits  registry.Limits
		proxies []netip.Prefix
		status  int
		limit   string
	}{
		"of an address": {registry.Limits{ConnectionsPerAddress: 5}, nil, 429,
			"max_connections_per_address"},
		"in all":     {registry.Limits{Connections: 5}, nil, 503, "max_connections"},
		"of a proxy": {registry.Limits{ConnectionsPerAddress: 5}, loopback, 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, server, limiter := guarded(t, httpdtest.Options{TrustedProxies: row.proxies,
				Limits: func() registry.Limits { return row.limits }})
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			go func() { _ = server.Serve(l) }()
			t.Cleanup(func() { _ = server.Close() })
			var idle []net.Conn
			for range 5 {
				nc, err := net.Dial("tcp", l.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				defer nc.Close()
				idle = append(idle, nc)
			}
			eventually(t, func() bool { return limiter.Len() == 5 })
			const health = "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
			status, kind, body := raw(t, l.Addr().String(), health)
			if status != row.status || kind != "application/json" {
				t.Errorf("%d %s %s", status, kind, body)
			}
			if row.limit == "" {
				return
			}
			if !strings.Contains(body, `"code":"RESOURCE_EXHAUSTED"`) {
				t.Error(body)
			}
			wantMetrics(t, h, fmt.Sprintf(`gatehouse_http_connections_dropped_total{cause=%q} 1`, row.limit))
			if !strings.Contains(h.Log.String(), "security.connection_refused") ||
				!strings.Contains(h.Log.String(), "limit=gateway."+row.limit) {
				t.Errorf("log: %s", h.Log)
			}
			for _, nc := range idle {
				_ = nc.Close()
			}
			eventually(t, func() bool { return limiter.Len() == 0 })
			if status, _, _ := raw(t, l.Addr().String(), health); status != http.StatusOK {
				t.Errorf("%d when there is room again", status)
			}
		})
	}
}

// TestTooManyFiles makes accepting connections fail for a while.
func TestTooManyFiles(t *testing.T) {
	t.Parallel()
	h, _, limiter := guarded(t, httpdtest.Options{})
	l := limiter.Listener(exhausted{})
	const failures = 100
	for range failures {
		if _, err := l.Accept(); !errors.Is(err, syscall.EMFILE) {
			t.Fatal(err)
		}
	}
	wantMetrics(t, h, fmt.Sprintf(`gatehouse_http_connections_dropped_total{cause="open_files"} %d`,
		failures))
	if n := strings.Count(h.Log.String(), "too many open files; raise the limit"); n < 1 || n > 10 {
		t.Errorf("%d lines for %d failures", n, failures)
	}
}

// exhausted is a listener in a process that has too many open files.
type exhausted struct{ net.Listener }

func (exhausted) Accept() (net.Conn, error) {
	return nil, &net.OpError{Op: "accept", Net: "tcp",
		Err: os.NewSyscallError("accept4", syscall.EMFILE)}
}

// TestSocketsOverTLS makes one TLS connection too many, which is refused before the
// handshake, and one that does not go on with its handshake.
func TestSocketsOverTLS(t *testing.T) {
	t.Parallel()
	const most = 5
	h, server, limiter := guarded(t,
		httpdtest.Options{Limits: func() registry.Limits { return registry.Limits{ConnectionsPerAddress: most} }})
	server.ReadHeaderTimeout = time.Second // of which net/http makes the handshake's
	at := httptest.NewUnstartedServer(nil)
	at.Config, at.EnableHTTP2 = server, true
	at.StartTLS()
	t.Cleanup(at.Close)
	dial := func() net.Conn {
		nc, err := net.Dial("tcp", at.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = nc.Close() })
		return nc
	}
	var idle []net.Conn
	for range most {
		idle = append(idle, dial())
	}
	_, _ = idle[0].Write([]byte{22, 3, 1, 2, 0, 1}) // the beginning of a ClientHello
	eventually(t, func() bool { return limiter.Len() == most })
	begun := time.Now()
	if text, _ := io.ReadAll(dial()); len(text) > 0 || time.Since(begun) > httpdtest.Timeout/2 {
		t.Errorf("one too many: %q after %v", text, time.Since(begun))
	}
	wantMetrics(t, h, `gatehouse_http_connections_dropped_total{cause="max_connections_per_address"} 1`)
	if log := h.Log.String(); !strings.Contains(log, "security.connection_refused") {
		t.Errorf("log: %s", log)
	}
	for _, nc := range idle {
		_, _ = io.ReadAll(nc)
	}
	eventually(t, func() bool { return limiter.Len() == 0 })
	wantMetrics(t, h, `gatehouse_http_connections_dropped_total{cause="silent"} 5`)
	answer, err := at.Client().Get(at.URL + "/health")
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK || answer.ProtoMajor != 2 {
		t.Errorf("%s over %s when there is room again", answer.Status, answer.Proto)
	}
}

// TestWebSocketsAreNotCounted checks that a ConnLimiter does not count WebSockets.
func TestWebSocketsAreNotCounted(t *testing.T) {
	t.Parallel()
	h, server, limiter := guarded(t, httpdtest.Options{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	c := httpdtest.Dial(t, "http://"+l.Addr().String(), nil)
	c.OK("connect", `{"token":"`+httpdtest.Token+`"}`)
	if limiter.Len() != 0 {
		t.Errorf("%d sockets", limiter.Len())
	}
	wantMetrics(t, h, `gatehouse_connections{state="authenticated"} 1`)
}

func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(httpdtest.Timeout); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the condition did not become true in time")
		}
	}
}
