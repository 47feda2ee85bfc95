package rig

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/coder/websocket"
)

// Event is what happens on a WebSocket, as its client sees it.
type Event struct {
	Kind string `json:"kind"` // Opened, Text or Closed
	Text string `json:"text"` // a message; for a handshake that failed, what the client knows of it

	// Of a Closed.
	Code   int    `json:"code"`
	Reason string `json:"reason"`
	Status int    `json:"status"` // of an answer to the handshake that is not 101; 0 where that cannot be seen

	At time.Time `json:"-"` // when the test heard of it
}

// The kinds of events. A Closed that follows no Opened is a handshake that failed.
const (
	Opened = "opened"
	Text   = "text"
	Closed = "closed"
)

// Socket is a WebSocket of any client. Events closes after Closed.
type Socket interface {
	Send(text string)
	Close()
	Events() <-chan Event
}

// Options are how to open a WebSocket with Dial.
type Options struct {
	URL    string
	Header http.Header
	Mute   bool // answer no ping
	Client *http.Client
}

// Dial opens a WebSocket with coder/websocket.
func Dial(ctx context.Context, o Options) Socket {
	s := &native{events: make(chan Event, 1<<16), ready: make(chan struct{})}
	ctx, s.cancel = context.WithCancel(ctx)
	go s.run(ctx, o)
	return s
}

type native struct {
	events chan Event
	ready  chan struct{} // closed when conn is there, or never will be
	conn   *websocket.Conn
	cancel context.CancelFunc
}

// Events gives what happens.
func (s *native) Events() <-chan Event { return s.events }

// Send sends a text message.
func (s *native) Send(text string) {
	<-s.ready
	if s.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	_ = s.conn.Write(ctx, websocket.MessageText, []byte(text)) // a failure is an event, too
}

// Close closes with 1000, and does not wait for it.
func (s *native) Close() {
	<-s.ready
	if s.conn == nil {
		return
	}
	go func() {
		_ = s.conn.Close(websocket.StatusNormalClosure, "")
		s.cancel()
	}()
}

func (s *native) run(ctx context.Context, o Options) {
	defer s.cancel()
	defer close(s.events)
	conn, answer, err := websocket.Dial(ctx, o.URL, &websocket.DialOptions{
		HTTPHeader: o.Header, HTTPClient: o.Client,
		OnPingReceived: func(context.Context, []byte) bool { return !o.Mute },
	})
	if err != nil {
		close(s.ready)
		s.events <- Refused(answer, err)
		return
	}
	defer conn.CloseNow()
	conn.SetReadLimit(1 << 20)
	s.conn = conn
	close(s.ready)
	s.events <- Event{Kind: Opened, At: time.Now()}
	for {
		_, text, err := conn.Read(ctx)
		if err != nil {
			s.events <- ended(err)
			return
		}
		s.events <- Event{Kind: Text, Text: string(text), At: time.Now()}
	}
}

// Refused is the event of a handshake that failed with an answer, or without.
func Refused(answer *http.Response, err error) Event {
	e := Event{Kind: Closed, Text: err.Error(), Code: int(websocket.StatusAbnormalClosure), At: time.Now()}
	if answer != nil && answer.StatusCode != http.StatusSwitchingProtocols {
		e.Status = answer.StatusCode
		if body, err := io.ReadAll(io.LimitReader(answer.Body, 64<<10)); err == nil && len(body) > 0 {
			e.Text = string(body)
		}
	}
	return e
}

func ended(err error) Event {
	e := Event{Kind: Closed, Text: err.Error(), Code: int(websocket.StatusAbnormalClosure), At: time.Now()}
	var closed websocket.CloseError
	if errors.As(err, &closed) {
		e.Code, e.Reason = int(closed.Code), closed.Reason
	}
	return e
}

// From gives a client whose connections come from a loopback address, go to
// another one whatever the URL says, and trust a certificate where pool is not nil.
func From(source, to string, transport *http.Transport) *http.Client {
	dialer := &net.Dialer{Timeout: Patience, LocalAddr: &net.TCPAddr{IP: net.ParseIP(source)}}
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		c, err := dialer.DialContext(ctx, network, to)
		if err != nil {
			return nil, fmt.Errorf("from %s: %w", source, err)
		}
		return c, nil
	}
	return &http.Client{Transport: transport}
}
