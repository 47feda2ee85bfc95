package conn

import (
	"bufio"
	"bytes"
	"encoding/json"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"
)

func TestConcurrentSendsStayWholeAndInOrder(t *testing.T) {
	t.Parallel()
	const senders, each = 8, 400
	type event struct {
		Sender, N int
		Filler    string
	}
	for name, over := range transports {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newTestServer(t, Limits{QueueBytes: 1 << 30, QueueFrames: 1 << 20}, over, nil)
			ws := g.Dial(t, nil)
			c := within(t, g.handlers).c
			var sending sync.WaitGroup
			for sender := range senders {
				sending.Go(func() {
					for n := range each {
						data, _ := json.Marshal(event{sender, n, strings.Repeat("x", n*(sender+1))})
						if !c.SendBytes(data) {
							t.Errorf("sender %d stopped at %d", sender, n)
							return
						}
					}
				})
			}
			var next [senders]int
			for range senders * each {
				_, data, err := ws.Read(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				var e event
				if err := json.Unmarshal(data, &e); err != nil {
					t.Fatalf("%v in %.80q", err, data)
				}
				if e.N != next[e.Sender] || len(e.Filler) != e.N*(e.Sender+1) {
					t.Fatalf("sender %d: got %d, want %d", e.Sender, e.N, next[e.Sender])
				}
				next[e.Sender]++
			}
			sending.Wait()
		})
	}
}

// A client that stops reading is closed when its queue overflows. It can still read
// whole frames, in order, and then a close frame with 1013.
func TestSlowClientIsClosed(t *testing.T) {
	t.Parallel()
	cases := map[string]Limits{
		"by bytes":  {},
		"by frames": {QueueFrames: 3, QueueBytes: 1 << 30},
	}
	for name, over := range transports {
		for by, limits := range cases {
			t.Run(name+"/"+by, func(t *testing.T) {
				t.Parallel()
				g := newTestServer(t, limits, over, nil)
				nc := g.Raw(t)
				p := within(t, g.handlers)
				payload := bytes.Repeat([]byte("x"), 100<<10)
				sent := 0
				for p.c.SendBytes(append(payload, byte(sent))) {
					if sent++; sent > 1000 {
						t.Fatal("no overflow after 100 MB")
					}
				}
				if p.c.SendBytes(nil) {
					t.Fatal("Send works after the overflow")
				}
				r := bufio.NewReader(nc)
				for n := 0; ; n++ {
					head, got, err := readFrame(r)
					if err != nil {
						t.Fatalf("after %d of %d frames: %v", n, sent, err)
					}
					if head == finClose {
						if want := closeFrame(1013, "too slow")[2:]; !bytes.Equal(got, want) {
							t.Fatalf("close frame %q", got)
						}
						break
					}
					if len(got) != len(payload)+1 || got[len(payload)] != byte(n) {
						t.Fatalf("frame %d: %d bytes", n, len(got))
					}
				}
				_ = nc.Close()
				if why := within(t, p.closed); why.Cause != TooSlow || why.Code != 1013 || why.Err == nil {
					t.Fatalf("closed: %+v", why)
				}
			})
		}
	}
}

// A frame that is not written in time ends the connection. Each frame has its own
// time: a peer that takes one frame every 9 s stays connected.
func TestWriteDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newTestServer(t, Limits{}, overPipe, func(p *recorder) { p.c.HelloDone() })
		nc := g.Raw(t)
		p := within(t, g.handlers)
		big := bytes.Repeat([]byte("x"), 20<<10)
		for range 5 {
			p.c.SendBytes(big)
		}
		for range 4 {
			time.Sleep(9 * time.Second)
			for {
				head, _, err := readFrame(nc)
				if err != nil {
					t.Fatal(err)
				}
				if head == finText {
					break
				}
			}
		}
		read := time.Now()
		why := <-p.closed
		if why.Cause != TooSlow || why.Err == nil {
			t.Fatalf("closed: %+v", why)
		}
		if took := time.Since(read); took != 10*time.Second {
			t.Fatalf("closed after %v", took)
		}
	})
}

