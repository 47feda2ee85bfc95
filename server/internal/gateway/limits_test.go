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

// metric gives the value of a metric.
func (gw *testGateway) metric(t testing.TB, name string) string {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, gw.url+"/metrics", nil)
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
	gw, rpm := rated(t, 1)
	one, two, other := gw.admin(t, "user"), gw.admin(t, "user"), gw.admin(t, "other")
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
	if n := strings.Count(gw.Log.String(), "security.rate_limited"); n < 1 || n > 10 {
		t.Errorf("%d lines of security.rate_limited for 100 refusals", n)
	}
	if !strings.Contains(gw.Log.String(), "user=user") {
		t.Error("no line names the user")
	}
	for name, want := range map[string]string{
		`gatehouse_rate_limited_total{limit="user"}`:                             "100",
		`gatehouse_requests_total{code="RESOURCE_EXHAUSTED",method="chat.send"}`: "100",
		`gatehouse_requests_total{code="RESOURCE_EXHAUSTED",method="unknown"}`:   "0",
		`gatehouse_requests_total{code="INVALID_REQUEST",method="unknown"}`:      "1",
		`gatehouse_requests_total{code="ok",method="status"}`:                    "5",
		`gatehouse_requests_total{code="ok",method="sessions.reset"}`:            "0",
		`gatehouse_requests_total{code="INTERNAL",method="sessions.reset"}`:      "0",
	} {
		if n := gw.metric(t, name); n != want {
			t.Errorf("%s is %s, want %s", name, n, want)
		}
	}
	rpm.Store(0)
	// the refused sends have created no session
	one.Refused(protocol.NotFound, "", protocol.MethodChatHistory, `{"sessionKey":"never"}`)
}

// TestUserRateCountsRubbish checks that frames that are no requests count against the rate
// limit of their user, and that control frames do not.
func TestUserRateCountsRubbish(t *testing.T) {
	t.Parallel()
	gw, _ := rated(t, 1)
	pinging := rawAdmin(t, gw)
	ctx, cancel := context.WithTimeout(t.Context(), httpdtest.Timeout)
	defer cancel()
	go func() { // answers to pings are read, and events for admins
		for {
			if _, _, err := pinging.Read(ctx); err != nil {
				return
			}
		}
	}()
	for range 20 {
		if err := pinging.Ping(ctx); err != nil {
			t.Fatal(err)
		}
	}
	c := gw.admin(t, "user")
	for range 5 {
		c.OK(protocol.MethodStatus, "")
	}
	c.Refused(protocol.ResourceExhausted, "", protocol.MethodStatus, "")
	ws := rawAdmin(t, gw)
	for _, frame := range []string{"rubbish", "[]", `{"type":"event","id":"7"}`} {
		if err := ws.Write(ctx, websocket.MessageText, []byte(frame)); err != nil {
			t.Fatal(err)
		}
		if text := answerTo(ctx, t, ws); !strings.Contains(text, string(protocol.ResourceExhausted)) {
			t.Errorf("%s: %s", frame, text)
		}
	}
	if err := ws.Write(ctx, websocket.MessageBinary, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if text := answerTo(ctx, t, ws); !strings.Contains(text, string(protocol.ResourceExhausted)) {
		t.Errorf("binary: %s", text)
	}
}

// answerTo reads the next answer. Events for admins may come before it.
func answerTo(ctx context.Context, t *testing.T, ws *websocket.Conn) string {
	t.Helper()
	for {
		_, text, err := ws.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(string(text), `{"type":"res"`) {
			return string(text)
		}
	}
}

// rawAdmin is a connection of the admin "user", for frames that no Client sends.
func rawAdmin(t *testing.T, gw *testGateway) *websocket.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), httpdtest.Timeout)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, gw.url+"/ws", nil)
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

