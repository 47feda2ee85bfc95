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

// socket is a WebSocket that asks one thing at a time.
type socket struct {
	ws       *rawws.Conn
	last     int
	patience time.Duration
}

// open opens a WebSocket, which lives as long as the examination.
func (x *examination) open(header http.Header) (*socket, error) {
	ws, err := rawws.Dial(x.ctx, x.url.String()+"/ws", header, x.bounded)
	if err != nil {
		return nil, err
	}
	return &socket{ws: ws, patience: x.patience}, ws.SetDeadline(time.Time{})
}

// bounded is dial, with a deadline on the connection for the handshake.
func (x *examination) bounded(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := x.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return c, c.SetDeadline(time.Now().Add(x.patience))
}

// result is the answer to a request.
type result struct {
	OK      bool           `json:"ok"`
	Payload map[string]any `json:"payload"`
	Error   struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

func (r result) text(field string) string {
	s, _ := r.Payload[field].(string)
	return s
}

// call makes a request and waits for its answer.
func (s *socket) call(method string, params map[string]any) (result, error) {
	s.last++
	id := strconv.Itoa(s.last)
	text, err := json.Marshal(map[string]any{"type": "req", "id": id, "method": method, "params": params})
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
		if f.Opcode == rawws.Text && json.Unmarshal(f.Payload, &answer) == nil && answer.Type == "res" && answer.ID == id {
			return answer.result, nil
		}
	}
}

// ping measures a ping and its pong.
func (s *socket) ping() (time.Duration, error) {
	s.last++
	payload := []byte("doctor " + strconv.Itoa(s.last))
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
	if err := s.ws.SetDeadline(time.Now().Add(s.patience)); err != nil {
		return err
	}
	return s.ws.WriteFrame(f)
}

// read takes the next frame. A close frame is an error.
func (s *socket) read() (rawws.Frame, error) {
	f, err := s.ws.ReadFrame()
	if err == nil && f.Opcode == rawws.Close {
		code, reason := rawws.CloseOf(f)
		return f, fmt.Errorf("closed with %d %q", code, quoted(reason))
	}
	return f, err
}

// upgrade opens a WebSocket as a program does.
func (x *examination) upgrade() bool {
	s, err := x.open(nil)
	if err == nil {
		_ = s.ws.Close()
		x.say("upgrade", OK, "a WebSocket opens at /ws")
		return true
	}
	var refused *rawws.Refusal
	if !errors.As(err, &refused) {
		x.say("upgrade", Fail, "the WebSocket's handshake breaks off: "+quoted(err.Error()), mendUpgrade()...)
		return false
	}
	said := refusal(refused.Body)
	switch {
	case refused.Status == http.StatusUpgradeRequired || refused.Status == http.StatusBadRequest:
		x.say("upgrade", Fail, "the request to upgrade does not arrive whole: a proxy drops its headers; the gateway's log says: websocket upgrade failed", mendUpgrade()...)
	case refused.Status == http.StatusTooManyRequests || refused.Status == http.StatusServiceUnavailable && said != "":
		x.say("upgrade", Fail, "the gateway takes no more connections now: "+quoted(said), mendCrowd()...)
	default:
		text, mend := x.notOurs(refused.Status, refused.Header, refused.Body)
		x.say("upgrade", Fail, "GET /ws: "+text, mend...)
	}
	return false
}

// origin opens WebSockets as pages do: our own, the one that is to be allowed,
// and one that has no business here.
func (x *examination) origin() bool {
	const stranger = "https://stranger.invalid"
	own := x.ownOrigin()
	switch status, err := x.openAs(own); {
	case err != nil:
		x.say("origin", Fail, "with an Origin header no WebSocket opens: "+quoted(err.Error()), mendUpgrade()...)
	case status != http.StatusSwitchingProtocols:
		x.say("origin", Fail, fmt.Sprintf("the gateway takes its own pages (origin %s) for somebody else's: HTTP %d; it does not know under which scheme and host it is reached", own, status), mendOwnOrigin(own)...)
	default:
		x.say("origin", OK, "pages of "+own+" may connect")
	}
	if x.Origin != "" {
		x.foreignOrigin()
	}
	if status, err := x.openAs(stranger); err == nil && status == http.StatusSwitchingProtocols {
		x.say("origin", Warn, "pages of any site may connect", mendOpenOrigins()...)
	}
	return true
}

// foreignOrigin opens a WebSocket as a page that is to be allowed does.
func (x *examination) foreignOrigin() {
	u, err := url.Parse(x.Origin)
	if err != nil || u.Scheme == "" || u.Host == "" || x.Origin != u.Scheme+"://"+u.Host {
		x.say("origin", Fail, quoted(x.Origin)+" is no origin: scheme, host and port alone", mends(you, "-origin https://app.example.com")...)
		return
	}
	if status, err := x.openAs(x.Origin); err != nil || status != http.StatusSwitchingProtocols {
		x.say("origin", Fail, "pages of "+quoted(x.Origin)+" may not connect", mendForeignOrigin(x.Origin)...)
		return
	}
	x.say("origin", OK, "pages of "+quoted(x.Origin)+" may connect")
}

// ownOrigin is the origin of the gateway's pages as browsers spell it.
func (x *examination) ownOrigin() string {
	host := x.url.Host
	if x.url.Port() == map[string]string{"http": "80", "https": "443"}[x.url.Scheme] {
		host = strings.TrimSuffix(host, ":"+x.url.Port())
	}
	return x.url.Scheme + "://" + host
}

// openAs gives the status with which a page of an origin is answered.
func (x *examination) openAs(origin string) (int, error) {
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

// roundTrip measures how long a word takes there and back.
func (x *examination) roundTrip() bool {
	const slow = time.Second
	if x.socket == nil {
		s, err := x.open(nil)
		if err != nil {
			x.say("round trip", Fail, "no WebSocket opens: "+quoted(err.Error()))
			return true
		}
		x.socket = s
	}
	var times []time.Duration
	for range 5 {
		took, err := x.socket.ping()
		if err != nil {
			x.say("round trip", Fail, "a ping is not answered: "+quoted(err.Error()), mendFrames()...)
			return true
		}
		times = append(times, took)
	}
	slices.Sort(times)
	says := fmt.Sprintf("5 pings, %s in the middle, %s at the most", times[2].Round(10*time.Microsecond), times[4].Round(10*time.Microsecond))
	if times[2] > slow {
		x.say("round trip", Warn, says, mendFrames()...)
		return true
	}
	x.say("round trip", OK, says)
	return true
}