// A client that falls behind and catches up has lost nothing. After that, its
// connection writes without a drain goroutine again.
func TestFullSocketRecovers(t *testing.T) {
	t.Parallel()
	const burst = 40
	g := newTestServer(t, Limits{QueueBytes: 1 << 30}, overTCP, nil)
	nc := g.Raw(t)
	r := bufio.NewReader(nc)
	c := within(t, g.handlers).c
	payload := bytes.Repeat([]byte("x"), 256<<10)
	for round := range 3 {
		for n := range burst {
			c.SendBytes(append(payload, byte(n)))
		}
		if !drains(c) {
			t.Fatal("10 MB fit the socket")
		}
		for n := range burst {
			_, got, err := readFrame(r)
			if err != nil || len(got) != len(payload)+1 || got[len(payload)] != byte(n) {
				t.Fatalf("round %d, frame %d: %d bytes, %v", round, n, len(got), err)
			}
		}
		eventually(t, func() bool { return !drains(c) })
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.out != nil {
		t.Fatal("the queue was kept")
	}
}

func drains(c *Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.draining
}

// countingRaw counts the writes that a socket sees.
type countingRaw struct {
	syscall.RawConn
	writes *atomic.Int32
}

func (r countingRaw) Write(f func(uintptr) bool) error {
	r.writes.Add(1)
	return r.RawConn.Write(f)
}

func TestAnswersToOneBatchLeaveInOneWrite(t *testing.T) {
	t.Parallel()
	var writes atomic.Int32
	g := newTestServer(t, Limits{Ping: time.Hour}, overTCP, func(p *recorder) {
		p.c.raw = countingRaw{p.c.raw, &writes}
		p.frame = func(c *Conn, data []byte) { c.SendBytes(data) }
	})
	nc := g.Raw(t)
	c := within(t, g.handlers).c
	for _, n := range []int{1, 2, 10, 60} {
		before := writes.Load()
		write(t, nc, frames(clientFrame(finText, []byte("ask")), n-1), clientFrame(finPing, []byte("?")),
			clientFrame(finText, []byte("ask")))
		for i := range n + 1 {
			want := "ask"
			if i == n-1 {
				want = "?"
			}
			if _, got, err := readFrame(nc); err != nil || string(got) != want {
				t.Fatalf("answer %d of %d: %q, %v", i, n, got, err)
			}
		}
		if got := writes.Load() - before; got != 1 {
			t.Errorf("%d answers took %d writes", n+1, got)
		}
	}
	before := writes.Load()
	c.SendBytes([]byte("event"))
	if _, got, err := readFrame(nc); err != nil || string(got) != "event" {
		t.Fatalf("got %q, %v", got, err)
	}
	if got := writes.Load() - before; got != 1 {
		t.Errorf("an event took %d writes", got)
	}
}

// Output that is held back is written before the queue overflows.
func TestBatchLargerThanTheQueue(t *testing.T) {
	t.Parallel()
	const n = 500
	g := newTestServer(t, Limits{QueueFrames: 4, QueueBytes: 64}, overTCP, func(p *recorder) {
		p.frame = func(c *Conn, data []byte) { c.SendBytes(data) }
	})
	nc := g.Raw(t)
	write(t, nc, frames(clientFrame(finText, []byte("0123456789")), n))
	for i := range n {
		if head, got, err := readFrame(nc); err != nil || head != finText {
			t.Fatalf("answer %d: %#x %q, %v", i, head, got, err)
		}
	}
}

// The pongs to a client that only sends pings and never reads are bounded, too.
func TestPingFlood(t *testing.T) {
	t.Parallel()
	g := newTestServer(t, Limits{Close: time.Millisecond, Hello: time.Minute}, overTCP, nil)
	nc := g.Raw(t)
	p := within(t, g.handlers)
	go func() {
		block := frames(clientFrame(finPing, make([]byte, 125)), 100)
		for {
			if _, err := nc.Write(block); err != nil {
				return
			}
		}
	}()
	if why := within(t, p.closed); why.Cause != TooSlow {
		t.Fatalf("closed: %+v", why)
	}
}

func TestPreparedFrameHeaders(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 125, 126, 65535, 65536, 512 << 10} {
		p := Prepare(make([]byte, n))
		r := bytes.NewReader(p.frame)
		head, payload, err := readFrame(r)
		if head != finText || len(payload) != n || err != nil || r.Len() != 0 {
			t.Errorf("%d bytes: %#x, %d, %v, %d left", n, head, len(payload), err, r.Len())
		}
	}
}

func TestPreparedIsACopy(t *testing.T) {
	t.Parallel()
	payload := []byte("before")
	p := Prepare(payload)
	copy(payload, "after!")
	if !bytes.HasSuffix(p.frame, []byte("before")) {
		t.Fatalf("frame %q", p.frame)
	}
}

func TestZeroPreparedSendsNothing(t *testing.T) {
	t.Parallel()
	g := newTestServer(t, Limits{}, overTCP, nil)
	nc := g.Raw(t)
	c := within(t, g.handlers).c
	if !c.Send(Prepared{}) {
		t.Fatal("closed")
	}
	c.SendBytes([]byte("next"))
	if _, got, err := readFrame(nc); string(got) != "next" || err != nil {
		t.Fatalf("got %q, %v", got, err)
	}
}

func TestCloseReasonFitsAndIsText(t *testing.T) {
	t.Parallel()
	for _, reason := range []string{"", "short", strings.Repeat("x", 123), strings.Repeat("x", 124),
		strings.Repeat("é", 100), "bad \xff byte"} {
		frame := closeFrame(websocket.StatusPolicyViolation, reason)
		head, payload, err := readFrame(bytes.NewReader(frame))
		if err != nil || head != finClose || len(payload) > 125 {
			t.Fatalf("%q: %#x, %d bytes, %v", reason, head, len(payload), err)
		}
		if got := string(payload[2:]); !utf8.ValidString(got) ||
			(len(reason) <= 123 && utf8.ValidString(reason) && got != reason) {
			t.Errorf("%q became %q", reason, got)
		}
	}
}
