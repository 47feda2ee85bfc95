package metrics

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/conn"
)

func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("HTTP %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func TestEverythingIsCounted(t *testing.T) {
	t.Parallel()
	m := New()
	m.Watch(Sources{
		Connections: func() (int, int, int) { return 3, 2, 1 }, Runs: func() int { return 4 }, Replayed: func() int64 { return 5 },
	})
	m.ConnectionOpened()
	for _, c := range conn.Causes() {
		m.ConnectionClosed(c)
	}
	for _, r := range refusals() {
		m.UpgradeRefused(r)
	}
	for _, d := range drops() {
		m.HTTPDropped(d)
	}
	for _, l := range limits() {
		m.RateLimited(l)
	}
	for _, v := range violations() {
		m.Violation(v)
	}
	for _, o := range outcomes() {
		m.RunEnded(o)
	}
	m.FrameReceived()
	m.FrameSent()
	m.Request("health", OK)
	m.WrongToken()
	m.OriginRejected()
	m.HostRejected()
	m.Committed(2 * time.Millisecond)
	m.MediaReceived(7)
	m.MediaServed(8)
	m.Violation("something that a client sent")
	text := scrape(t, m)
	zero := regexp.MustCompile(`(?m)^gatehouse_.* 0$`)
	for _, line := range zero.FindAllString(text, -1) {
		if !strings.Contains(line, "_bucket{") {
			t.Errorf("not counted: %s", line)
		}
	}
	for _, line := range []string{
		`gatehouse_connections{state="pending"} 3`, `gatehouse_connections{state="pairing"} 2`, `gatehouse_connections{state="authenticated"} 1`,
		`gatehouse_runs_running 4`, `gatehouse_events_replayed_total 5`, `gatehouse_requests_total{code="ok",method="health"} 1`,
		`gatehouse_store_commit_seconds_count 1`, `gatehouse_media_bytes_total{direction="received"} 7`, `gatehouse_media_bytes_total{direction="served"} 8`,
		`gatehouse_connections_closed_total{cause="fragmented"} 1`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no %s", line)
		}
	}
	if strings.Contains(text, "something that a client sent") || !strings.Contains(text, "\ngo_goroutines ") {
		t.Errorf("metrics: %s", text)
	}
}

// TestZerosAreThere: an alert on what has never occurred has something to look at.
func TestZerosAreThere(t *testing.T) {
	t.Parallel()
	text := scrape(t, New())
	for _, line := range []string{
		`gatehouse_protocol_violations_total{cause="too_deep"} 0`, `gatehouse_upgrades_refused_total{cause="handshake"} 0`,
		`gatehouse_rate_limited_total{limit="user"} 0`, `gatehouse_wrong_tokens_total 0`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no %s", line)
		}
	}
}

func TestReferenceHasEveryMetricOnce(t *testing.T) {
	t.Parallel()
	m := New()
	m.Watch(Sources{Connections: func() (int, int, int) { return 0, 0, 0 }, Runs: func() int { return 0 }, Replayed: func() int64 { return 0 }})
	m.Request("health", OK)
	reference := Reference()
	families := regexp.MustCompile(`(?m)^# TYPE (gatehouse_\S+) (\S+)$`).FindAllStringSubmatch(scrape(t, m), -1)
	for _, f := range families {
		if row := "| `" + f[1] + "` | " + f[2] + " | "; strings.Count(reference, row) != 1 {
			t.Errorf("not once in the reference: %s", row)
		}
	}
	if rows := strings.Count(reference, "\n") - 2; rows != len(families) {
		t.Errorf("%d rows for %d metrics", rows, len(families))
	}
}
