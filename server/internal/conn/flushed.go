package conn

import (
	"context"
	"net"
	"slices"
)

// Flushed waits until everything that is queued at the time of the call has
// left for the socket; at once when nothing is. It gives ctx's cause when that
// ends first, and net.ErrClosed when the socket is closed or the queue was
// dropped because the peer is too slow. A Handler must not call it from Frame,
// which may be what holds the output back.
func (c *Conn) Flushed(ctx context.Context) error {
	left, err := c.awaitFlush()
	if left == nil {
		return err
	}
	select {
	case err := <-left:
		return err
	case <-ctx.Done():
		c.forgetFlush(left)
		return context.Cause(ctx)
	}
}

// awaitFlush gives what tells when the queue of now has left, or nil when there
// is nothing to wait for.
func (c *Conn) awaitFlush() (left chan error, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.dead:
		return nil, net.ErrClosed
	case c.out == nil:
		return nil, nil
	}
	left = make(chan error, 1)
	c.out.waiting = append(c.out.waiting, flush{c.out.bytes, left})
	return left, nil
}

func (c *Conn) forgetFlush(left chan error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.out != nil {
		c.out.waiting = slices.DeleteFunc(c.out.waiting, func(f flush) bool { return f.left == left })
	}
}

// flush is a Flushed that waits.
type flush struct {
	bytes int        // that have to leave before
	left  chan error // takes one, without waiting
}

// leave tells those who wait for no more than the n bytes that have left.
func (q *queue) leave(n int) {
	waiting := q.waiting[:0]
	for _, f := range q.waiting {
		if f.bytes -= n; f.bytes > 0 {
			waiting = append(waiting, f)
		} else {
			f.left <- nil
		}
	}
	q.waiting = waiting
}

// drop tells everybody who waits that not all of it will leave.
func (q *queue) drop() {
	for _, f := range q.waiting {
		f.left <- net.ErrClosed
	}
	q.waiting = nil
}
