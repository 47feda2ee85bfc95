package conn

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/time/rate"
)

const (
	slabSize  = 4 << 10  // bytes read at once, and a message's first buffer
	batchSize = 16 << 10 // bytes of small frames that leave in one write

	// sweepEvery is how late a deadline may be noticed.
	sweepEvery = 500 * time.Millisecond

	// What is logged of upgrades that fail and of connections that break: enough
	// to see what is wrong, and too little to fill a disk.
	linesASecond = 5
	linesAtOnce  = 100
)

type slab [slabSize]byte

// Set is the live connections of one gateway. It holds what they share, the
// limits and the buffers of those that are busy, and keeps time for all of
// them in one goroutine.
type Set struct {
	limits Limits
	log    *slog.Logger
	lines  *rate.Limiter // of what strangers can have logged
	start  time.Time
	ping   []byte

	slabs, batches, queues, attempts sync.Pool

	mu      sync.Mutex
	conns   []*Conn
	closed  bool           // nothing is accepted any more
	readers sync.WaitGroup // one a connection
	stop    chan struct{}
	stopped chan struct{}
}

// NewSet returns a set whose connections keep to l and log to log. It runs a
// goroutine until Shutdown.
func NewSet(l Limits, log *slog.Logger) *Set {
	s := &Set{
		limits:  l.withDefaults(),
		log:     log,
		lines:   rate.NewLimiter(linesASecond, linesAtOnce),
		start:   time.Now(),
		ping:    []byte{finPing, 0},
		stop:    make(chan struct{}),
		stopped: make(chan struct{}),
	}
	s.slabs.New = func() any { return new(slab) }
	s.batches.New = func() any { return new([batchSize]byte) }
	s.queues.New = func() any { return new(queue) }
	s.attempts.New = func() any { return newAttempt() }
	go s.sweepUntilStopped()
	return s
}

// Len returns how many connections there are, closing ones included.
func (s *Set) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Shutdown accepts no more connections, closes every one with the given code
// and reason, and returns when all of them have ended and every Closed has
// returned. Those that have not ended when ctx does are cut off, and the error
// is then ctx's. It waits at most Limits.Close and a sweep for the peers.
func (s *Set) Shutdown(ctx context.Context, code websocket.StatusCode, reason string) error {
	conns, first := s.shut()
	for _, c := range conns {
		c.Close(code, reason)
	}
	ended := make(chan struct{})
	go func() {
		s.readers.Wait()
		close(ended)
	}()
	var err error
	select {
	case <-ended:
	case <-ctx.Done():
		err = ctx.Err()
		for _, c := range conns {
			c.cutOff(Closing{Cause: OursClosed, Err: err})
		}
		<-ended
	}
	if first {
		close(s.stop)
	}
	<-s.stopped
	return err
}

// shut keeps new connections out; first is false when that was done before.
func (s *Set) shut() (conns []*Conn, first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	first = !s.closed
	s.closed = true
	return slices.Clone(s.conns), first
}

func (s *Set) isShut() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// add reports false when the set is shut down.
func (s *Set) add(c *Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.readers.Add(1)
	c.index = len(s.conns)
	s.conns = append(s.conns, c)
	return true
}

// remove forgets c, whose reader ends.
func (s *Set) remove(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.conns) - 1
	s.conns[c.index] = s.conns[last]
	s.conns[c.index].index = c.index
	s.conns[last] = nil
	s.conns = s.conns[:last]
	s.readers.Done()
}

// line logs what anybody who can reach the gateway can cause; what is too much
// is left out.
func (s *Set) line(level slog.Level, text string, args ...any) {
	if s.lines.Allow() {
		s.log.Log(context.Background(), level, text, args...)
	}
}

// clock returns the nanoseconds since the set began; setting the machine's
// clock does not touch it.
func (s *Set) clock() int64 {
	return int64(time.Since(s.start))
}

func (s *Set) putQueue(q *queue) {
	if cap(q.frames) > 64 {
		return
	}
	clear(q.frames)
	*q = queue{frames: q.frames[:0]}
	s.queues.Put(q)
}

// write writes what raw takes without waiting.
func (s *Set) write(raw syscall.RawConn, p []byte) (int, error) {
	a := s.attempts.Get().(*attempt)
	defer s.attempts.Put(a)
	return a.write(raw, p)
}

// attempt is one write that does not wait; it is kept because what a RawConn
// calls would otherwise be allocated for each.
type attempt struct {
	p    []byte
	n    int
	err  error
	once func(fd uintptr) bool
}

func newAttempt() *attempt {
	a := &attempt{}
	a.once = func(fd uintptr) bool {
		a.n, a.err = writeNow(fd, a.p)
		return true
	}
	return a
}

func (a *attempt) write(raw syscall.RawConn, p []byte) (int, error) {
	a.p, a.n, a.err = p, 0, nil
	err := raw.Write(a.once)
	if err == nil {
		err = a.err
	}
	a.p, a.err = nil, nil
	return a.n, err
}
