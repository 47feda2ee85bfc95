package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
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
			fixUpgrade()...)
		return false
	}
	message := gatewayError(refused.Body)
	switch {
	case refused.Status == http.StatusUpgradeRequired || refused.Status == http.StatusBadRequest:
		x.report("upgrade", Fail, "the request to upgrade does not arrive whole: "+
			"a proxy drops its headers; "+
			"the gateway's log says: websocket upgrade failed", fixUpgrade()...)
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

// origin opens WebSockets as pages do: the gateway's own pages, those that should be
// allowed, and those of an unknown site.
func (x *examination) origin() bool {
	const unknown = "https://stranger.invalid"
	own := x.ownOrigin()
	switch status, err := x.upgradeStatus(own); {
	case err != nil:
		x.report("origin", Fail, "with an Origin header no WebSocket opens: "+quoted(err.Error()),
			fixUpgrade()...)
	case status != http.StatusSwitchingProtocols:
		x.report("origin", Fail, fmt.Sprintf("the gateway refuses its own "+
			"pages (origin %s) with HTTP %d: "+
			"it does not know the scheme and host at which it is reached", own, status),
			fixOwnOrigin(own)...)
	default:
		x.report("origin", OK, "pages of "+own+" may connect")
	}
	if x.Origin != "" {
		x.foreignOrigin()
	}
	if status, err := x.upgradeStatus(unknown); err == nil &&
		status == http.StatusSwitchingProtocols {
		x.report("origin", Warn, "pages of any site may connect", fixOpenOrigins()...)
	}
	return true
}

// foreignOrigin opens a WebSocket as the pages of Options.Origin do.
func (x *examination) foreignOrigin() {
	u, err := url.Parse(x.Origin)
	if err != nil || u.Scheme == "" || u.Host == "" || x.Origin != u.Scheme+"://"+u.Host {
		x.report("origin", Fail, quoted(x.Origin)+" is no origin: give scheme, host and port only",
			fixes(you, "-origin https://app.example.com")...)
		return
	}
	if status, err := x.upgradeStatus(x.Origin); err != nil ||
		status != http.StatusSwitchingProtocols {
		x.report("origin", Fail, "pages of "+quoted(x.Origin)+" may not connect",
			fixForeignOrigin(x.Origin)...)
		return
	}
	x.report("origin", OK, "pages of "+quoted(x.Origin)+" may connect")
}

// ownOrigin returns the origin of the gateway's own pages, as browsers send it.
func (x *examination) ownOrigin() string {
	host := x.url.Host
	if x.url.Port() == map[string]string{"http": "80", "https": "443"}[x.url.Scheme] {
		host = strings.TrimSuffix(host, ":"+x.url.Port())
	}
	return x.url.Scheme + "://" + host
}

// upgradeStatus returns the HTTP status of the upgrade for pages of an origin: 101 if
// they may connect.
func (x *examination) upgradeStatus(origin string) (int, error) {
	s, err := x.open(http.Header{"Origin": {origin}})
	var refused *rawws.Refusal
	switch {
	case errors.As(err, &refused):
		return refused.Status, nil
	case err != nil:
		return 0, err
	}
	return http.StatusSwitchingProtocols, s.ws.Close()
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
