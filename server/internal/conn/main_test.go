package conn

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/gatehouse-chat/gatehouse/server/internal/conn/conntest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// recorder is a Handler that keeps what it was called with. frame, if set, replaces
// Frame.
type recorder struct {
	c        *Conn
	frames   chan string
	binaries chan struct{}
	closed   chan Closing // one, then closed
	frame    func(c *Conn, data []byte)
}

func (p *recorder) Frame(c *Conn, data []byte) {
	if p.frame != nil {
		p.frame(c, data)
		return
	}
	p.frames <- string(data)
}

func (p *recorder) Binary(*Conn) { p.binaries <- struct{}{} }

func (p *recorder) Closed(_ *Conn, why Closing) {
	p.closed <- why // a second call would panic
	close(p.closed)
}

// testServer is a server of one Set at "/ws", reached over one of the transports.
type testServer struct {
	set      *Set
	handlers chan *recorder
	log      *syncBuffer
	setup    func(*recorder) // runs before the first message is read

	Dial func(t testing.TB, o *websocket.DialOptions) *websocket.Conn
	Raw  func(t testing.TB) net.Conn
}

// transports are the kinds of sockets; each has its own way to read and write.
var transports = map[string]func(testing.TB, *testServer){"tcp": overTCP, "tls": overTLS,
	"pipe": overPipe}

func newTestServer(t testing.TB, l Limits, over func(testing.TB, *testServer),
	setup func(*recorder)) *testServer {
	t.Helper()
	g := &testServer{handlers: make(chan *recorder, 4096), log: new(syncBuffer), setup: setup}
	g.set = NewSet(l, slog.New(slog.NewTextHandler(g.log, nil)))
	over(t, g)
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // at once: tests that care have shut down themselves
		_ = g.set.Shutdown(ctx, websocket.StatusGoingAway, "test over")
	})
	return g
}

func (g *testServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = g.set.Accept(w, r, func(c *Conn) Handler {
		p := &recorder{c: c, frames: make(chan string, 64), binaries: make(chan struct{}, 64),
			closed: make(chan Closing, 1)}
		if g.setup != nil {
			g.setup(p)
		}
		g.handlers <- p
		return p
	})
}

func overTCP(t testing.TB, g *testServer) {
	srv := httptest.NewServer(g)
	t.Cleanup(srv.Close)
	g.overHTTP(srv, func() (net.Conn, error) {
		nc, err := net.Dial("tcp", srv.Listener.Addr().String())
		if err != nil {
			return nil, err
		}
		// Otherwise the kernel lets the buffer grow to what a client does not read.
		return nc, nc.(*net.TCPConn).SetReadBuffer(64 << 10)
	})
}

func overTLS(t testing.TB, g *testServer) {
	srv := httptest.NewTLSServer(g)
	t.Cleanup(srv.Close)
	config := srv.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	config.ServerName = "example.com" // the test certificate's
	g.overHTTP(srv, func() (net.Conn, error) {
		return tls.Dial("tcp", srv.Listener.Addr().String(),
			config)
	})
}

func (g *testServer) overHTTP(srv *httptest.Server, dial func() (net.Conn, error)) {
	g.Dial = func(t testing.TB, o *websocket.DialOptions) *websocket.Conn {
		t.Helper()
		return dialWS(t, srv.URL, srv.Client(), o)
	}
	g.Raw = func(t testing.TB) net.Conn {
		t.Helper()
		nc, err := dial()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = nc.Close() })
		return handshake(t, nc, nil)
	}
}

func overPipe(t testing.TB, g *testServer) {
	srv := conntest.Serve(t, g)
	g.Dial = func(t testing.TB, o *websocket.DialOptions) *websocket.Conn {
		t.Helper()
		return dialWS(t, srv.URL("/"), srv.Client(), o)
	}
	g.Raw = func(t testing.TB) net.Conn {
		t.Helper()
		return handshake(t, srv.Pipe(t), nil)
	}
}

