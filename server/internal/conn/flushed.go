package conn

import (
	"context"
	"net"
	"slices"
)

// Flushed waits until all frames that are queued now are written to the socket. It
// fails with ctx's cause if ctx ends first, and with net.ErrClosed if the socket is
// closed or the peer was too slow. Frame must not call it: output may be waiting for
// Frame to return.
func (c *Conn) Flushed(ctx context.Context) error {
	done, err := c.addFlushWaiter()
	if done == nil {
		return err
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		c.removeFlushWaiter(done)
		return context.Cause(ctx)
	}
}

// addFlushWaiter gives a channel that says when the present queue is written, or nil
// if there is nothing to wait for.
func (c *Conn) addFlushWaiter() (done chan error, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.socketClosed:
		return nil, net.ErrClosed
	case c.out == nil:
		return nil, nil
	}
	done = make(chan error, 1)
	c.out.flushes = append(c.out.flushes, flushWaiter{c.out.bytes, done})
	return done, nil
}

func (c *Conn) removeFlushWaiter(done chan error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.out != nil {
		c.out.flushes = slices.DeleteFunc(c.out.flushes, func(w flushWaiter) bool {
			return w.done == done
		})
	}
}

// flushWaiter is a call of Flushed that waits.
type flushWaiter struct {
	bytes int        // how many bytes must be written before the call returns
	done  chan error // buffered: one value is sent
}

// notifyFlushed ends the calls of Flushed that wait for no more than the n bytes that
// were written.
func (q *queue) notifyFlushed(n int) {
	waiting := q.flushes[:0]
	for _, w := range q.flushes {
		if w.bytes -= n; w.bytes > 0 {
			waiting = append(waiting, w)
		} else {
			w.done <- nil
		}
	}
	q.flushes = waiting
}

// failFlushes ends all calls of Flushed because some frames will not be written.
func (q *queue) failFlushes() {
	for _, w := range q.flushes {
		w.done <- net.ErrClosed
	}
	q.flushes = nil
}
