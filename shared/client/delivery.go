package client

// maxUndelivered is how many bytes of frames may be queued for the program. Beyond it the
// client drops the connection; on the next one it resumes, so that no event is lost.
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

func (d *callbackQueue) add(bytes int, run func()) {
	d.queue = append(d.queue, callback{run, bytes})
	d.bytes += bytes
}

// deliver runs all queued callbacks, unless another goroutine is doing so. mu must not be
// held.
func (c *Client) deliver() {
	c.mu.Lock()
	d := &c.callbacks
	if d.delivering {
		c.mu.Unlock()
		return
	}
	d.delivering = true
	for len(d.queue) > 0 {
		queued := d.queue
		d.queue = nil
		for _, n := range queued {
			c.mu.Unlock()
			n.run()
			c.mu.Lock()
			d.bytes -= n.bytes
		}
	}
	d.delivering = false
	c.mu.Unlock()
}