func dialWS(t testing.TB, url string, client *http.Client,
	o *websocket.DialOptions) *websocket.Conn {
	t.Helper()
	if o == nil {
		o = &websocket.DialOptions{}
	}
	o.HTTPClient = client
	ws, _, err := websocket.Dial(t.Context(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	ws.SetReadLimit(-1)
	t.Cleanup(func() { _ = ws.CloseNow() })
	return ws
}

const upgradeRequest = "GET / HTTP/1.1\r\nHost: gatehouse.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

// handshake upgrades nc and sends early in the same write.
func handshake(t testing.TB, nc net.Conn, early []byte) net.Conn {
	t.Helper()
	sent := make(chan error, 1)
	go func() { // a pipe's write lasts until all of it was read
		_, err := nc.Write(append([]byte(upgradeRequest), early...))
		sent <- err
	}()
	var head []byte
	for one := make([]byte, 1); !bytes.HasSuffix(head, []byte("\r\n\r\n")); head = append(head,
		one[0]) {
		if _, err := io.ReadFull(nc, one); err != nil {
			t.Fatalf("handshake: %v after %q", err, head)
		}
	}
	if !bytes.HasPrefix(head, []byte("HTTP/1.1 101 ")) {
		t.Fatalf("handshake: %q", head)
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	return nc
}

// clientFrame is a masked frame; head is its first byte, FIN, RSV and opcode.
func clientFrame(head byte, payload []byte) []byte {
	frame := []byte{head}
	switch n := len(payload); {
	case n < 126:
		frame = append(frame, 0x80|byte(n))
	case n <= 0xffff:
		frame = binary.BigEndian.AppendUint16(append(frame, 0x80|126), uint16(n))
	default:
		frame = binary.BigEndian.AppendUint64(append(frame, 0x80|127), uint64(n))
	}
	key := [4]byte{1, 2, 3, 4}
	frame = append(frame, key[:]...)
	for i, b := range payload {
		frame = append(frame, b^key[i%4])
	}
	return frame
}

// readFrame reads the next frame that is not a ping, which may come at any time.
func readFrame(r io.Reader) (head byte, payload []byte, err error) {
	for {
		head, payload, err = readAnyFrame(r)
		if err != nil || head != finPing {
			return head, payload, err
		}
	}
}

// readAnyFrame reads one unfragmented frame as a server sends it.
func readAnyFrame(r io.Reader) (head byte, payload []byte, err error) {
	var h [2]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return 0, nil, err
	}
	n := uint64(h[1])
	switch n {
	case 126:
		var ext [2]byte
		_, err = io.ReadFull(r, ext[:])
		n = uint64(binary.BigEndian.Uint16(ext[:]))
	case 127:
		var ext [8]byte
		_, err = io.ReadFull(r, ext[:])
		n = binary.BigEndian.Uint64(ext[:])
	}
	if err != nil {
		return 0, nil, err
	}
	if n > 1<<24 {
		return 0, nil, fmt.Errorf("frame of %d bytes", n)
	}
	payload = make([]byte, n)
	_, err = io.ReadFull(r, payload)
	return h[0], payload, err
}

// wantClose reads r up to a close frame and checks that.
func wantClose(t testing.TB, r io.Reader, code websocket.StatusCode, reason string) {
	t.Helper()
	for {
		head, payload, err := readFrame(r)
		if err != nil {
			t.Fatalf("no close frame: %v", err)
		}
		if head != finClose {
			continue
		}
		if want := closeFrame(code, reason)[2:]; !bytes.Equal(payload, want) {
			t.Fatalf("close frame %q, want %q", payload, want)
		}
		return
	}
}

// wantCloseError checks what a library client got.
func wantCloseError(t testing.TB, err error, code websocket.StatusCode, reason string) {
	t.Helper()
	var ce websocket.CloseError
	if !errors.As(err, &ce) || ce.Code != code || ce.Reason != reason {
		t.Fatalf("read: %v, want close %d %q", err, code, reason)
	}
}

// hangs is the time after which a test that waits is taken to hang. It is no limit of
// what is tested: a busy machine with the race detector may be slow.
const hangs = 90 * time.Second

// within receives from ch.
func within[T any](t testing.TB, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(hangs):
		t.Fatal("nothing was received in time")
		panic("unreachable")
	}
}

// eventually waits until ok is true.
func eventually(t testing.TB, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(hangs); !ok(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatal("the condition did not become true in time")
		}
	}
}

// syncBuffer is a bytes.Buffer for several goroutines.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