// refusedUpgrade opens a connection, which must be refused, and gives the error.
func (gw *testGateway) refusedUpgrade(t testing.TB, header http.Header, status int) protocol.Error {
	t.Helper()
	ws, answer, err := websocket.Dial(t.Context(), gw.url+"/ws",
		&websocket.DialOptions{HTTPHeader: header})
	if err == nil {
		_ = ws.CloseNow()
		t.Fatal("the WebSocket was opened, want it refused")
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
		limits   registry.Limits
		status   int
		words    string
		metric   string
		admitted http.Header // from another address that is admitted all the same; nil: none is
	}{
		"in all": {registry.Limits{Connections: 3}, 503, "its limit", "max_connections", nil},
		"of an address": {registry.Limits{ConnectionsPerAddress: 3}, 429, "your address",
			"max_connections_per_address", from("192.0.2.9")},
		"pending": {registry.Limits{PendingConnections: 3}, 503, "authenticated",
			"max_pending_connections", from("192.0.2.9")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			gw, limits := limited(t, row.limits)
			var in []*client
			for range 3 {
				in = append(in, gw.dial(t, from("192.0.2.1")))
			}
			if e := gw.refusedUpgrade(t, from("192.0.2.1"), row.status); !strings.Contains(e.Message,
				row.words) {
				t.Errorf("%q", e.Message)
			}
			if n := gw.metric(t, `gatehouse_upgrades_refused_total{cause="`+row.metric+`"}`); n != "1" {
				t.Errorf("counted %s", n)
			}
			if log := gw.Log.String(); !strings.Contains(log, "security.connection_refused") ||
				!strings.Contains(log, "limit=gateway."+row.metric) {
				t.Errorf("log: %s", log)
			}
			if row.admitted != nil {
				gw.dial(t, row.admitted)
			}
			limits.Store(&registry.Limits{}) // the defaults, at once
			gw.dial(t, from("192.0.2.1")).Leave()
			limits.Store(&row.limits)
			for _, c := range in {
				c.Leave()
			}
			gw.untilConnections(t, 2)
			gw.dial(t, from("192.0.2.1"))
		})
	}
}

// untilConnections waits until at most that many connections are left.
func (gw *testGateway) untilConnections(t testing.TB, most int) {
	t.Helper()
	for end := time.Now().Add(httpdtest.Timeout); ; time.Sleep(time.Millisecond) {
		pending, pairing, authenticated := gw.Registry.Counts()
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
	gw, _ := limited(t, registry.Limits{ConnectionsPerAddress: 2})
	for range 5 {
		gw.dial(t, nil)
	}
}

func TestConnectionsOfAUser(t *testing.T) {
	t.Parallel()
	gw, _ := limited(t, registry.Limits{ConnectionsPerUser: 2})
	one, _ := gw.admin(t, "user"), gw.admin(t, "user")
	gw.admin(t, "other")
	third := gw.dial(t, nil)
	e := third.Refused(protocol.ResourceExhausted, "has 2 connections", protocol.MethodConnect,
		`{"token":"`+httpdtest.Token+`","user_id":"user"}`)
	if !e.Retryable || e.RetryAfterMs <= 0 {
		t.Errorf("%+v", e)
	}
	third.Closed(protocol.CloseTooSlow, "too many connections of this user: close some and come back")
	if n := gw.metric(t, `gatehouse_upgrades_refused_total{cause="max_connections_per_user"}`); n != "1" {
		t.Errorf("counted %s", n)
	}
	one.Leave()
	gw.untilConnections(t, 2)
	gw.admin(t, "user")
}

// TestFailedConnectIsNotCounted refuses connects of a device after they were counted for
// its user: they must not use up the user's connections.
func TestFailedConnectIsNotCounted(t *testing.T) {
	t.Parallel()
	hooked := &hookedPairings{after: func() error { return nil }}
	gw := newTestGateway(t, httpdtest.Options{
		Pairings: func(s pairing.Store) pairing.Store { hooked.Store = s; return hooked },
		Limits:   func() registry.Limits { return registry.Limits{ConnectionsPerUser: 1} },
	})
	d := gw.pair(t, protocol.Operator, "user")
	c := gw.dial(t, nil)
	views := 0
	hooked.after = func() error {
		if views++; views%2 == 0 && views <= 6 {
			return store.ErrUnavailable
		}
		return nil
	}
	for range 3 {
		c.Refused(protocol.Unavailable, "", protocol.MethodConnect, `{"sender_id":"`+d.secret+`"}`)
	}
	if n := gw.metric(t, `gatehouse_connections{state="authenticated"}`); n != "0" {
		t.Errorf("%s authenticated", n)
	}
	c.OK(protocol.MethodConnect, `{"sender_id":"`+d.secret+`"}`)
	if n := gw.metric(t, `gatehouse_connections{state="authenticated"}`); n != "1" {
		t.Errorf("%s authenticated", n)
	}
}
