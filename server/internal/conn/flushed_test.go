package conn

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
)

// Flushed waits for the frames that were queued when it was called, and for no later
// ones.
func TestFlushedWaitsForWhatIsQueued(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newTestServer(t, Limits{}, overPipe, helloDone)
		nc := g.Raw(t)
		c := (<-g.handlers).c
		if err := c.Flushed(t.Context()); err != nil {
			t.Errorf("with nothing queued: %v", err)
		}
		var waits []chan error
		const frames = 3
		for range frames {
			c.SendBytes([]byte(strings.Repeat("x", batchSize))) // leaves alone
			left := make(chan error, 1)
			go func() { left <- c.Flushed(t.Context()) }()
			synctest.Wait()
			waits = append(waits, left)
		}
		for n, left := range waits {
			if len(left) > 0 {
				t.Errorf("frame %d has left before anybody read it: %v", n, <-left)
			}
			if _, _, err := readFrame(nc); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if len(left) == 0 {
				t.Fatalf("frame %d was written, but Flushed has not returned", n)
			}
			if err := <-left; err != nil {
				t.Errorf("frame %d: %v", n, err)
			}
		}
		if c.out != nil {
			t.Error("frames are still queued")
		}
	})
}

// Flushed works over every transport, with more bytes than a socket takes at once.
func TestFlushedAtThePeersPace(t *testing.T) {
	t.Parallel()
	const frames, size = 40, 300 << 10
	for name, over := range transports {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newTestServer(t, Limits{}, over, nil) // a queue of 1 MiB
			ws := g.Dial(t, nil)
			c := within(t, g.handlers).c
			sent := make(chan error, 1)
			go func() {
				for range frames {
					if !c.SendBytes(make([]byte, size)) {
						sent <- errors.New("the connection takes no more")
						return
					}
					if err := c.Flushed(t.Context()); err != nil {
						sent <- err
						return
					}
				}
				sent <- nil
			}()
			for n := range frames {
				if _, data, err := ws.Read(t.Context()); err != nil || len(data) != size {
					t.Fatalf("frame %d: %d bytes, %v", n, len(data), err)
				}
			}
			if err := within(t, sent); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestFlushedThatCannotBe(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		end  func(*Conn, net.Conn, context.CancelCauseFunc)
		want error
	}{
		"the caller's end": {func(_ *Conn, _ net.Conn,
			end context.CancelCauseFunc) {
			end(io.ErrNoProgress)
		}, io.ErrNoProgress},
		"a broken socket": {func(_ *Conn, nc net.Conn, _ context.CancelCauseFunc) { _ = nc.Close() },
			net.ErrClosed},
		"cut off": {func(c *Conn, _ net.Conn,
			_ context.CancelCauseFunc) {
			c.cutOff(Closing{Cause: OursClosed})
		}, net.ErrClosed},
		"an overflow": {func(c *Conn, _ net.Conn, _ context.CancelCauseFunc) {
			for c.SendBytes(make([]byte, 300<<10)) {
			}
		}, net.ErrClosed},
		"no progress": {func(*Conn, net.Conn, context.CancelCauseFunc) { time.Sleep(11 * time.Second) },
			net.ErrClosed},
		"closed, and the peer does not read": {func(c *Conn, _ net.Conn, _ context.CancelCauseFunc) {
			c.Close(websocket.StatusPolicyViolation, "enough")
			time.Sleep(6 * time.Second)
		}, net.ErrClosed},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := newTestServer(t, Limits{}, overPipe, helloDone)
				nc := g.Raw(t)
				p := <-g.handlers
				ctx, cancel := context.WithCancelCause(t.Context())
				p.c.SendBytes(make([]byte, 100<<10))
				left := make(chan error, 1)
				go func() { left <- p.c.Flushed(ctx) }()
				synctest.Wait()
				tc.end(p.c, nc, cancel)
				synctest.Wait()
				if len(left) == 0 {
					t.Fatal("Flushed still waits")
				}
				if err := <-left; !errors.Is(err, tc.want) {
					t.Errorf("%v, want %v", err, tc.want)
				}
				if p.c.out != nil && len(p.c.out.flushes) > 0 {
					t.Errorf("%d calls of Flushed are kept waiting, want none", len(p.c.out.flushes))
				}
				_ = nc.Close()
				<-p.closed
				if err := p.c.Flushed(t.Context()); !errors.Is(err, net.ErrClosed) {
					t.Errorf("when it is over: %v", err)
				}
				cancel(nil)
			})
		})
	}
}

// Without a queue, Flushed allocates nothing.
func TestFlushedOfAnIdleConnection(t *testing.T) { // alone: it counts allocations
	g := newTestServer(t, Limits{}, overTCP, nil)
	g.Raw(t)
	c := within(t, g.handlers).c
	if n := testing.AllocsPerRun(100, func() { _ = c.Flushed(t.Context()) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
