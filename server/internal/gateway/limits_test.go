package gateway_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/server/internal/registry"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// limited makes a gateway with limits that the test can change.
func limited(t *testing.T, l registry.Limits) (*testGateway, *atomic.Pointer[registry.Limits]) {
	t.Helper()
	var now atomic.Pointer[registry.Limits]
	now.Store(&l)
	return newTestGateway(t, httpdtest.Options{Limits: func() registry.Limits { return *now.Load() }}),
		&now
}

// rated makes a gateway with a rate limit that the test can change.
func rated(t *testing.T, rpm int64) (*testGateway, *atomic.Int64) {
	t.Helper()
	var now atomic.Int64
	now.Store(rpm)
	return newTestGateway(t, httpdtest.Options{RateLimitRPM: func() int { return int(now.Load()) }}),
		&now
}

// metric gives a line of the metrics, without its name.
func (h *testGateway) metric(t testing.TB, name string) string {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.url+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer "+httpdtest.Token)
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("/metrics: %s, %v", answer.Status, err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	t.Fatalf("no metric %s", name)
	return ""
}

func TestUserRate(t *testing.T) {
	t.Parallel()
	h, rpm := rated(t, 1)
	one, two, other := h.admin(t, "user"), h.admin(t, "user"), h.admin(t, "other")
	for range 3 {
		one.OK(protocol.MethodStatus, "")
	}
	two.Refused(protocol.InvalidRequest, "unknown method", "nothing", "")
	two.OK(protocol.MethodStatus, "")
	for range 50 {
		for _, c := range []*client{one, two} {
			e := c.Refused(protocol.ResourceExhausted, "too many requests", protocol.MethodChatSend,
				`{"message":"echo x","sessionKey":"never"}`)
			if !e.Retryable || e.RetryAfterMs <= 50_000 || e.RetryAfterMs > 60_000 {
				t.Fatalf("%+v", e)
			}
		}
	}
	other.OK(protocol.MethodStatus, "")
	if n := strings.Count(h.Log.String(), "security.rate_limited"); n < 1 || n > 10 {
		t.Errorf("%d lines of security.rate_limited for 100 refusals", n)
	}
	if !strings.Contains(h.Log.String(), "user=user") {
		t.Error("no line names the user")
	}
	if n := h.metric(t, `gatehouse_rate_limited_total{limit="user"}`); n != "100" {
		t.Errorf("counted %s", n)
	}
	rpm.Store(0)
	// what was refused was not run
	one.Refused(protocol.NotFound, "", protocol.MethodChatHistory, `{"sessionKey":"never"}`)
}

// TestUserRateCountsRubbish lets nobody go on with frames that are no requests,
// and counts no control frames.
func TestUserRateCountsRubbish(t *testing.T) {
	t.Parallel()
	h, _ := rated(t, 1)
	ws := rawAdmin(t, h)
	ctx, cancel := context.WithTimeout(t.Context(), httpdtest.Timeout)
	defer cancel()
	reading := ws.CloseRead(ctx)
	for range 20 {
		if err := ws.Ping(ctx); err != nil {
			t.Fatal(err, reading.Err())
		}
	}
	c := h.admin(t, "user")
	for range 5 {
		c.OK(protocol.MethodStatus, "")
	}
	c.Refused(protocol.ResourceExhausted, "", protocol.MethodStatus, "")
	ws = rawAdmin(t, h)
	for _, frame := range []string{"rubbish", "[]", `{"type":"event","id":"7"}`} {
		if err := ws.Write(ctx, websocket.MessageText, []byte(frame)); err != nil {
			t.Fatal(err)
		}
		_, text, err := ws.Read(ctx)
		if err != nil || !strings.Contains(string(text), string(protocol.ResourceExhausted)) {
			t.Errorf("%s: %s %v", frame, text, err)
		}
	}
	if err := ws.Write(ctx, websocket.MessageBinary, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, text, err := ws.Read(ctx); err != nil ||
		!strings.Contains(string(text), string(protocol.ResourceExhausted)) {
		t.Errorf("binary: %s %v", text, err)
	}
}

// rawAdmin is a connection of the admin "user", for frames that no Client sends.
func rawAdmin(t *testing.T, h *testGateway) *websocket.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), httpdtest.Timeout)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, h.url+"/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ws.CloseNow() })
	hello := `{"type":"req","id":"1","method":"connect","params":{"token":"` + httpdtest.Token +
		`","user_id":"user"}}`
	if err := ws.Write(ctx, websocket.MessageText, []byte(hello)); err != nil {
		t.Fatal(err)
	}
	if _, text, err := ws.Read(ctx); err != nil || !strings.Contains(string(text), `"ok":true`) {
		t.Fatalf("%s %v", text, err)
	}
	return ws
}

