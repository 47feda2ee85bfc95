package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/conformance/rawws"
)

// socket is a WebSocket on which one request at a time is made.
type socket struct {
	ws      *rawws.Conn
	lastID  int
	timeout time.Duration // of a write, and of the reads for one answer
}

// open opens a WebSocket. It is closed when the context of the examination ends.
func (x *examination) open(header http.Header) (*socket, error) {
	if header == nil {
		header = http.Header{}
	}
	header.Set("User-Agent", userAgent)
	ws, err := rawws.Dial(x.ctx, x.url.String()+"/ws", header, x.dialWithDeadline)
	if err != nil {
		return nil, err
	}
	return &socket{ws: ws, timeout: x.timeout}, ws.SetDeadline(time.Time{})
}

// dialWithDeadline is dial, with a deadline for the WebSocket handshake.
func (x *examination) dialWithDeadline(ctx context.Context, network,
	address string) (net.Conn, error) {
	c, err := x.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return c, c.SetDeadline(time.Now().Add(x.timeout))
}

// result is the answer to a request over the WebSocket.
type result struct {
	OK      bool           `json:"ok"`
	Payload map[string]any `json:"payload"`
	Error   struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// text returns a field of the payload, or "" if it is no text.
func (r result) text(field string) string {
	s, _ := r.Payload[field].(string)
	return s
}

// call makes a request and waits for its answer.
func (s *socket) call(method string, params map[string]any) (result, error) {
	s.lastID++
	id := strconv.Itoa(s.lastID)
	text, err := json.Marshal(map[string]any{"type": "req", "id": id, "method": method,
		"params": params})
	if err != nil {
		return result{}, err
	}
	if err := s.send(rawws.Frame{Opcode: rawws.Text, Payload: text}); err != nil {
		return result{}, err
	}
	for {
		f, err := s.read()
		if err != nil {
			return result{}, err
		}
		var answer struct {
			Type, ID string
			result
		}
		if f.Opcode == rawws.Text && json.Unmarshal(f.Payload, &answer) == nil &&
			answer.Type == "res" && answer.ID == id {
			return answer.result, nil
		}
	}
}

// ping sends a ping and returns how long its pong took.
func (s *socket) ping() (time.Duration, error) {
	s.lastID++
	payload := []byte("doctor " + strconv.Itoa(s.lastID))
	began := time.Now()
	if err := s.send(rawws.Frame{Opcode: rawws.Ping, Payload: payload}); err != nil {
		return 0, err
	}
	for {
		f, err := s.read()
		if err != nil {
			return 0, err
		}
		if f.Opcode == rawws.Pong && bytes.Equal(f.Payload, payload) {
			return time.Since(began), nil
		}
	}
}

func (s *socket) send(f rawws.Frame) error {
	if err := s.ws.SetDeadline(time.Now().Add(s.timeout)); err != nil {
		return err
	}
	return s.ws.WriteFrame(f)
}

// read reads the next frame. A close frame is an error.
func (s *socket) read() (rawws.Frame, error) {
	f, err := s.ws.ReadFrame()
	if err == nil && f.Opcode == rawws.Close {
		code, reason := rawws.CloseOf(f)
		return f, fmt.Errorf("closed with %d %q", code, quoted(reason))
	}
	return f, err
}

// upgrade opens a WebSocket as programs do, without an Origin header.
func (x *examination) upgrade() bool {
	s, err := x.open(nil)
	if err == nil {
		_ = s.ws.Close()
		x.report("upgrade", OK, "a WebSocket opens at /ws")
		return true
	}
	var refused *rawws.Refusal
	if !errors.As(err, &refused) {
		x.report("upgrade", Fail, "the WebSocket handshake fails: "+quoted(err.Error()),
			fixUpgrade("")...)
		return false
	}
	message := gatewayError(refused.Body)
	switch {
	case refused.Status == http.StatusUpgradeRequired || refused.Status == http.StatusBadRequest:
		x.report("upgrade", Fail, "the request to upgrade does not arrive whole: "+
			"a proxy drops its headers; "+
			"the gateway's log says: websocket upgrade failed", fixUpgrade(message)...)
	case refused.Status == http.StatusTooManyRequests ||
		refused.Status == http.StatusServiceUnavailable && message != "":
		x.report("upgrade", Fail, "the gateway takes no more connections now: "+
			quoted(message), fixFull()...)
	default:
		message, fixes := x.explainAnswer(refused.Status, refused.Header, refused.Body)
		x.report("upgrade", Fail, "GET /ws: "+message, fixes...)
	}
	return false
}

// roundTrip measures the time of a message to the gateway and back.
func (x *examination) roundTrip() bool {
	const slow = time.Second
	if x.socket == nil {
		s, err := x.open(nil)
		if err != nil {
			x.report("round trip", Fail, "no WebSocket opens: "+quoted(err.Error()))
			return true
		}
		x.socket = s
	}
	var times []time.Duration
	for range 5 {
		took, err := x.socket.ping()
		if err != nil {
			x.report("round trip", Fail, "a ping is not answered: "+quoted(err.Error()),
				fixFrames()...)
			return true
		}
		times = append(times, took)
	}
	slices.Sort(times)
	median, longest := times[2], times[4]
	message := fmt.Sprintf("5 pings: median %s, longest %s",
		median.Round(10*time.Microsecond), longest.Round(10*time.Microsecond))
	if median > slow {
		x.report("round trip", Warn, message, fixFrames()...)
		return true
	}
	x.report("round trip", OK, message)
	return true
}
