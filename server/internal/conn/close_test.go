package conn

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
)

func TestOurCloseFollowsWhatIsQueued(t *testing.T) {
	t.Parallel()
	const queued = 30
	for name, over := range transports {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newTestServer(t, Limits{QueueBytes: 1 << 30}, over, nil)
			ws := g.Dial(t, nil)
			p := within(t, g.handlers)
			frame := Prepare([]byte(strings.Repeat("x", 300<<10))) // together more than a socket takes
			for range queued {
				p.c.Send(frame)
			}
			p.c.Close(websocket.StatusPolicyViolation, "pairing revoked")
			p.c.Close(websocket.StatusGoingAway, "a second Close does nothing")
			if p.c.Send(frame) {
				t.Error("Send works after Close")
			}
			for n := range queued {
				if _, data, err := ws.Read(t.Context()); err != nil || len(data) != 300<<10 {
					t.Fatalf("frame %d: %d bytes, %v", n, len(data), err)
				}
			}
			_, _, err := ws.Read(t.Context())
			wantCloseError(t, err, websocket.StatusPolicyViolation, "pairing revoked")
			why := within(t, p.closed)
			if why != (Closing{Cause: OursClosed, Code: websocket.StatusPolicyViolation,
				Reason: "pairing revoked"}) {
				t.Errorf("closed: %+v", why)
			}
			if log := g.log.String(); log != "" {
				t.Errorf("log: %s", log)
			}
		})
	}
}

func TestPeerCloses(t *testing.T) {
	t.Parallel()
	for name, over := range transports {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newTestServer(t, Limits{}, over, nil)
			ws := g.Dial(t, nil)
			p := within(t, g.handlers)
			if err := ws.Close(4001, "bye"); err != nil {
				t.Error(err)
			}
			why := within(t, p.closed)
			if why != (Closing{Cause: PeerClosed, Code: 4001, Reason: "bye"}) {
				t.Errorf("closed: %+v", why)
			}
			if p.c.SendBytes(nil) {
				t.Error("Send works after the end")
			}
		})
	}
}

// Frames that are queued when the peer's close frame comes are sent before the answer.
func TestPeerClosesBehindAFullSocket(t *testing.T) {
	t.Parallel()
	const queued = 30
	g := newTestServer(t, Limits{QueueBytes: 1 << 30}, overTCP, nil)
	nc := g.Raw(t)
	p := within(t, g.handlers)
	frame := Prepare([]byte(strings.Repeat("x", 300<<10)))
	for range queued {
		p.c.Send(frame)
	}
	write(t, nc, clientFrame(finClose, []byte{0x03, 0xe8}))
	r := bufio.NewReader(nc)
	for n := range queued {
		if head, data, err := readFrame(r); err != nil || head != finText || len(data) != 300<<10 {
			t.Fatalf("frame %d: %#x, %d bytes, %v", n, head, len(data), err)
		}
	}
	wantClose(t, r, websocket.StatusNormalClosure, "")
	if _, err := r.ReadByte(); err != io.EOF {
		t.Fatalf("after the close frame: %v", err)
	}
	if why := within(t, p.closed); why.Cause != PeerClosed ||
		why.Code != websocket.StatusNormalClosure {
		t.Errorf("closed: %+v", why)
	}
}

func TestNothingIsDeliveredAfterClose(t *testing.T) {
	t.Parallel()
	g := newTestServer(t, Limits{}, overTCP, func(p *recorder) {
		p.frame = func(c *Conn, data []byte) {
			p.frames <- string(data)
			c.SendBytes([]byte("answer"))
			c.Close(websocket.StatusPolicyViolation, "enough")
			c.SendBytes([]byte("too late"))
		}
	})
	nc := g.Raw(t)
	p := within(t, g.handlers)
	write(t, nc, frames(clientFrame(finText, []byte("ask")), 5))
	if head, data, err := readFrame(nc); err != nil || head != finText || string(data) != "answer" {
		t.Fatalf("%#x %q %v", head, data, err)
	}
	wantClose(t, nc, websocket.StatusPolicyViolation, "enough")
	write(t, nc, clientFrame(finText, []byte("ask")))
	_ = nc.Close()
	within(t, p.closed)
	if len(p.frames) != 1 {
		t.Errorf("%d messages were delivered", len(p.frames))
	}
}

