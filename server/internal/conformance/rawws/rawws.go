// Package rawws is a low-level WebSocket client (RFC 6455) for checking servers. The
// caller sets every bit of a frame, invalid ones too, and gets frames as the server has
// sent them. The client does not answer pings and does not join fragments.
package rawws

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// Opcodes (RFC 6455 §5.2).
const (
	Continuation byte = 0
	Text         byte = 1
	Binary       byte = 2
	Close        byte = 8
	Ping         byte = 9
	Pong         byte = 10
)

// maxPayload bounds the payload of a frame that ReadFrame reads, in bytes.
const maxPayload = 16 << 20

// maxBody bounds the body of a Refusal, in bytes.
const maxBody = 64 << 10

// DialFunc opens a connection to a TCP address.
type DialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// Conn is an open WebSocket. One goroutine may write and another one read.
type Conn struct {
	net.Conn
	in   *bufio.Reader
	stop func() bool // detaches the connection from its context
}

// Frame is a frame as on the wire. The zero values of More, Reserved and Unmasked are what
// a correct client sends in a message of one frame.
type Frame struct {
	Opcode   byte
	More     bool // FIN is not set
	Reserved byte // the RSV bits, 0 to 7
	Unmasked bool
	Payload  []byte
}

// Refusal is an answer to the handshake that is not 101. Its body is at most 64 KiB.
type Refusal struct {
	Status int
	Header http.Header
	Body   []byte
}

// Error returns the status and the body.
func (r *Refusal) Error() string { return fmt.Sprintf("handshake: HTTP %d: %s", r.Status, r.Body) }

// Dial opens a WebSocket at a URL with the scheme ws, wss, http or https. For wss and
// https, dial must speak TLS. The connection is closed when ctx ends. If the server
// refuses the handshake, the error is a *Refusal.
func Dial(ctx context.Context, address string, header http.Header, dial DialFunc) (*Conn, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("rawws: %w", err)
	}
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	nc, err := dial(ctx, "tcp", hostPort(u))
	if err != nil {
		return nil, fmt.Errorf("rawws: %w", err)
	}
	c := &Conn{Conn: nc, in: bufio.NewReader(nc)}
	c.stop = context.AfterFunc(ctx, func() { _ = nc.Close() })
	if err := c.handshake(u, header); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func hostPort(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	if u.Scheme == "https" || u.Scheme == "wss" {
		return net.JoinHostPort(u.Hostname(), "443")
	}
	return net.JoinHostPort(u.Hostname(), "80")
}

// sampleKey and sampleAccept are the example of RFC 6455 §1.3.
const (
	sampleKey    = "dGhlIHNhbXBsZSBub25jZQ=="
	sampleAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
)

func (c *Conn) handshake(u *url.URL, header http.Header) error {
	r := &http.Request{Method: http.MethodGet, URL: u, Host: u.Host, Header: header.Clone()}
	if host := header.Get("Host"); host != "" {
		r.Host = host
	}
	if r.Header == nil {
		r.Header = http.Header{}
	}
	for name, value := range map[string]string{
		"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": sampleKey,
	} {
		if _, set := r.Header[name]; !set {
			r.Header.Set(name, value)
		}
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
	}
	var text bytes.Buffer
	if err := r.Write(&text); err != nil {
		return fmt.Errorf("rawws: %w", err)
	}
	sent := make(chan error, 1)
	go func() { // a pipe's write lasts until all of it was read
		_, err := c.Write(text.Bytes())
		sent <- err
	}()
	answer, err := http.ReadResponse(c.in, r)
	if err != nil {
		_ = c.Conn.Close()
		return errors.Join(fmt.Errorf("rawws: %w", err), <-sent)
	}
	if err := <-sent; err != nil {
		return fmt.Errorf("rawws: %w", err)
	}
	if answer.StatusCode != http.StatusSwitchingProtocols {
		body, _ := io.ReadAll(io.LimitReader(answer.Body, maxBody)) // what there is of it
		return &Refusal{Status: answer.StatusCode, Header: answer.Header, Body: body}
	}
	if got := answer.Header.Get("Sec-WebSocket-Accept"); r.Header.Get("Sec-WebSocket-Key") == sampleKey && got != sampleAccept {
		return fmt.Errorf("rawws: Sec-WebSocket-Accept is %q", got)
	}
	if !strings.EqualFold(answer.Header.Get("Upgrade"), "websocket") {
		return fmt.Errorf("rawws: Upgrade is %q", answer.Header.Get("Upgrade"))
	}
	return nil
}

// Close closes the TCP connection without sending a close frame.
func (c *Conn) Close() error {
	c.stop()
	if err := c.Conn.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// Append appends the frame as bytes.
func (f Frame) Append(dst []byte) []byte {
	first, mask := f.Opcode|f.Reserved<<4, byte(0x80)
	if !f.More {
		first |= 0x80
	}
	if f.Unmasked {
		mask = 0
	}
	switch n := len(f.Payload); {
	case n < 126:
		dst = append(dst, first, mask|byte(n))
	case n <= 0xffff:
		dst = binary.BigEndian.AppendUint16(append(dst, first, mask|126), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, first, mask|127), uint64(n))
	}
	if f.Unmasked {
		return append(dst, f.Payload...)
	}
	key := [4]byte{0x1f, 0x2e, 0x3d, 0x4c}
	dst = append(dst, key[:]...)
	for i, b := range f.Payload {
		dst = append(dst, b^key[i%4])
	}
	return dst
}

// WriteFrame sends a frame.
func (c *Conn) WriteFrame(f Frame) error {
	_, err := c.Write(f.Append(nil))
	return err
}

// ReadFrame reads the next frame, of at most 16 MiB.
func (c *Conn) ReadFrame() (Frame, error) {
	var head [2]byte
	if _, err := io.ReadFull(c.in, head[:]); err != nil {
		return Frame{}, err
	}
	f := Frame{
		Opcode: head[0] & 0x0f, Reserved: head[0] >> 4 & 7, More: head[0]&0x80 == 0, Unmasked: head[1]&0x80 == 0,
	}
	n, err := c.length(head[1] & 0x7f)
	if err != nil {
		return Frame{}, err
	}
	if n > maxPayload {
		return Frame{}, fmt.Errorf("rawws: a frame of %d bytes", n)
	}
	var key [4]byte
	if !f.Unmasked {
		if _, err := io.ReadFull(c.in, key[:]); err != nil {
			return Frame{}, err
		}
	}
	f.Payload = make([]byte, n)
	if _, err := io.ReadFull(c.in, f.Payload); err != nil {
		return Frame{}, err
	}
	for i := range f.Payload {
		f.Payload[i] ^= key[i%4]
	}
	return f, nil
}

func (c *Conn) length(short byte) (uint64, error) {
	var long [8]byte
	switch short {
	case 126:
		_, err := io.ReadFull(c.in, long[6:])
		return binary.BigEndian.Uint64(long[:]), err
	case 127:
		_, err := io.ReadFull(c.in, long[:])
		return binary.BigEndian.Uint64(long[:]), err
	}
	return uint64(short), nil
}

// CloseOf returns the code and the reason of a close frame; code 0 if it has none.
func CloseOf(f Frame) (code int, reason string) {
	if len(f.Payload) < 2 {
		return 0, ""
	}
	return int(binary.BigEndian.Uint16(f.Payload)), string(f.Payload[2:])
}
