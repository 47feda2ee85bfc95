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

// Event is something that happens on a WebSocket, as its client sees it.
type Event struct {
	Kind string `json:"kind"` // Opened, Text or Closed
	Text string `json:"text"` // a message; for a failed handshake, what the client knows about it

	// The following fields are set for Closed.
	Code   int    `json:"code"`
	Reason string `json:"reason"`
	Status int    `json:"status"` // HTTP status that refused the handshake; 0 where the client cannot see it

	At time.Time `json:"-"` // when the test received the event
}

// The kinds of events. A Closed that follows no Opened is a handshake that failed.
const (
	Opened = "opened"
	Text   = "text"
	Closed = "closed"
)

// Socket is a WebSocket opened by any client library. Events closes after Closed.
type Socket interface {
	Send(text string)
	Close()
	Events() <-chan Event
}

// Options says how Dial opens a WebSocket.
type Options struct {
	URL    string
	Header http.Header
	Mute   bool // do not answer pings
	Client *http.Client
}

// Dial opens a WebSocket with coder/websocket.
func Dial(ctx context.Context, o Options) Socket {
	s := &coderSocket{events: make(chan Event, 1<<16), ready: make(chan struct{})}
	ctx, s.cancel = context.WithCancel(ctx)
	go s.run(ctx, o)
	return s
}

// coderSocket is a WebSocket opened with coder/websocket.
type coderSocket struct {
	events chan Event
	ready  chan struct{} // closed when conn is set, or the handshake has failed
	conn   *websocket.Conn
	cancel context.CancelFunc
}

// Events returns what happens.
func (s *coderSocket) Events() <-chan Event { return s.events }

// Send sends a text message.
func (s *coderSocket) Send(text string) {
	<-s.ready
	if s.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), WaitLimit)
	defer cancel()
	_ = s.conn.Write(ctx, websocket.MessageText, []byte(text)) // the reader reports a failure
}

// Close closes with code 1000, without waiting for the peer.
func (s *coderSocket) Close() {
	<-s.ready
	if s.conn == nil {
		return
	}
	go func() {
		_ = s.conn.Close(websocket.StatusNormalClosure, "")
		s.cancel()
	}()
}

func (s *coderSocket) run(ctx context.Context, o Options) {
	defer s.cancel()
	defer close(s.events)
	conn, answer, err := websocket.Dial(ctx, o.URL, &websocket.DialOptions{
		HTTPHeader: o.Header, HTTPClient: o.Client,
		OnPingReceived: func(context.Context, []byte) bool { return !o.Mute },
	})
	if err != nil {
		close(s.ready)
		s.events <- RefusedEvent(answer, err)
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
			s.events <- closedEvent(err)
			return
		}
		s.events <- Event{Kind: Text, Text: string(text), At: time.Now()}
	}
}

// RefusedEvent is the event of a handshake that failed, with an HTTP answer or without.
func RefusedEvent(answer *http.Response, err error) Event {
	e := Event{Kind: Closed, Text: err.Error(), Code: int(websocket.StatusAbnormalClosure),
		At: time.Now()}
	if answer != nil && answer.StatusCode != http.StatusSwitchingProtocols {
		e.Status = answer.StatusCode
		if body, err := io.ReadAll(io.LimitReader(answer.Body, 64<<10)); err == nil && len(body) > 0 {
			e.Text = string(body)
		}
	}
	return e
}

func closedEvent(err error) Event {
	e := Event{Kind: Closed, Text: err.Error(), Code: int(websocket.StatusAbnormalClosure),
		At: time.Now()}
	var closed websocket.CloseError
	if errors.As(err, &closed) {
		e.Code, e.Reason = int(closed.Code), closed.Reason
	}
	return e
}

// ClientFrom returns an HTTP client whose connections come from the loopback address
// source and go to the address to, whatever the URL says.
func ClientFrom(source, to string, transport *http.Transport) *http.Client {
	dialer := &net.Dialer{Timeout: WaitLimit, LocalAddr: &net.TCPAddr{IP: net.ParseIP(source)}}
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		c, err := dialer.DialContext(ctx, network, to)
		if err != nil {
			return nil, fmt.Errorf("from %s: %w", source, err)
		}
		return c, nil
	}
	return &http.Client{Transport: transport}
}
