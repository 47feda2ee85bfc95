package conn

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// pipeWriter hijacks to a pipe: the least that Accept needs.
type pipeWriter struct {
	*httptest.ResponseRecorder
	nc net.Conn
}

func (w pipeWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return w.nc, bufio.NewReadWriter(bufio.NewReader(w.nc), bufio.NewWriter(w.nc)), nil
}

// FuzzClientBytes sends any bytes as a client: the server must not panic, must
// keep to the limit, must end the connection exactly once, and what it answers
// must be frames.
func FuzzClientBytes(f *testing.F) {
	text := clientFrame(finText, []byte(`{"type":"req"}`))
	for _, seed := range [][]byte{
		nil,
		text,
		text[:5],
		append(text, clientFrame(finPing, []byte("?"))...),
		append(clientFrame(0x01, []byte("a")), clientFrame(0x80, []byte("b"))...),
		clientFrame(0x82, []byte{0, 1, 2}),
		clientFrame(finClose, []byte{0x03, 0xe8, 'b', 'y', 'e'}),
		clientFrame(finClose, nil),
		clientFrame(finText, make([]byte, 300)),
		{finText, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4, 'x'},
		{finText, 3, 'a', 'b', 'c'},
		clientFrame(0xc1, []byte("rsv")),
		clientFrame(0x8b, nil),
	} {
		f.Add(seed)
	}
	const limit = 256
	set := NewSet(Limits{FrameBeforeAdmit: limit}, slog.New(slog.DiscardHandler))
	f.Cleanup(func() { _ = set.Shutdown(f.Context(), websocket.StatusGoingAway, "") })
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, h := range [][2]string{
		{"Connection", "Upgrade"}, {"Upgrade", "websocket"},
		{"Sec-WebSocket-Version", "13"}, {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="},
	} {
		r.Header.Set(h[0], h[1])
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		near, far := net.Pipe()
		closed := make(chan Closing, 1)
		_, err := set.Accept(pipeWriter{httptest.NewRecorder(), far}, r, func(*Conn) Handler {
			return &recorder{
				closed:   closed,
				binaries: make(chan struct{}, len(input)),
				frame: func(c *Conn, data []byte) {
					if len(data) > limit {
						t.Errorf("a message of %d bytes was delivered", len(data))
					}
					c.SendBytes(data)
				},
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		answers := make(chan []byte, 1)
		go func() {
			all, _ := io.ReadAll(near)
			answers <- all
		}()
		_ = near.SetWriteDeadline(time.Now().Add(5 * time.Second))
		if _, err := near.Write(input); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error("the server stopped reading")
		}
		_ = near.Close()
		ending := time.Now()
		why := within(t, closed)
		if took := time.Since(ending); took > 5*time.Second {
			t.Errorf("the connection ended %v after the client had gone", took)
		}
		if why.Cause < PeerClosed || why.Cause > Malformed {
			t.Errorf("closed: %+v", why)
		}
		checkServerFrames(t, <-answers)
	})
}

// checkServerFrames reads what a server sent; the last frame may be cut off.
func checkServerFrames(t *testing.T, sent []byte) {
	t.Helper()
	r := bytes.NewReader(sent)
	for closed := false; r.Len() > 0; {
		head, _, err := readAnyFrame(r)
		if closed {
			t.Fatal("a frame after the close frame")
		}
		if err != nil {
			return
		}
		switch head {
		case finText, finPing, 0x8a:
		case finClose:
			closed = true
		default:
			t.Fatalf("frame %#x", head)
		}
	}
}
