package app_test

import (
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/app"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// TestMetricsOfTheirOwn reads the metrics at gateway.metrics_listen, after an answer.
func TestMetricsOfTheirOwn(t *testing.T) {
	t.Parallel()
	c := settings(t, t.TempDir())
	c.Gateway.MetricsListen = "127.0.0.1:0"
	r := start(t, c)
	admin := r.admin()
	admin.OK(protocol.MethodChatSend, `{"message":"echo hello"}`)
	found := regexp.MustCompile(`metrics=(\S+)`).FindStringSubmatch(r.log.String())
	if found == nil {
		t.Fatalf("no address in the log: %s", r.log)
	}
	text := scraped(t, "http://"+found[1]+"/metrics", http.StatusOK)
	for _, line := range []string{
		`gatehouse_connections{state="authenticated"} 1`, `gatehouse_runs_total{outcome="completed"} 1`,
		`gatehouse_requests_total{code="ok",method="chat.send"} 1`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no %s", line)
		}
	}
	if commits := regexp.MustCompile(`(?m)^gatehouse_store_commit_seconds_count [1-9]`); !commits.MatchString(text) {
		t.Error("no transaction was counted")
	}
	scraped(t, "http://"+found[1]+"/", http.StatusNotFound)
	foreign, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
		"http://"+found[1]+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	foreign.Host, foreign.Close = "evil.example", true // a name that leads here, as a page may make one
	if answer, err := http.DefaultClient.Do(foreign); err != nil ||
		answer.StatusCode != http.StatusMisdirectedRequest || answer.Body.Close() != nil {
		t.Errorf("under a foreign host: %v, %v", answer, err)
	}
	if text := scraped(t, r.url+"/metrics", http.StatusUnauthorized); strings.Contains(text,
		"gatehouse_runs_total") {
		t.Error("strangers get the metrics")
	}
	admin.Leave()
	r.end()
}

func scraped(t *testing.T, url string, status int) string {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Close = true
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != status {
		t.Fatalf("%s: %s %v", url, answer.Status, err)
	}
	return string(text)
}

// TestMetricsAddressThatIsTaken expects that the gateway does not start.
func TestMetricsAddressThatIsTaken(t *testing.T) {
	t.Parallel()
	first := settings(t, t.TempDir())
	first.Gateway.MetricsListen = "127.0.0.1:0"
	r := start(t, first)
	found := regexp.MustCompile(`metrics=(\S+)`).FindStringSubmatch(r.log.String())
	second := settings(t, t.TempDir())
	second.Gateway.MetricsListen = found[1]
	err := app.Run(t.Context(), app.Options{Config: second, Version: "test",
		Log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "gateway.metrics_listen") {
		t.Errorf("%v", err)
	}
	r.end()
}
