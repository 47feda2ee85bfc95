package app_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/server/internal/setting"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/sqlite"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/storetest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// outage is a cause for which the store cannot write.
type outage struct {
	begin, end func()
	causes     []store.Cause // as readiness may name it
}

// How long an answer may take while the store cannot write, on a busy machine: to
// chat.send, and to a request for readiness. On an idle machine both take about 2 s.
const (
	patience  = 9 * time.Second
	readiness = 6 * time.Second
)

// outlive runs a gateway on dir through an outage. During the outage, messages are
// refused soon as retryable and leave nothing behind, the gateway is not ready, and
// stored data can be read. After it, everything goes on by itself, including the
// answer that was being written.
func outlive(t *testing.T, dir string, o outage) {
	t.Helper()
	r := start(t, settings(t, dir))
	c, watcher := r.admin(), r.admin()
	c.OK(protocol.MethodChatSend, send("before", "old", "echo before"))
	words := strings.TrimSpace(strings.Repeat("one two three four five six seven eight nine ten ", 25))
	c.OK(protocol.MethodChatSend, accepted("streamed", "stream", "echo "+words))
	for watched := (protocol.AgentEvent{}); watched.SessionKey != "stream" ||
		watched.Type != protocol.RunChunk; {
		c.Read(c.Event(protocol.EventAgent), &watched)
	}

	o.begin()
	refused := refuseAll(t, r)
	notReady(t, r, c, o.causes)
	newcomer := r.admin()
	if got := asked(t, newcomer, "old"); !slices.Equal(got, []string{"echo before"}) {
		t.Errorf("meanwhile the transcript has %q", got)
	}
	o.end()

	for _, key := range refused { // at once, whatever readiness says
		var made protocol.ChatSendResult
		if c.Read(c.OK(protocol.MethodChatSend, accepted(key, sessionOf(key), "echo "+key)),
			&made); made.Status == protocol.SendDuplicate {
			t.Errorf("%s was refused and is there", key)
		}
	}
	ready(t, r, c)
	for _, key := range sessions {
		idle(t, c, key)
	}
	if watched := untilEnd(t, watcher, "stream"); watched != words {
		t.Errorf("the watching client saw %q", watched)
	}
	if answer := transcript(t, c, "stream")[1]; answer.Content != words ||
		answer.Status != protocol.StatusComplete {
		t.Errorf("the answer that was being made is %s: %q", answer.Status, answer.Content)
	}
	for _, c := range []*httpdtest.Client{c, watcher, newcomer} {
		c.Leave() // or a farewell is waited for
	}
	r.end()
	afterwards(t, dir, refused)
}

// The sessions of the test: one from before, one whose answer streams, and one that a
// refused chat.send would create.
var sessions = []string{"old", "stream", "new"}

func sessionOf(key string) string { return key[:strings.IndexByte(key, '-')] }

func send(key, sessionKey, message string) string {
	return fmt.Sprintf(`{"idempotencyKey":%q,"sessionKey":%q,"message":%q}`, key, sessionKey, message)
}

func accepted(key, sessionKey, message string) string {
	return strings.TrimSuffix(send(key, sessionKey, message), "}") + `,"ack":"accepted"}`
}