// refusedUpgrade opens a connection that has to be refused, and gives the cause.
func (h *testGateway) refusedUpgrade(t testing.TB, header http.Header, status int) protocol.Error {
	t.Helper()
	ws, answer, err := websocket.Dial(t.Context(), h.url+"/ws",
		&websocket.DialOptions{HTTPHeader: header})
	if err == nil {
		_ = ws.CloseNow()
		t.Fatal("let in")
	}
	text, _ := io.ReadAll(answer.Body)
	var body struct{ Error protocol.Error }
	if err := json.Unmarshal(text, &body); err != nil || answer.StatusCode != status ||
		answer.Header.Get("Retry-After") == "" {
		t.Fatalf("%s, Retry-After %q, %s: %v", answer.Status, answer.Header.Get("Retry-After"), text, err)
	}
	if e := body.Error; e.Code != protocol.ResourceExhausted || !e.Retryable || e.RetryAfterMs <= 0 {
		t.Fatalf("%+v", e)
	}
	return body.Error
}

func TestConnectionLimits(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		limits registry.Limits
		status int
		words  string
		metric string
		let    http.Header // who is let in all the same; nil: nobody
	}{
		"in all": {registry.Limits{Connections: 3}, 503, "its limit", "max_connections", nil},
		"of an address": {registry.Limits{ConnectionsPerAddress: 3}, 429, "your address",
			"max_connections_per_address", from("192.0.2.9")},
		"pending": {registry.Limits{PendingConnections: 3}, 503, "authenticated",
			"max_pending_connections", from("192.0.2.9")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, limits := limited(t, row.limits)
			var in []*client
			for range 3 {
				in = append(in, h.dial(t, from("192.0.2.1")))
			}
			if e := h.refusedUpgrade(t, from("192.0.2.1"), row.status); !strings.Contains(e.Message,
				row.words) {
				t.Errorf("%q", e.Message)
			}
			if n := h.metric(t, `gatehouse_upgrades_refused_total{cause="`+row.metric+`"}`); n != "1" {
				t.Errorf("counted %s", n)
			}
			if log := h.Log.String(); !strings.Contains(log, "security.connection_refused") ||
				!strings.Contains(log, "limit=gateway."+row.metric) {
				t.Errorf("log: %s", log)
			}
			if row.let != nil {
				h.dial(t, row.let)
			}
			limits.Store(&registry.Limits{}) // takes effect at once
			h.dial(t, from("192.0.2.1")).Leave()
			limits.Store(&row.limits)
			for _, c := range in {
				c.Leave()
			}
			h.untilEmpty(t, 2)
			h.dial(t, from("192.0.2.1"))
		})
	}
}

// untilEmpty waits until at most so many connections are left.
func (h *testGateway) untilEmpty(t testing.TB, most int) {
	t.Helper()
	for end := time.Now().Add(httpdtest.Timeout); ; time.Sleep(time.Millisecond) {
		pending, pairing, authenticated := h.Registry.Counts()
		if pending+pairing+authenticated <= most {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d, %d, %d connections are left", pending, pairing, authenticated)
		}
	}
}

// TestConnectionsOfAProxy opens many connections from one address, a trusted proxy's.
func TestConnectionsOfAProxy(t *testing.T) {
	t.Parallel()
	h, _ := limited(t, registry.Limits{ConnectionsPerAddress: 2})
	for range 5 {
		h.dial(t, nil)
	}
}

func TestConnectionsOfAUser(t *testing.T) {
	t.Parallel()
	h, _ := limited(t, registry.Limits{ConnectionsPerUser: 2})
	one, _ := h.admin(t, "user"), h.admin(t, "user")
	h.admin(t, "other")
	third := h.dial(t, nil)
	e := third.Refused(protocol.ResourceExhausted, "has 2 connections", protocol.MethodConnect,
		`{"token":"`+httpdtest.Token+`","user_id":"user"}`)
	if !e.Retryable || e.RetryAfterMs <= 0 {
		t.Errorf("%+v", e)
	}
	third.Closed(protocol.CloseTooSlow, "too many connections of this user: close some and come back")
	if n := h.metric(t, `gatehouse_upgrades_refused_total{cause="max_connections_per_user"}`); n != "1" {
		t.Errorf("counted %s", n)
	}
	one.Leave()
	h.untilEmpty(t, 2)
	h.admin(t, "user")
}

// TestFailedConnectKeepsNoSeat refuses a device after its user was counted.
func TestFailedConnectKeepsNoSeat(t *testing.T) {
	t.Parallel()
	desk := &viewed{after: func() error { return nil }}
	h := newTestGateway(t, httpdtest.Options{
		Pairings: func(s pairing.Store) pairing.Store { desk.Store = s; return desk },
		Limits:   func() registry.Limits { return registry.Limits{ConnectionsPerUser: 1} },
	})
	d := h.pair(t, protocol.Operator, "user")
	c := h.dial(t, nil)
	views := 0
	desk.after = func() error {
		if views++; views%2 == 0 && views <= 6 {
			return store.ErrUnavailable
		}
		return nil
	}
	for range 3 {
		c.Refused(protocol.Unavailable, "", protocol.MethodConnect, `{"sender_id":"`+d.secret+`"}`)
	}
	if n := h.metric(t, `gatehouse_connections{state="authenticated"}`); n != "0" {
		t.Errorf("%s authenticated", n)
	}
	c.OK(protocol.MethodConnect, `{"sender_id":"`+d.secret+`"}`)
	if n := h.metric(t, `gatehouse_connections{state="authenticated"}`); n != "1" {
		t.Errorf("%s authenticated", n)
	}
}
