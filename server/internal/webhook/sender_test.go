package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/gatehouse-chat/gatehouse/server/internal/setting"
	"github.com/gatehouse-chat/gatehouse/server/internal/webhook/webhooktest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	key     = []byte("a key of thirty-two bytes length")
	both    = []string{protocol.EventDeviceRequested, protocol.EventDeviceResolved}
	pending = protocol.PendingDevice{Code: "ABCDEFGH", DeviceID: "dev-1", DeviceName: "Firefox", Address: "192.0.2.1", CreatedAt: 1000, ExpiresAt: 2000}
	revoked = protocol.DeviceResolved{Status: protocol.PairingRevoked, Code: "ABCDEFGH", DeviceID: "dev-1", Paired: &protocol.PairedDevice{UserID: "ann", Role: protocol.Viewer}}
)

// logs is a log that several goroutines may write to.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func newSender(to Settings) (*Sender, *logs) {
	log := &logs{}
	return New(Options{Log: slog.New(slog.NewTextHandler(log, nil)), Settings: setting.Fixed(to)}), log
}

// A receiver that checks signatures by the book gets each message once.
func TestDeliver(t *testing.T) {
	t.Parallel()
	bodies := make(chan string, 9)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = webhooktest.Verify(key, r.Header, body)
		}
		if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %v: %v", r.Method, r.Header, err)
		}
		bodies <- string(body)
	}))
	defer server.Close()
	s, log := newSender(Settings{URL: server.URL + "/secret-path", Key: key, Events: both})
	s.PairingRequested(pending)
	first := <-bodies
	s.PairingResolved(revoked)
	second := <-bodies
	s.deliveries.Wait()
	s.Stop()
	s.PairingRequested(pending) // after the stop
	var message struct {
		Type      string
		Timestamp time.Time
		Data      map[string]any
	}
	if err := json.Unmarshal([]byte(first), &message); err != nil || message.Type != protocol.EventDeviceRequested || time.Since(message.Timestamp) > time.Minute ||
		message.Data["deviceId"] != "dev-1" || message.Data["address"] != "192.0.2.1" || message.Data["expiresAt"] != "1970-01-01T00:00:02Z" {
		t.Errorf("the first message is %s (%v)", first, err)
	}
	if !strings.Contains(second, `"data":{"deviceId":"dev-1","status":"revoked","userId":"ann","role":"viewer"}`) {
		t.Errorf("the second message is %s", second)
	}
	if strings.Contains(first+second, "ABCDEFGH") {
		t.Error("a message has the pairing code")
	}
	if len(bodies) > 0 || log.String() != "" {
		t.Errorf("more messages were sent, or there are log lines: %s", log)
	}
}

// Redirects are not followed, and what fails is not logged with its address.
func TestNoRedirects(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			t.Error("the redirect was followed")
		}
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}))
	s, _ := newSender(Settings{URL: server.URL + "/secret-path", Key: key, Events: both})
	m, err := newMessage(protocol.EventDeviceRequested, newPairingRequested(pending))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := s.try(m); !again || err == nil || !strings.Contains(err.Error(), "307") || strings.Contains(err.Error(), "secret-path") {
		t.Errorf("a redirect: %v, %v", again, err)
	}
	server.Close()
	if again, err := s.try(m); !again || err == nil || strings.Contains(err.Error(), "secret-path") {
		t.Errorf("without a receiver: %v, %v", again, err)
	}
	s.Stop()
	if _, err := s.try(m); !errors.Is(err, s.ctx.Err()) {
		t.Errorf("after the stop: %v", err)
	}
}

// receiver answers requests within a synctest bubble.
type receiver struct {
	mu     sync.Mutex
	start  time.Time
	status func(n int) int // of the nth request; 0: it answers nothing
	after  func() string   // Retry-After; nil: none
	ids    []string
	times  []time.Duration
	busy   int
	most   int
}

func (r *receiver) RoundTrip(q *http.Request) (*http.Response, error) {
	r.mu.Lock()
	r.ids, r.times = append(r.ids, q.Header.Get("Webhook-Id")), append(r.times, time.Since(r.start))
	status := r.status(len(r.ids))
	r.busy++
	r.most = max(r.most, r.busy)
	r.mu.Unlock()
	defer func() { r.mu.Lock(); defer r.mu.Unlock(); r.busy-- }()
	if status == 0 {
		<-q.Context().Done()
		return nil, q.Context().Err()
	}
	time.Sleep(time.Second)
	header := http.Header{}
	if r.after != nil {
		header.Set("Retry-After", r.after())
	}
	return &http.Response{StatusCode: status, Header: header, Status: http.StatusText(status), Body: io.NopCloser(strings.NewReader("")), Request: q}, nil
}

