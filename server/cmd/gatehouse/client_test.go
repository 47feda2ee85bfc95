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
	"github.com/gatehouse-chat/gatehouse/server/internal/store/storetest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// client is a connection that collects the events it gets.
type client struct {
	*httpdtest.Client
	t        *testing.T
	text     map[string]string                    // by run, the text of its chunks
	kinds    map[string][]string                  // by run, the types of its other events
	failed   map[string]protocol.RunFailedPayload // by run
	shutdown *protocol.Shutdown
}

func newClient(t *testing.T, connection *httpdtest.Client) *client {
	return &client{Client: connection, t: t, text: map[string]string{},
		kinds:  map[string][]string{},
		failed: map[string]protocol.RunFailedPayload{}}
}

// send sends a message and waits until it is stored.
func (c *client) send(params string) protocol.ChatSendResult {
	c.t.Helper()
	var sent protocol.ChatSendResult
	c.Read(c.OK(protocol.MethodChatSend, `{"ack":"accepted",`+params+`}`), &sent)
	return sent
}

// waitFor reads events until done returns true.
func (c *client) waitFor(done func() bool) {
	c.t.Helper()
	for {
		for len(c.Events) > 0 {
			c.handle(c.Events[0])
			c.Events = c.Events[1:]
		}
		if done() {
			return
		}
		f, err := c.Next()
		if err != nil {
			c.t.Fatalf("read: %v", err)
		}
		c.Events = append(c.Events, f)
	}
}

// waitClosed reads events until the connection is closed, and returns the close code.
func (c *client) waitClosed() websocket.StatusCode {
	c.waitFor(func() bool { return true })
	for {
		f, err := c.Next()
		if err != nil {
			return websocket.CloseStatus(err)
		}
		c.handle(f)
	}
}

func (c *client) handle(f protocol.Frame) {
	c.t.Helper()
	switch f.Event {
	case protocol.EventShutdown:
		c.shutdown = &protocol.Shutdown{}
		c.Read(f, c.shutdown)
	case protocol.EventAgent:
		var e protocol.AgentEvent
		c.Read(f, &e)
		c.handleAgent(e)
	}
}

func (c *client) handleAgent(e protocol.AgentEvent) {
	c.t.Helper()
	if e.Type == protocol.RunChunk {
		var piece protocol.TextPayload
		decode(c.t, e.Payload, &piece)
		c.text[e.RunID] += piece.Content
		return
	}
	if e.Type == protocol.RunFailed {
		var failed protocol.RunFailedPayload
		decode(c.t, e.Payload, &failed)
		c.failed[e.RunID] = failed
	}
	c.kinds[e.RunID] = append(c.kinds[e.RunID], e.Type)
}

func decode(t *testing.T, payload []byte, into protocol.Payload) {
	t.Helper()
	if err := protocol.Decode(payload, into); err != nil {
		t.Fatal(err)
	}
}

// history returns the transcript of a session, which must fit on one page.
func (c *client) history(key string) []protocol.Message {
	c.t.Helper()
	var page protocol.ChatHistoryResult
	c.Read(c.OK(protocol.MethodChatHistory, `{"limit":200,"sessionKey":"`+key+`"}`), &page)
	return page.Messages
}

// waitIdle waits until the session has no running or queued run, and returns the
// transcript.
func (c *client) waitIdle(key string) []protocol.Message {
	c.t.Helper()
	for {
		var status protocol.ChatStatusResult
		c.Read(c.OK(protocol.MethodChatStatus, `{"sessionKey":"`+key+`"}`), &status)
		if !status.IsRunning && status.Queued == 0 {
			return c.history(key)
		}
		if len(c.Events) == 0 {
			f, err := c.Next()
			if err != nil {
				c.t.Fatalf("read: %v", err)
			}
			c.handle(f)
		}
		c.waitFor(func() bool { return true })
	}
}

// storedRun reads a run from the store in dir, which no process uses. It returns the
// types of the run's events, and the text of its chunks.
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
	r, err := session.New(store.Sessions(), storetest.DiscardEvents{},
		setting.Fixed(session.Settings{})).Replay(t.Context(), admin.To(key), "", 0,
		session.Span{Events: 1e5, Bytes: 1e8})
	if err != nil {
		t.Fatal(err)
	}
	stored := newClient(t, nil)
	for i, e := range r.Events {
		if e.Seq != int64(i+1) {
			t.Fatalf("event %d has seq %d", i+1, e.Seq)
		}
		if e.Name == protocol.EventAgent {
			var a protocol.AgentEvent
			decode(t, e.Payload, &a)
			stored.handleAgent(a)
		}
	}
	return stored.kinds[run], stored.text[run]
}

// checkNoWAL fails if the store in dir, which was closed, has left a write-ahead log.
func checkNoWAL(t *testing.T, dir string) {
	t.Helper()
	for _, suffix := range []string{"-wal", "-shm"} {
		if _, err := os.Stat(filepath.Join(dir, "gatehouse.db"+suffix)); !errors.Is(err,
			fs.ErrNotExist) {
			t.Errorf("gatehouse.db%s was left behind: %v", suffix, err)
		}
	}
}
