package conn

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
)

func TestMessagesOfEverySizeComeBack(t *testing.T) {
	t.Parallel()
	for name, over := range transports {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newTestServer(t, Limits{}, over, func(p *recorder) {
				p.c.Admit()
				p.frame = func(c *Conn, data []byte) { c.SendBytes(data) }
			})
			ws := g.Dial(t, nil)
			for _, n := range []int{0, 1, 125, 126, 127, 4095, 4096, 4097, 65535, 65536, 512 << 10} {
				sent := strings.Repeat("x", n)
				if err := ws.Write(t.Context(), websocket.MessageText, []byte(sent)); err != nil {
					t.Fatal(err)
				}
				typ, got, err := ws.Read(t.Context())
				if err != nil || typ != websocket.MessageText || string(got) != sent {
					t.Fatalf("%d bytes: got %v, %d bytes, %v", n, typ, len(got), err)
				}
			}
		})
	}
}

func TestLimitPassesAndOneMoreCloses(t *testing.T) {
	t.Parallel()
	const before, after = 16 << 10, 512 << 10
	cases := map[string]struct {
		admit  bool
		limit  int
		reason string
	}{
		"before": {false, before, "frame over 16 KiB before authentication: send connect first"},
		"after":  {true, after, "frame over 512 KiB: split it, or upload files over HTTP"},
	}
	for name, over := range transports {
		for when, tc := range cases {
			for _, binary := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/binary=%v", name, when, binary), func(t *testing.T) {
					t.Parallel()
					g := newTestServer(t, Limits{}, over, func(p *recorder) {
						if tc.admit {
							p.c.Admit()
						}
					})
					ws := g.Dial(t, nil)
					p := within(t, g.handlers)
					typ := websocket.MessageText
					if binary {
						typ = websocket.MessageBinary
					}
					payload := make([]byte, tc.limit+1)
					if err := ws.Write(t.Context(), typ, payload[:tc.limit]); err != nil {
						t.Fatal(err)
					}
					if binary {
						within(t, p.binaries)
					} else if got := within(t, p.frames); len(got) != tc.limit {
						t.Fatalf("got %d bytes", len(got))
					}
					go func() { // the close may overtake the end of this write
						_ = ws.Write(context.Background(), typ, payload)
					}()
					_, _, err := ws.Read(t.Context())
					wantCloseError(t, err, websocket.StatusMessageTooBig, tc.reason)
					why := within(t, p.closed)
					if why.Cause != TooBig || why.Code != websocket.StatusMessageTooBig ||
						why.Reason != tc.reason {
						t.Fatalf("closed: %+v", why)
					}
					if len(p.frames)+len(p.binaries) != 0 {
						t.Fatal("the message was delivered")
					}
				})
			}
		}
	}
}

func TestFragments(t *testing.T) { // alone: it measures the heap
	const million = 1_000_000
	g := newTestServer(t, Limits{}, overTCP, func(p *recorder) { p.c.Admit() })

	t.Run("with a ping between them", func(t *testing.T) {
		nc := g.Raw(t)
		p := within(t, g.handlers)
		write(t, nc, clientFrame(0x01, []byte("on")), clientFrame(finPing, []byte("?")),
			clientFrame(0x80, []byte("e")))
		if got := within(t, p.frames); got != "one" {
			t.Fatalf("got %q", got)
		}
		if head, payload, err := readFrame(nc); head != 0x8a || string(payload) != "?" || err != nil {
			t.Fatalf("pong: %#x %q %v", head, payload, err)
		}
	})
	t.Run("thousands of one byte", func(t *testing.T) {
		const many = 9000
		nc := g.Raw(t)
		p := within(t, g.handlers)
		write(t, nc, clientFrame(0x01, nil), frames(clientFrame(0x00, []byte("x")), many),
			clientFrame(0x80, nil))
		if got := within(t, p.frames); len(got) != many {
			t.Fatalf("got %d bytes", len(got))
		}
		write(t, nc, clientFrame(finText, []byte("each message has its own account")))
		within(t, p.frames)
	})
	for name, piece := range map[string][]byte{"a million empty ones": nil,
		"a million of one byte": []byte("x")} {
		t.Run(name, func(t *testing.T) {
			nc := g.Raw(t)
			p := within(t, g.handlers)
			grown := heapGrowth(func() {
				go func() {
					_, _ = nc.Write(clientFrame(0x01, nil))
					block := frames(clientFrame(0x00, piece), 1000)
					for range million / 1000 {
						if _, err := nc.Write(block); err != nil {
							return
						}
					}
				}()
				wantClose(t, nc, websocket.StatusMessageTooBig,
					"frame in too many fragments: send it in one piece")
				_ = nc.Close()
				if why := within(t, p.closed); why.Cause != Fragmented ||
					why.Code != websocket.StatusMessageTooBig || why.Err == nil {
					t.Fatalf("closed: %+v", why)
				}
			})
			if grown > 4<<20 {
				t.Fatalf("heap grew by %d bytes", grown)
			}
		})
	}
	t.Run("control frames without end", func(t *testing.T) {
		nc := g.Raw(t)
		p := within(t, g.handlers)
		writeMany(t, nc, clientFrame(0x8a, nil), million/10)
		write(t, nc, clientFrame(finText, []byte("still here")))
		if got := within(t, p.frames); got != "still here" {
			t.Fatalf("got %q", got)
		}
	})
	if !strings.Contains(g.log.String(), "cause=fragmented") {
		t.Errorf("log: %s", g.log)
	}
}

