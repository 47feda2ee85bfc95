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
	readLimit = 2 * protocol.MaxFrameBytes // the gateway's frames are at most half as large
	maxQueued = 4 << 20                    // bytes queued for writing
)

var (
	errClosed = errors.New("closed by this side")
	errQueue  = errors.New("the gateway reads too slowly: more than 4 MiB are queued")
)

// socket is a WebSocket. Two goroutines serve it: run reads and calls the handler, write
// writes. Both end when ctx ends; its cause says why.
type socket struct {
	transport *Transport
	handler   client.SocketHandler
	ctx       context.Context
	cancel    context.CancelCauseFunc
	wake      chan struct{} // has a value if the writer has something to do

	// mu guards the following fields.
	mu      sync.Mutex
	open    bool                  // the upgrade succeeded
	queue   [][]byte              // frames to write
	bytes   int                   // in the queue and being written
	closing *websocket.CloseError // to send after the queue; nil until Close
}

// Send queues a text message. A queue that grows past 4 MiB ends the socket.
func (s *socket) Send(data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing != nil || s.ctx.Err() != nil {
		return
	}
	if s.bytes += len(data); s.bytes > maxQueued {
		s.cancel(errQueue)
		return
	}
	s.queue = append(s.queue, data)
	s.wakeWriter()
}

// Close closes the connection with a close handshake, after the queued messages. A socket
// that is not open yet is dropped.
func (s *socket) Close(code int, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.open {
		s.cancel(errClosed)
		return
	}
	if s.closing == nil {
		s.closing = &websocket.CloseError{Code: websocket.StatusCode(code), Reason: reason}
		s.wakeWriter()
	}
}

// wakeWriter makes the writer look at the queue.
func (s *socket) wakeWriter() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// take empties the queue and returns its frames, and the close frame to send after them.
func (s *socket) take() (frames [][]byte, closing *websocket.CloseError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	frames, s.queue = s.queue, nil
	return frames, s.closing
}

// wrote notes that bytes were written.
func (s *socket) wrote(bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bytes -= bytes
}

// run opens the connection and reads from it until it ends.
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
		err = failed // the failed write closed the connection
	}
	_ = conn.CloseNow() // the connection has ended: its error does not matter
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

// write writes queued frames until the socket ends. It returns nil if the reader knows why
// the socket has ended.
func (s *socket) write(conn *websocket.Conn) error {
	for {
		select {
		case <-s.ctx.Done():
			return nil
		case <-s.wake:
		}
		frames, closing := s.take()
		for _, f := range frames {
			if err := s.writeFrame(conn, f); err != nil {
				s.cancel(err)
				return err
			}
			s.wrote(len(f))
		}
		if closing != nil {
			_ = conn.Close(closing.Code, closing.Reason) // takes at most 10 s
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
		// Either context may have closed the connection. ctx comes first, because its end also
		// ends s.ctx.
		for _, c := range []context.Context{ctx, s.ctx} {
			if c.Err() != nil {
				return context.Cause(c)
			}
		}
		return err
	}
	return nil
}

// ending returns the code and the reason for the handler: those of the peer's close frame,
// or else 1006 and what went wrong.
func ending(err error) (code int, reason string) {
	var closed websocket.CloseError
	switch {
	case errors.As(err, &closed):
		return int(closed.Code), closed.Reason
	case errors.Is(err, websocket.ErrMessageTooBig):
		reason = fmt.Sprintf("the gateway sent a frame over %d bytes", readLimit)
	case errors.Is(err, io.EOF):
		reason = "the connection was cut"
	default:
		reason = err.Error()
	}
	return int(websocket.StatusAbnormalClosure), reason
}

// whyNotOpen says why the connection could not be opened. It leaves out the address, which
// may contain a secret.
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

// cause returns the message in a gateway's error response, or "" for other responses. The
// library keeps the first kilobyte of the body.
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
