package native

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"

	"github.com/coder/websocket"
	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

const (
	readLimit = 2 * protocol.MaxFrameBytes // a gateway sends no frame over half of it
	maxQueued = 4 << 20                    // bytes that may wait to be written
)

var (
	errClosed = errors.New("closed by this side")
	errQueue  = errors.New("the gateway takes frames too slowly: more than 4 MiB wait to be written")
)

// socket is one WebSocket. run reads and alone calls the handler; write alone
// writes. The context's end ends both; its cause says why.
type socket struct {
	transport *Transport
	handler   client.SocketHandler
	ctx       context.Context
	cancel    context.CancelCauseFunc
	wake      chan struct{} // something is in the queue

	mu      sync.Mutex
	open    bool
	queue   [][]byte
	bytes   int // in the queue and in the writer's hands
	goodbye *websocket.CloseError
}

// Send queues a text message. A queue that grows past 4 MiB ends the socket.
func (s *socket) Send(data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.goodbye != nil || s.ctx.Err() != nil {
		return
	}
	if s.bytes += len(data); s.bytes > maxQueued {
		s.cancel(errQueue)
		return
	}
	s.queue = append(s.queue, data)
	s.rouse()
}

// Close ends the connection after what is queued, with a close handshake; one
// that is not open yet is given up.
func (s *socket) Close(code int, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.open {
		s.cancel(errClosed)
		return
	}
	if s.goodbye == nil {
		s.goodbye = &websocket.CloseError{Code: websocket.StatusCode(code), Reason: reason}
		s.rouse()
	}
}

func (s *socket) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// take gives what is queued, and the goodbye to say after it.
func (s *socket) take() (frames [][]byte, goodbye *websocket.CloseError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	frames, s.queue = s.queue, nil
	return frames, s.goodbye
}

func (s *socket) wrote(bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bytes -= bytes
}

func (s *socket) run() {
	conn, resp, err := websocket.Dial(s.ctx, s.transport.url, &websocket.DialOptions{
		HTTPClient: s.transport.http,
		HTTPHeader: s.transport.header,
	})
	if err != nil {
		s.handler.Closed(int(websocket.StatusAbnormalClosure), s.whyNotOpen(resp, err))
		s.cancel(errClosed)
		return
	}
	conn.SetReadLimit(readLimit)
	s.mu.Lock()
	s.open = true
	s.mu.Unlock()
	s.handler.Opened()

	written := make(chan error, 1)
	go func() { written <- s.write(conn) }()
	err = s.read(conn)
	s.cancel(err)
	if failed := <-written; failed != nil && websocket.CloseStatus(err) == -1 {
		err = failed // which closed the connection under the reader
	}
	_ = conn.CloseNow() // what it says of a connection that has ended is of no use
	s.handler.Closed(ending(err))
}

func (s *socket) read(conn *websocket.Conn) error {
	for {
		kind, data, err := conn.Read(s.ctx)
		if errors.Is(err, context.Canceled) {
			return context.Cause(s.ctx)
		}
		if err != nil {
			return err
		}
		if kind == websocket.MessageText {
			s.handler.Message(data)
		}
	}
}

// write ends with the socket: with nil when the reader knows why.
func (s *socket) write(conn *websocket.Conn) error {
	for {
		select {
		case <-s.ctx.Done():
			return nil
		case <-s.wake:
		}
		frames, goodbye := s.take()
		for _, f := range frames {
			if err := s.writeFrame(conn, f); err != nil {
				s.cancel(err)
				return err
			}
			s.wrote(len(f))
		}
		if goodbye != nil {
			_ = conn.Close(goodbye.Code, goodbye.Reason) // bounded by the library: 5 s to say it, 5 s for the answer
			s.cancel(errClosed)
			return errClosed
		}
	}
}

func (s *socket) writeFrame(conn *websocket.Conn, frame []byte) error {
	ctx, cancel := context.WithTimeoutCause(s.ctx, protocol.WriteTimeout,
		fmt.Errorf("the gateway did not take a frame within %v", protocol.WriteTimeout))
	defer cancel()
	if err := conn.Write(ctx, websocket.MessageText, frame); err != nil {
		// Whichever ended closed the connection; the socket's may end because this one did.
		for _, c := range []context.Context{ctx, s.ctx} {
			if c.Err() != nil {
				return context.Cause(c)
			}
		}
		return err
	}
	return nil
}

// ending gives the code and the reason for the handler: the peer's, if it said
// something; otherwise 1006 and what went wrong.
func ending(err error) (code int, reason string) {
	var said websocket.CloseError
	switch {
	case errors.As(err, &said):
		return int(said.Code), said.Reason
	case errors.Is(err, websocket.ErrMessageTooBig):
		reason = fmt.Sprintf("the gateway sent a frame over %d bytes", readLimit)
	case errors.Is(err, io.EOF):
		reason = "the connection was cut"
	default:
		reason = err.Error()
	}
	return int(websocket.StatusAbnormalClosure), reason
}

// whyNotOpen never shows the address, which may carry what is secret.
func (s *socket) whyNotOpen(resp *http.Response, err error) string {
	switch {
	case s.ctx.Err() != nil:
		return context.Cause(s.ctx).Error()
	case resp != nil && resp.StatusCode != http.StatusSwitchingProtocols:
		return "the gateway, or a proxy before it, refused the upgrade: HTTP " + resp.Status + cause(resp.Body)
	}
	var of *url.Error
	if errors.As(err, &of) {
		err = of.Err
	}
	return err.Error()
}

// cause is what a gateway's refusal says, of whose body the library keeps a
// kilobyte; empty for anybody else's.
func cause(body io.Reader) string {
	var refusal struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	if err := json.NewDecoder(body).Decode(&refusal); err != nil || refusal.Error.Message == "" {
		return ""
	}
	return ": " + refusal.Error.Message
}
