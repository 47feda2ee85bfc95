package interop

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/gatehouse-chat/gatehouse/server/e2e/rig"
)

func headers(d dial) http.Header {
	h := http.Header{}
	if d.Origin != "" {
		h.Set("Origin", d.Origin)
	}
	if d.Bearer != "" {
		h.Set("Authorization", "Bearer "+d.Bearer)
	}
	return h
}

// withCoder opens WebSockets with coder/websocket.
func withCoder(t testing.TB) func(dial) rig.Socket {
	return func(d dial) rig.Socket {
		ctx, cancel := context.WithCancel(context.Background())
		t.Cleanup(cancel)
		return rig.Dial(ctx, rig.Options{URL: d.URL, Header: headers(d), Mute: d.Mute})
	}
}

// withGorilla opens WebSockets with gorilla/websocket.
func withGorilla(testing.TB) func(dial) rig.Socket {
	return func(d dial) rig.Socket {
		s := &gorilla{events: make(chan rig.Event, 1<<16), ready: make(chan struct{})}
		go s.run(d)
		return s
	}
}

// gorilla is a WebSocket of gorilla/websocket.
type gorilla struct {
	events chan rig.Event
	ready  chan struct{}
	// mu is held while conn writes: gorilla/websocket takes one writer at a time.
	mu   sync.Mutex
	conn *websocket.Conn
}

// Events returns what happens.
func (s *gorilla) Events() <-chan rig.Event { return s.events }

// Send sends a text message.
func (s *gorilla) Send(text string) { s.write(websocket.TextMessage, []byte(text)) }

// Close closes with code 1000.
func (s *gorilla) Close() {
	s.write(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""))
}

func (s *gorilla) write(kind int, data []byte) {
	<-s.ready
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		_ = s.conn.WriteMessage(kind, data) // the reader reports a failure
	}
}

func (s *gorilla) run(d dial) {
	defer close(s.events)
	conn, answer, err := websocket.DefaultDialer.Dial(d.URL, headers(d))
	if err != nil {
		close(s.ready)
		s.events <- rig.RefusedEvent(answer, err)
		return
	}
	defer conn.Close()
	if d.Mute {
		conn.SetPingHandler(func(string) error { return nil })
	}
	s.conn = conn
	close(s.ready)
	s.events <- rig.Event{Kind: rig.Opened, At: time.Now()}
	for {
		_, text, err := conn.ReadMessage()
		if err == nil {
			s.events <- rig.Event{Kind: rig.Text, Text: string(text), At: time.Now()}
			continue
		}
		e := rig.Event{Kind: rig.Closed, Text: err.Error(), Code: websocket.CloseAbnormalClosure,
			At: time.Now()}
		var closed *websocket.CloseError
		if errors.As(err, &closed) {
			e.Code, e.Reason = closed.Code, closed.Text
		}
		s.events <- e
		return
	}
}