// TestBoundedLines causes more log lines than the rate limit allows.
func TestBoundedLines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := new(syncBuffer)
		set := NewSet(Limits{}, slog.New(slog.NewTextHandler(log, nil)))
		flood := func() int {
			for range 3 * logBurst {
				set.logLimited(slog.LevelInfo, "websocket read error")
			}
			return strings.Count(log.String(), "websocket read error")
		}
		if n := flood(); n != logBurst {
			t.Errorf("%d lines", n)
		}
		time.Sleep(time.Second)
		if n := flood(); n != logBurst+logPerSecond {
			t.Errorf("%d lines a second later", n)
		}
		_ = set.Shutdown(t.Context(), websocket.StatusGoingAway, "")
	})
}

func TestMalformedInputCloses(t *testing.T) {
	t.Parallel()
	g := newTestServer(t, Limits{}, overTCP, nil)
	cases := map[string][]byte{
		"unmasked":                {finText, 2, 'h', 'i'},
		"reserved bits":           clientFrame(0xf1, []byte("hi")),
		"compressed":              clientFrame(0xc1, []byte("hi")),
		"reserved opcode":         clientFrame(0x83, []byte("hi")),
		"continuation of nothing": clientFrame(0x80, []byte("hi")),
		"message within a message": append(clientFrame(0x01, []byte("hi")),
			clientFrame(0x81, []byte("hi"))...),
		"ping in pieces":               clientFrame(0x09, nil),
		"ping of 126 bytes":            clientFrame(0x89, make([]byte, 126)),
		"close of one byte":            clientFrame(finClose, []byte{3}),
		"close code that is reserved":  clientFrame(finClose, []byte{0x03, 0xee}),
		"length with the top bit set":  {finText, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 1},
		"pings in a row, then rubbish": append(frames(clientFrame(finPing, nil), 10), 0xff, 0xff),
	}
	for name, input := range cases {
		t.Run(name, func(t *testing.T) {
			nc := g.Raw(t)
			p := within(t, g.handlers)
			write(t, nc, input, clientFrame(finText, []byte("after")))
			for {
				head, payload, err := readFrame(nc)
				if err != nil {
					t.Fatal(err)
				}
				if head == finClose {
					if len(payload) < 2 || payload[0] != 0x03 || payload[1] != 0xea {
						t.Fatalf("close frame %q, want 1002", payload)
					}
					break
				}
			}
			if _, err := nc.Read(make([]byte, 1)); err != io.EOF {
				t.Fatalf("after the close frame: %v", err)
			}
			_ = nc.Close()
			why := within(t, p.closed)
			if why.Cause != Malformed || why.Code != websocket.StatusProtocolError || why.Err == nil {
				t.Fatalf("closed: %+v", why)
			}
			if len(p.frames) != 0 {
				t.Fatal("a message was delivered")
			}
		})
	}
	if !strings.Contains(g.log.String(), `msg="websocket read error" address=127.0.0.1:`) {
		t.Fatalf("log: %s", g.log)
	}
}

func TestInvalidUTF8IsLeftToTheHandler(t *testing.T) {
	t.Parallel()
	g := newTestServer(t, Limits{}, overTCP, nil)
	nc := g.Raw(t)
	write(t, nc, clientFrame(finText, []byte("\xff\xfe")))
	if got := within(t, within(t, g.handlers).frames); got != "\xff\xfe" {
		t.Fatalf("got %q", got)
	}
}

func write(t testing.TB, nc net.Conn, parts ...[]byte) {
	t.Helper()
	var all []byte
	for _, p := range parts {
		all = append(all, p...)
	}
	if _, err := nc.Write(all); err != nil {
		t.Fatal(err)
	}
}

// frames repeats a frame.
func frames(frame []byte, n int) []byte {
	return []byte(strings.Repeat(string(frame), n))
}

func writeMany(t testing.TB, nc net.Conn, frame []byte, n int) {
	t.Helper()
	const at = 10_000
	block := frames(frame, at)
	for range n / at {
		write(t, nc, block)
	}
}

// heapGrowth is how many bytes more the heap has after f than before.
func heapGrowth(f func()) int64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f()
	runtime.GC()
	runtime.ReadMemStats(&after)
	return int64(after.HeapAlloc) - int64(before.HeapAlloc)
}
