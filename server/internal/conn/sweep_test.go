package conn

import (
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
)

// readUntilClosed reads, and so answers pings. The error that ends the reading is sent
// on the channel.
func readUntilClosed(ws *websocket.Conn) <-chan error {
	ended := make(chan error, 1)
	go func() {
		for {
			if _, _, err := ws.Read(context.Background()); err != nil {
				ended <- err
				return
			}
		}
	}()
	return ended
}

func helloDone(p *recorder) { p.c.HelloDone() }

func TestClientThatAnswersPingsLives(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newTestServer(t, Limits{}, overPipe, helloDone)
		accepted := time.Now()
		last := accepted
		pings := 0
		ws := g.Dial(t, &websocket.DialOptions{OnPingReceived: func(context.Context, []byte) bool {
			if gap := time.Since(last); gap > 30*time.Second {
				t.Errorf("ping %d came after %v", pings, gap)
			}
			last = time.Now()
			pings++
			return true
		}})
		ended := readUntilClosed(ws)
		p := <-g.handlers
		time.Sleep(time.Hour)
		synctest.Wait()
		select {
		case err := <-ended:
			t.Fatalf("closed: %v", err)
		default:
		}
		if pings < 120 || pings > 122 {
			t.Errorf("%d pings in an hour", pings)
		}
		p.c.Close(websocket.StatusNormalClosure, "")
		<-ended
	})
}

func TestPingsAreSpread(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const clients = 200
		g := newTestServer(t, Limits{}, overPipe, helloDone)
		var mu sync.Mutex
		start, seconds := time.Now(), map[int]int{}
		for range clients {
			readUntilClosed(g.Dial(t, &websocket.DialOptions{OnPingReceived: func(context.Context,
				[]byte) bool {
				mu.Lock()
				defer mu.Unlock()
				seconds[int(time.Since(start).Seconds())]++
				return true
			}}))
		}
		time.Sleep(30*time.Second - time.Millisecond)
		mu.Lock()
		defer mu.Unlock()
		total, most := 0, 0
		for _, n := range seconds {
			total += n
			most = max(most, n)
		}
		if total != clients || most > clients/5 { // 7 a second are expected
			t.Errorf("%d pings, up to %d in one second: %v", total, most, seconds)
		}
	})
}

func TestSilentClientDies(t *testing.T) {
	t.Parallel()
	message := clientFrame(finText, []byte("hello"))
	pong := clientFrame(0x8a, []byte("any"))
	cases := map[string]struct {
		setup func(*recorder)
		send  []byte // at 45 s
		dies  time.Duration
	}{
		"nothing sent": {helloDone, nil, 60 * time.Second},
		"a pong":       {helloDone, pong, 105 * time.Second},
		"a message, authenticated": {func(p *recorder) { p.c.Admit() }, message,
			105 * time.Second},
		"a message, not authenticated": {helloDone, message, 60 * time.Second},
		"part of a message, authenticated": {func(p *recorder) { p.c.Admit() }, message[:8],
			60 * time.Second},
		"part of a pong's header": {helloDone, pong[:3], 60 * time.Second},
		// the library waits 5 s for the rest
		"part of a pong":                     {helloDone, pong[:8], 50 * time.Second},
		"a ping, which proves nothing to us": {helloDone, clientFrame(finPing, nil), 60 * time.Second},
		"a message of which one part has come": {func(p *recorder) { p.c.Admit() },
			clientFrame(0x01, []byte("x")), 60 * time.Second},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := newTestServer(t, Limits{}, overPipe, tc.setup)
				nc := g.Raw(t)
				start := time.Now()
				p := <-g.handlers
				go func() { _, _ = io.Copy(io.Discard, nc) }() // reads, answers nothing
				time.Sleep(45 * time.Second)
				if tc.send != nil {
					write(t, nc, tc.send)
				}
				why := <-p.closed
				if took := time.Since(start); took < tc.dies-time.Second || took > tc.dies+time.Second {
					t.Errorf("closed after %v, want %v", took, tc.dies)
				}
				if tc.dies >= 60*time.Second && why.Cause != Dead {
					t.Errorf("closed: %+v", why)
				}
				if log := g.log.String(); !strings.Contains(log, `msg="websocket read error"`) {
					t.Errorf("log: %s", log)
				}
			})
		})
	}
}

// A dead peer that does not read is closed one sweep later.
func TestHalfOpenClientDies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newTestServer(t, Limits{Write: time.Hour}, overPipe, helloDone)
		g.Raw(t)
		start := time.Now()
		why := <-(<-g.handlers).closed
		if took := time.Since(start); took < 60*time.Second || took > 61*time.Second ||
			why.Cause != Dead {
			t.Errorf("closed after %v: %+v", took, why)
		}
	})
}

func TestDeadClientIsToldWhy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newTestServer(t, Limits{}, overPipe, helloDone)
		ended := readUntilClosed(g.Dial(t, &websocket.DialOptions{
			OnPingReceived: func(context.Context, []byte) bool { return false },
		}))
		wantCloseError(t, <-ended, websocket.StatusGoingAway, "no pong within 60 s")
	})
}

func TestHelloDeadline(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		hello func(*Conn) // at 6 s
		ends  time.Duration
	}{
		"never":   {func(*Conn) {}, 10 * time.Second},
		"done":    {(*Conn).HelloDone, 0},
		"admit":   {(*Conn).Admit, 0},
		"refused": {(*Conn).AwaitHello, 16 * time.Second},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := newTestServer(t, Limits{}, overPipe, nil)
				start := time.Now()
				ended := readUntilClosed(g.Dial(t, nil))
				p := <-g.handlers
				time.Sleep(6 * time.Second)
				tc.hello(p.c)
				select {
				case err := <-ended:
					wantCloseError(t, err, websocket.StatusPolicyViolation, "no connect within 10 s")
					if took := time.Since(start); tc.ends == 0 || took < tc.ends || took > tc.ends+time.Second {
						t.Errorf("closed after %v", took)
					}
				case <-time.After(10 * time.Minute):
					if tc.ends != 0 {
						t.Error("the connection is still open")
					}
				}
			})
		})
	}
}
