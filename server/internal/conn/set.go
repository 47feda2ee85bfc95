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
	batchSize = 16 << 10 // bytes of small frames that are written at once

	// sweepEvery is how late a deadline may be enforced.
	sweepEvery = 500 * time.Millisecond

	// The rate limit of log lines about failed upgrades and broken connections, which
	// anybody can cause: high enough to see what is wrong, too low to fill a disk.
	logPerSecond = 5
	logBurst     = 100
)

type slab [slabSize]byte

// Set is the live connections of one gateway, with what they share: the limits, the
// buffers of busy connections, and the goroutine that enforces their deadlines. It
// is safe for concurrent use.
type Set struct {
	limits Limits
	log    *slog.Logger

	logLimiter *rate.Limiter // see logLimited
	start      time.Time
	ping       []byte

	slabs, batches, queues, writes sync.Pool

	readers sync.WaitGroup // one for each connection
	stop    chan struct{}  // closed by the first Shutdown: stops the sweep
	stopped chan struct{}  // closed when the sweep has stopped

	// mu guards the following fields.
	mu     sync.Mutex
	conns  []*Conn
	closed bool // no connection is accepted any more
}

// NewSet makes a Set without connections. It runs a goroutine until Shutdown.
func NewSet(l Limits, log *slog.Logger) *Set {
	s := &Set{
		limits:     l.withDefaults(),
		log:        log,
		logLimiter: rate.NewLimiter(logPerSecond, logBurst),
		start:      time.Now(),
		ping:       []byte{finPing, 0},
		stop:       make(chan struct{}),
		stopped:    make(chan struct{}),
	}
	s.slabs.New = func() any { return new(slab) }
	s.batches.New = func() any { return new([batchSize]byte) }
	s.queues.New = func() any { return new(queue) }
	s.writes.New = func() any { return newRawWrite() }
	go s.sweepUntilStopped()
	return s
}

// Len is the number of connections, including those that are closing.
func (s *Set) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Shutdown closes all connections with the code and reason, and accepts no more. It
// returns when every connection has ended and every Handler.Closed has returned. If
// ctx ends first, it closes the remaining sockets at once and gives ctx's error.
// Without that, it waits for the peers for Limits.Close at most.
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

// shut stops accepting connections; first is false if that was done before.
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

// add adds a connection. It reports false if the Set was shut down.
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

// remove removes a connection whose reader ends.
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

// logLimited logs a line that anybody who can reach the gateway can cause. Lines over
// the rate limit are dropped.
func (s *Set) logLimited(level slog.Level, text string, args ...any) {
	if s.logLimiter.Allow() {
		s.log.Log(context.Background(), level, text, args...)
	}
}

// clock is the nanoseconds since the Set was made, by the monotonic clock.
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

// write writes what the socket takes without waiting.
func (s *Set) write(raw syscall.RawConn, p []byte) (int, error) {
	a := s.writes.Get().(*rawWrite)
	defer s.writes.Put(a)
	return a.write(raw, p)
}

// rawWrite is a write that does not wait. It is pooled with the func for RawConn,
// which would otherwise be allocated for each write.
type rawWrite struct {
	p    []byte
	n    int
	err  error
	once func(fd uintptr) bool
}

func newRawWrite() *rawWrite {
	a := &rawWrite{}
	a.once = func(fd uintptr) bool {
		a.n, a.err = writeNow(fd, a.p)
		return true
	}
	return a
}

func (a *rawWrite) write(raw syscall.RawConn, p []byte) (int, error) {
	a.p, a.n, a.err = p, 0, nil
	err := raw.Write(a.once)
	if err == nil {
		err = a.err
	}
	a.p, a.err = nil, nil
	return a.n, err
}
