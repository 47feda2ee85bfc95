package client

// maxUndelivered is how many bytes of frames may wait for the program before
// the connection is given up; what is lost with it is asked for again.
const maxUndelivered = 8 << 20

// delivery is what the program is still to be told, in order.
type delivery struct {
	notes []note
	bytes int
	busy  bool // somebody is delivering
}

type note struct {
	tell  func()
	bytes int
}

func (d *delivery) add(bytes int, tell func()) {
	d.notes = append(d.notes, note{tell, bytes})
	d.bytes += bytes
}

// deliver tells all that is queued, unless somebody is at it already. It is
// called without the lock.
func (c *Client) deliver() {
	c.mu.Lock()
	d := &c.outbound
	if d.busy {
		c.mu.Unlock()
		return
	}
	d.busy = true
	for len(d.notes) > 0 {
		notes := d.notes
		d.notes = nil
		for _, n := range notes {
			c.mu.Unlock()
			n.tell()
			c.mu.Lock()
			d.bytes -= n.bytes
		}
	}
	d.busy = false
	c.mu.Unlock()
}
