package client

// maxUndelivered is how many bytes of frames may be queued for the program. If there are
// more, the client drops the connection; on the next one it resumes, so that no event is
// lost.
const maxUndelivered = 8 << 20

// callbackQueue has the callbacks that the program has not received yet, in order.
type callbackQueue struct {
	queue      []callback
	bytes      int  // of the frames that the callbacks deliver
	delivering bool // a goroutine is in deliver
}

type callback struct {
	run   func()
	bytes int
}

func (q *callbackQueue) add(bytes int, run func()) {
	q.queue = append(q.queue, callback{run, bytes})
	q.bytes += bytes
}

// deliver runs all queued callbacks, unless another goroutine is doing so. mu must not be
// held.
func (c *Client) deliver() {
	c.mu.Lock()
	q := &c.callbacks
	if q.delivering {
		c.mu.Unlock()
		return
	}
	q.delivering = true
	for len(q.queue) > 0 {
		queued := q.queue
		q.queue = nil
		for _, n := range queued {
			c.mu.Unlock()
			n.run()
			c.mu.Lock()
			q.bytes -= n.bytes
		}
	}
	q.delivering = false
	c.mu.Unlock()
}