func TestSocketThatEndsWithoutAClose(t *testing.T) {
	t.Parallel()
	ends := map[string]func(net.Conn){
		"fin":   func(nc net.Conn) { _ = nc.Close() },
		"reset": func(nc net.Conn) { _ = nc.(*net.TCPConn).SetLinger(0); _ = nc.Close() },
		"fin within a message": func(nc net.Conn) {
			_,
				_ = nc.Write(clientFrame(finText, []byte("hello"))[:8])
			_ = nc.Close()
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newTestServer(t, Limits{}, overTCP, nil)
			nc := g.Raw(t)
			p := within(t, g.handlers)
			end(nc)
			if why := within(t, p.closed); why.Cause != Broken || why.Err == nil || why.Code != 0 {
				t.Errorf("closed: %+v", why)
			}
			log := g.log.String()
			if !strings.Contains(log, `level=INFO msg="websocket read error" address=127.0.0.1:`) ||
				!strings.Contains(log, "error=") {
				t.Errorf("log: %s", log)
			}
		})
	}
}

// The socket is closed if the peer ignores the close frame or does not read it.
func TestCloseDeadline(t *testing.T) {
	t.Parallel()
	for _, reads := range []bool{true, false} {
		t.Run(fmt.Sprintf("reads=%v", reads), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := newTestServer(t, Limits{}, overPipe, nil)
				nc := g.Raw(t)
				if reads {
					go func() { _, _ = io.Copy(io.Discard, nc) }()
				}
				p := <-g.handlers
				start := time.Now()
				p.c.Close(websocket.StatusGoingAway, "restart")
				why := <-p.closed
				if took := time.Since(start); took < 5*time.Second || took > 6*time.Second ||
					why.Cause != OursClosed {
					t.Errorf("closed after %v: %+v", took, why)
				}
			})
		})
	}
}

func TestShutdown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newTestServer(t, Limits{}, overPipe, helloDone)
		var ended []<-chan error
		for range 20 {
			ended = append(ended, readUntilClosed(g.Dial(t, nil)))
		}
		synctest.Wait()
		start := time.Now()
		if err := g.set.Shutdown(t.Context(), websocket.StatusGoingAway, "shutdown"); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("clients that answer took %v", took)
		}
		for range 20 {
			if p := <-g.handlers; len(p.closed) != 1 {
				t.Error("Shutdown returned before Closed")
			}
		}
		for _, e := range ended {
			wantCloseError(t, <-e, websocket.StatusGoingAway, "shutdown")
		}
		if n := g.set.Len(); n != 0 {
			t.Errorf("%d connections left", n)
		}
	})
}

func TestShutdownCutsOffWhoDoesNotAnswer(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		patience, takes time.Duration
		err             error
	}{
		"by the close deadline": {time.Minute, 5 * time.Second, nil},
		"by the caller's":       {2 * time.Second, 2 * time.Second, context.DeadlineExceeded},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := newTestServer(t, Limits{}, overPipe, helloDone)
				g.Raw(t)
				synctest.Wait()
				start := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), tc.patience)
				defer cancel()
				if err := g.set.Shutdown(ctx, websocket.StatusGoingAway, "shutdown"); !errors.Is(err, tc.err) {
					t.Errorf("Shutdown: %v", err)
				}
				if took := time.Since(start); took < tc.takes || took > tc.takes+time.Second {
					t.Errorf("Shutdown took %v", took)
				}
				if why := <-(<-g.handlers).closed; why.Cause != OursClosed {
					t.Errorf("closed: %+v", why)
				}
			})
		})
	}
}

func TestCauseHasAName(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for c := PeerClosed; c <= Malformed; c++ {
		if s := c.String(); s == "" || strings.Contains(s, "(") || seen[s] {
			t.Errorf("Cause %d is %q", uint8(c), s)
		} else {
			seen[s] = true
		}
	}
}
