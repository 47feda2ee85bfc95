package conn

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// controlFrameSize is the largest control frame that a server sends (RFC 6455
// §5.5), in bytes. The library's write buffer has this size, so that the library
// writes each of its frames in one call.
const controlFrameSize = 2 + 125

// shutDownRetry is the Retry-After of the answer while the gateway shuts down, in
// seconds (RFC 9110 §10.2.3).
const shutDownRetry = "2"

// ErrShutDown says that the Set was shut down and accepts no connection.
var ErrShutDown = errors.New("the gateway is shutting down")

// Accept upgrades r (RFC 6455 §4.2) and starts the connection's reader; the
// HTTP handler may return right after. newHandler is called once the upgrade
// has succeeded, before the first message is read.
//
// w must be, or wrap, an http.Hijacker. Its connection may be any net.Conn;
// *net.TCPConn and *net.UnixConn cost least. The caller must have checked the
// origin. Compression is off.
//
// If the upgrade fails, Accept logs it and answers with a JSON object
// {"error":{"code","message"}}.
func (s *Set) Accept(w http.ResponseWriter, r *http.Request, newHandler func(*Conn) Handler) (*Conn,
	error) {
	c := &Conn{set: s}
	u := &upgrade{ResponseWriter: w, c: c}
	if err := u.accept(r); err != nil {
		mend := ""
		if u.status == http.StatusUpgradeRequired {
			mend = nginxLines(r)
		}
		u.refuse(mend)
		return nil, s.upgradeFailed(r, err, mend)
	}
	c.startDeadlines()
	c.h = newHandler(c)
	if !s.add(c) {
		why := Closing{Cause: OursClosed, Err: ErrShutDown}
		c.cutOff(why)
		_ = c.ws.CloseNow()
		c.h.Closed(c, why)
		return nil, s.upgradeFailed(r, ErrShutDown, "")
	}
	go c.run()
	return c, nil
}

// nginxLines are the lines that an nginx lacks which has sent a request that does not ask
// for an upgrade. Other proxies pass upgrades on by themselves.
func nginxLines(r *http.Request) string {
	lines := "nginx:"
	if !r.ProtoAtLeast(1, 1) {
		lines += " proxy_http_version 1.1;"
	}
	if r.Header.Get("Upgrade") == "" {
		lines += " proxy_set_header Upgrade $http_upgrade;"
	}
	return lines + " proxy_set_header Connection $http_connection;"
}

func (s *Set) upgradeFailed(r *http.Request, err error, mend string) error {
	args := []any{"address", r.RemoteAddr, "cause", err}
	if mend != "" {
		args = append(args, "mend", mend)
	}
	s.logLimited(slog.LevelWarn, "websocket upgrade failed", args...)
	return fmt.Errorf("websocket upgrade: %w", err)
}

// upgrade is the ResponseWriter through which the library answers a handshake.
type upgrade struct {
	http.ResponseWriter
	c *Conn

	// The library's answer, which refuse may replace.
	status int
	text   string

	switched bool // 101 was sent
}

func (u *upgrade) accept(r *http.Request) error {
	if u.c.set.isShut() {
		u.status = http.StatusServiceUnavailable
		return ErrShutDown
	}
	c := u.c
	ws, err := websocket.Accept(u, r, &websocket.AcceptOptions{
		// the caller has checked the origin: the library would ignore its scheme
		InsecureSkipVerify: true,
		CompressionMode:    websocket.CompressionDisabled,
		OnPongReceived:     func(context.Context, []byte) { c.extendReadDeadline() },
	})
	if err != nil {
		return err
	}
	ws.SetReadLimit(-1) // this package counts, and closes with a reason that helps
	c.ws = ws
	c.br.Reset(&c.wire) // the library has put its own reader in between
	return nil
}

// refuse answers a handshake that failed, unless the 101 was sent already. mend says how a
// proxy passes the upgrade on.
func (u *upgrade) refuse(mend string) {
	if u.switched {
		return
	}
	code, message := "INTERNAL", "the connection cannot be upgraded"
	switch {
	case u.status == http.StatusServiceUnavailable:
		code, message = "UNAVAILABLE", ErrShutDown.Error()
		u.Header().Set("Retry-After", shutDownRetry)
	case u.status == http.StatusUpgradeRequired:
		code = "INVALID_REQUEST"
		message = u.text + "; use a WebSocket client, and let proxies speak HTTP/1.1 " +
			"and pass the Upgrade and Connection headers on (" + mend + ")"
	case u.status < http.StatusInternalServerError:
		code, message = "INVALID_REQUEST", u.text
	}
	type cause struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	u.Header().Del("Sec-WebSocket-Accept")
	u.Header().Set("Content-Type", "application/json")
	u.ResponseWriter.WriteHeader(u.status)
	// An error means that the client is gone.
	_ = json.NewEncoder(u.ResponseWriter).Encode(map[string]cause{"error": {code, message}})
}

// WriteHeader keeps the status of the library's answer: Hijack or refuse sends it.
func (u *upgrade) WriteHeader(status int) {
	u.status = status
}

// Write keeps the library's error text for refuse.
func (u *upgrade) Write(p []byte) (int, error) {
	u.text = strings.TrimSpace(string(p))
	return len(p), nil
}

// Hijack gives the library the wire instead of the socket, and buffers that are as
// small as possible. The client may have sent more than its handshake: net/http's
// reader has those bytes, which become the connection's first input.
func (u *upgrade) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	hj, ok := hijacker(u.ResponseWriter)
	if !ok {
		return nil, nil, http.ErrNotSupported
	}
	u.switched = true
	u.ResponseWriter.WriteHeader(http.StatusSwitchingProtocols)
	nc, rw, err := hj.Hijack()
	if err != nil {
		return nil, nil, err
	}
	early, err := rw.Reader.Peek(rw.Reader.Buffered())
	if err == nil {
		err = nc.SetDeadline(time.Time{}) // removes the HTTP server's deadline
	}
	if err != nil {
		_ = nc.Close()
		return nil, nil, err
	}
	c := u.c
	c.wire = wire{nc, c}
	c.raw = rawOf(nc)
	c.in.data = bytes.Clone(early)
	c.br = bufio.NewReaderSize(&c.wire, 16) // the smallest there is
	return &c.wire, bufio.NewReadWriter(c.br, bufio.NewWriterSize(&c.wire, controlFrameSize)), nil
}

// hijacker finds the Hijacker that w is or wraps.
func hijacker(w http.ResponseWriter) (http.Hijacker, bool) {
	for {
		switch t := w.(type) {
		case http.Hijacker:
			return t, true
		case interface{ Unwrap() http.ResponseWriter }:
			w = t.Unwrap()
		default:
			return nil, false
		}
	}
}