// refuseAll sends to every session, from several connections at once and repeatedly,
// until everything is refused. It gives the idempotency keys of the refused messages:
// each is the session's name and a number.
func refuseAll(t *testing.T, r *running) (refused []string) {
	t.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	for i, sessionKey := range slices.Repeat(sessions, 3) {
		c := r.admin()
		all.Go(func() {
			defer c.Leave()
			for try := range 2 {
				key := fmt.Sprintf("%s-%d-%d", sessionKey, i, try)
				begun := time.Now()
				f := c.Call(protocol.MethodChatSend, accepted(key, sessionKey, "echo "+key))
				took := time.Since(begun)
				if took > patience {
					t.Errorf("%s waited for %v", key, took)
				}
				if f.OK || f.Error.Code != protocol.Unavailable || !f.Error.Retryable ||
					f.Error.RetryAfterMs <= 0 {
					t.Errorf("%s: ok %v, %+v; want UNAVAILABLE, to be tried again", key, f.OK, f.Error)
				}
				mu.Lock()
				refused = append(refused, key)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	slices.Sort(refused) // a session's in the order in which they are sent again
	return refused
}

// get makes a GET request.
func (r *running) get(path string) (status int, body string, took time.Duration) {
	r.t.Helper()
	begun := time.Now()
	ctx, cancel := context.WithTimeout(r.t.Context(), httpdtest.Timeout)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	q.Close = true
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		r.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return answer.StatusCode, string(text), time.Since(begun)
}

// notReady fails unless readiness, status and metrics say that the store cannot write.
func notReady(t *testing.T, r *running, c *httpdtest.Client, causes []store.Cause) {
	t.Helper()
	for range 3 {
		status, body, took := r.get("/readyz")
		var answer struct {
			Status, Store string
			Cause         store.Cause
		}
		if err := json.Unmarshal([]byte(body), &answer); err != nil {
			t.Fatal(err)
		}
		if status != http.StatusServiceUnavailable || answer.Store != "unavailable" ||
			!slices.Contains(causes, answer.Cause) || took > readiness {
			t.Errorf("/readyz: HTTP %d %s after %v; want 503 and one of %q", status, body, took, causes)
		}
		if strings.Contains(body, "/") {
			t.Errorf("/readyz names a file: %s", body)
		}
		if status, _, _ := r.get("/health"); status != http.StatusOK {
			t.Errorf("/health: HTTP %d, and the process lives", status)
		}
		begun := time.Now()
		var health protocol.HealthResult
		var overview protocol.StatusResult
		c.Read(c.OK(protocol.MethodHealth, ""), &health)
		c.Read(c.OK(protocol.MethodStatus, ""), &overview)
		if took := time.Since(begun); health.Status != "degraded" || overview.Store != "unavailable" ||
			took > 2*readiness {
			t.Errorf("health says %q, status says %q, after %v", health.Status, overview.Store, took)
		}
	}
}

// ready waits until the gateway is ready.
func ready(t *testing.T, r *running, c *httpdtest.Client) {
	t.Helper()
	begun := time.Now()
	for {
		status, body, _ := r.get("/readyz")
		if status == http.StatusOK {
			break
		}
		if time.Since(begun) > 10*time.Second {
			t.Fatalf("/readyz: HTTP %d %s, and the cause is gone", status, body)
		}
		time.Sleep(20 * time.Millisecond)
	}
	var health protocol.HealthResult
	if c.Read(c.OK(protocol.MethodHealth, ""), &health); health.Status != "ok" {
		t.Errorf("health says %q, and /readyz is ready", health.Status)
	}
}

func transcript(t *testing.T, c *httpdtest.Client, key string) []protocol.Message {
	t.Helper()
	var page protocol.ChatHistoryResult
	c.Read(c.OK(protocol.MethodChatHistory, `{"sessionKey":"`+key+`","limit":200}`), &page)
	return page.Messages
}

// asked gives the user's messages in a session.
func asked(t *testing.T, c *httpdtest.Client, key string) (texts []string) {
	t.Helper()
	for _, m := range transcript(t, c, key) {
		if m.Role == protocol.FromUser {
			texts = append(texts, m.Content)
		}
	}
	return texts
}

// idle waits until a session has no run.
func idle(t *testing.T, c *httpdtest.Client, key string) {
	t.Helper()
	for end := time.Now().Add(2 * httpdtest.Timeout); ; {
		var p protocol.ChatStatusResult
		if c.Read(c.OK(protocol.MethodChatStatus, `{"sessionKey":"`+key+`"}`), &p); !p.IsRunning &&
			p.Queued == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s is still at %+v", key, p)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// untilEnd gives the rest of a run's answer, and fails if an event is missing.
func untilEnd(t *testing.T, c *httpdtest.Client, key string) string {
	t.Helper()
	var answer strings.Builder
	last := int64(0)
	for {
		var e protocol.AgentEvent
		f := c.Event(protocol.EventAgent)
		if c.Read(f, &e); e.SessionKey != key {
			continue
		}
		switch e.Type {
		case protocol.RunCompleted:
			return answer.String()
		case protocol.RunFailed, protocol.RunCancelled:
			t.Fatalf("the run ended with %s %s", e.Type, e.Payload)
		}
		if f.Seq <= last {
			t.Errorf("event %d after %d", f.Seq, last)
		}
		last = f.Seq
		var piece protocol.TextPayload
		if c.Read(protocol.Frame{Payload: e.Payload}, &piece); e.Type == protocol.RunChunk {
			answer.WriteString(piece.Content)
		}
	}
}

// afterwards checks what the gateway has left on the disk.
func afterwards(t *testing.T, dir string, refused []string) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), dir, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	storetest.CheckConsistency(t, s.Sessions())
	service := session.New(s.Sessions(), nil, setting.Fixed(session.Settings{}))
	for _, key := range sessions {
		var got, want []string
		for _, m := range storetest.Transcript(t, service, key) {
			if m.Role == protocol.FromUser {
				got = append(got, m.Content)
			}
		}
		switch key {
		case "old":
			want = append(want, "echo before")
		case "stream":
			got = got[1:] // the long one, which was looked at
		}
		for _, k := range refused {
			if sessionOf(k) == key {
				want = append(want, "echo "+k)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s has %q, want %q", key, got, want)
		}
	}
}

// Another program locks the database for longer than any request waits.
func TestLockedDatabase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var free func()
	outlive(t, dir, outage{
		causes: []store.Cause{store.Locked},
		begin:  func() { free = lock(t, filepath.Join(dir, "gatehouse.db")) },
		end:    func() { free() },
	})
}

func lock(t *testing.T, file string) (free func()) {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	c, err := db.Conn(t.Context())
	if err == nil {
		_, err = c.ExecContext(t.Context(), "PRAGMA busy_timeout = 10000; BEGIN EXCLUSIVE")
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if _, err := c.ExecContext(t.Context(), "ROLLBACK"); err != nil {
			t.Error(err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}
