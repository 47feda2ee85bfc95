package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/coder/websocket"

	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/server/internal/setting"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/sqlite"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// listener is a connection that remembers what it was told.
type listener struct {
	*httpdtest.Client
	t        *testing.T
	said     map[string]string   // by run, the chunks
	kinds    map[string][]string // by run, the other events' types
	failed   map[string]protocol.RunFailedPayload
	shutdown *protocol.Shutdown
}

func listen(t *testing.T, c *httpdtest.Client) *listener {
	return &listener{Client: c, t: t, said: map[string]string{}, kinds: map[string][]string{},
		failed: map[string]protocol.RunFailedPayload{}}
}

// send sends a message whose durability is awaited and nothing else.
func (l *listener) send(params string) protocol.ChatSendResult {
	l.t.Helper()
	var sent protocol.ChatSendResult
	l.Read(l.OK(protocol.MethodChatSend, `{"ack":"accepted",`+params+`}`), &sent)
	return sent
}

// until listens until something has been heard.
func (l *listener) until(heard func() bool) {
	l.t.Helper()
	for {
		for len(l.Events) > 0 {
			l.take(l.Events[0])
			l.Events = l.Events[1:]
		}
		if heard() {
			return
		}
		f, err := l.Next()
		if err != nil {
			l.t.Fatalf("read: %v", err)
		}
		l.Events = append(l.Events, f)
	}
}

// untilClosed listens until the connection ends, and gives with what code.
func (l *listener) untilClosed() websocket.StatusCode {
	l.until(func() bool { return true })
	for {
		f, err := l.Next()
		if err != nil {
			return websocket.CloseStatus(err)
		}
		l.take(f)
	}
}

func (l *listener) take(f protocol.Frame) {
	l.t.Helper()
	switch f.Event {
	case protocol.EventShutdown:
		l.shutdown = &protocol.Shutdown{}
		l.Read(f, l.shutdown)
	case protocol.EventAgent:
		var e protocol.AgentEvent
		l.Read(f, &e)
		l.agent(e)
	}
}

func (l *listener) agent(e protocol.AgentEvent) {
	l.t.Helper()
	if e.Type == protocol.RunChunk {
		var piece protocol.TextPayload
		decode(l.t, e.Payload, &piece)
		l.said[e.RunID] += piece.Content
		return
	}
	if e.Type == protocol.RunFailed {
		var failed protocol.RunFailedPayload
		decode(l.t, e.Payload, &failed)
		l.failed[e.RunID] = failed
	}
	l.kinds[e.RunID] = append(l.kinds[e.RunID], e.Type)
}

func decode(t *testing.T, payload []byte, into protocol.Payload) {
	t.Helper()
	if err := protocol.Decode(payload, into); err != nil {
		t.Fatal(err)
	}
}

// history is a session's transcript, which fits a page.
func (l *listener) history(key string) []protocol.Message {
	l.t.Helper()
	var page protocol.ChatHistoryResult
	l.Read(l.OK(protocol.MethodChatHistory, `{"limit":200,"sessionKey":"`+key+`"}`), &page)
	return page.Messages
}

// settled waits until a session does nothing, and gives its transcript.
func (l *listener) settled(key string) []protocol.Message {
	l.t.Helper()
	for {
		var status protocol.ChatStatusResult
		l.Read(l.OK(protocol.MethodChatStatus, `{"sessionKey":"`+key+`"}`), &status)
		if !status.IsRunning && status.Queued == 0 {
			return l.history(key)
		}
		if len(l.Events) == 0 {
			f, err := l.Next()
			if err != nil {
				l.t.Fatalf("read: %v", err)
			}
			l.take(f)
		}
		l.until(func() bool { return true })
	}
}

type nobody struct{}

func (nobody) Publish(session.Event) {}

// storedRun gives the types of a run's events, as they are stored in a data
// directory that nobody uses, and the text of its chunks.
func storedRun(t *testing.T, dir, key, run string) (kinds []string, text string) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), dir, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}()
	admin := session.Caller{UserID: "admin", Role: protocol.Admin}
	r, err := session.New(store.Sessions(), nobody{}, setting.Fixed(session.Settings{})).Replay(t.Context(), admin.To(key), "", 0, session.Span{Events: 1e5, Bytes: 1e8})
	if err != nil {
		t.Fatal(err)
	}
	stored := listen(t, nil)
	for i, e := range r.Events {
		if e.Seq != int64(i+1) {
			t.Fatalf("event %d has seq %d", i+1, e.Seq)
		}
		if e.Name == protocol.EventAgent {
			var a protocol.AgentEvent
			decode(t, e.Payload, &a)
			stored.agent(a)
		}
	}
	return stored.kinds[run], stored.said[run]
}

// folded fails unless a data directory that was left has no write-ahead log.
func folded(t *testing.T, dir string) {
	t.Helper()
	for _, suffix := range []string{"-wal", "-shm"} {
		if _, err := os.Stat(filepath.Join(dir, "gatehouse.db"+suffix)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("gatehouse.db%s was left behind: %v", suffix, err)
		}
	}
}