func inBubble(t *testing.T, status func(n int) int, test func(*Sender, *receiver, *logs)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s, log := newSender(Settings{URL: "https://hook.example/x", Key: key, Events: []string{protocol.EventDeviceRequested}})
		r := &receiver{start: time.Now(), status: status}
		s.client.Transport = r
		test(s, r, log)
		s.Stop()
	})
}

func TestTries(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status func(n int) int
		tries  int
		logged string
	}{
		"at once":           {func(int) int { return 204 }, 1, ""},
		"after some errors": {func(n int) int { return []int{500, 404, 0, 200}[n-1] }, 4, "message not delivered yet"},
		"never":             {func(int) int { return 503 }, 8, `msg="webhook: message lost, since it was not delivered"`},
		"never answered":    {func(int) int { return 0 }, 8, `msg="webhook: message lost, since it was not delivered"`},
		"not any more":      {func(int) int { return 410 }, 1, `msg="webhook: message lost, since it was not delivered"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, c.status, func(s *Sender, r *receiver, log *logs) {
				s.PairingResolved(revoked) // whose event is not wanted
				s.PairingRequested(pending)
				s.deliveries.Wait()
				if len(r.ids) != c.tries || !strings.Contains(log.String(), c.logged) || c.logged == "" && log.String() != "" {
					t.Errorf("tried at %v; logged %s", r.times, log)
				}
				for i, id := range r.ids {
					if id != r.ids[0] || i > 0 && r.times[i]-r.times[i-1] < retryDelays()[i-1] {
						t.Errorf("try %d at %v is %s, the first %s", i, r.times[i], id, r.ids[0])
					}
				}
				if last := r.times[len(r.times)-1]; last > 12*time.Minute {
					t.Errorf("tried until %v", last)
				}
			})
		})
	}
}

// A receiver says when it can be asked again, within bounds.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		header func() string
		status int
		want   time.Duration // between the answer and the next try
	}{
		"seconds":            {func() string { return "90" }, 429, 90 * time.Second},
		"a date":             {func() string { return time.Now().Add(2 * time.Minute).UTC().Format(http.TimeFormat) }, 503, 2 * time.Minute},
		"an old form":        {func() string { return time.Now().Add(2 * time.Minute).UTC().Format(time.RFC850) }, 503, 2 * time.Minute},
		"sooner than we try": {func() string { return "1" }, 503, retryDelays()[0]},
		"gone by":            {func() string { return time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat) }, 503, retryDelays()[0]},
		"far too long":       {func() string { return "86400" }, 503, maxRetryAfter},
		"a date far away":    {func() string { return time.Now().AddDate(9, 0, 0).UTC().Format(http.TimeFormat) }, 503, maxRetryAfter},
		"beyond all numbers": {func() string { return strings.Repeat("9", 30) }, 503, maxRetryAfter},
		"negative":           {func() string { return "-90" }, 503, retryDelays()[0]},
		"rubbish":            {func() string { return "soon" }, 503, retryDelays()[0]},
		"none":               {func() string { return "" }, 503, retryDelays()[0]},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(n int) int { return []int{c.status, 204}[n-1] }, func(s *Sender, r *receiver, log *logs) {
				r.after = c.header
				s.PairingRequested(pending)
				s.deliveries.Wait()
				if len(r.times) != 2 {
					t.Fatalf("tried at %v; logged %s", r.times, log)
				}
				if got := r.times[1] - r.times[0] - time.Second; got != c.want && got != c.want-time.Second { // dates have whole seconds
					t.Errorf("the next try came %v after the answer, want %v", got, c.want)
				}
			})
		})
	}
}

// An unreachable receiver does not block the caller, and the queue is bounded.
func TestBounds(t *testing.T) {
	t.Parallel()
	inBubble(t, func(int) int { return 0 }, func(s *Sender, r *receiver, log *logs) {
		before := time.Now()
		for range maxQueued + 5 {
			s.PairingRequested(pending)
		}
		if time.Since(before) != 0 {
			t.Error("notifying blocked")
		}
		time.Sleep(time.Minute)
		r.mu.Lock()
		most := r.most
		r.mu.Unlock()
		if n := strings.Count(log.String(), "message lost, since the queue is full"); n != 5 || most != maxAtOnce {
			t.Errorf("%d messages lost, %d requests at once", n, most)
		}
		before = time.Now()
		s.Stop()
		if time.Since(before) != 0 || !strings.Contains(log.String(), "messages=100") {
			t.Errorf("the stop took %v; logged %.300s", time.Since(before), log)
		}
	})
}
