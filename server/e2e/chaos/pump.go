package chaos

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// way is how a pump passes bytes on at the moment.
type way struct {
	stalled bool
	void    bool          // what comes goes nowhere
	wait    time.Duration // before each chunk
	size    int           // of each write; 0: the whole chunk
	halve   *fault        // falls on the next chunk
}

// pump passes the bytes of one direction on.
type pump struct {
	link     *link
	dir      direction
	from, to *net.TCPConn

	mu      sync.Mutex
	way     way
	changed chan struct{} // closed when way is another
}

func newPump(l *link, dir direction, from, to *net.TCPConn) *pump {
	return &pump{link: l, dir: dir, from: from, to: to, changed: make(chan struct{})}
}

func (p *pump) set(w way) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.way = w
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *pump) now() (way, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.way, p.changed
}

// run passes bytes on until one side ends.
func (p *pump) run() {
	chunk := make([]byte, 16<<10)
	for {
		n, err := p.from.Read(chunk)
		if n > 0 {
			if failed := p.pass(chunk[:n]); failed != nil {
				p.link.broken(p)
				return
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			if p.unstalled() {
				_ = p.to.CloseWrite()
			}
			return
		case err != nil:
			p.link.broken(p)
			return
		}
	}
}

var errOver = errors.New("the link is over")

// unstalled waits until nothing stalls, and reports false when the link is over
// before.
func (p *pump) unstalled() bool {
	for {
		w, changed := p.now()
		if !w.stalled {
			return true
		}
		select {
		case <-changed:
		case <-p.link.over:
			return false
		}
	}
}

func (p *pump) pass(chunk []byte) error {
	if !p.unstalled() {
		return errOver
	}
	w, _ := p.now()
	switch {
	case w.void:
		return nil
	case w.halve != nil:
		_, _ = p.to.Write(chunk[:int(w.halve.part*float64(len(chunk)))]) // the link ends anyway
		p.link.line.counts.halves.Add(1)
		p.link.finish(w.halve)
		return errOver
	case w.wait > 0 && !p.link.pause(w.wait):
		return errOver
	}
	size := len(chunk)
	if w.size > 0 {
		size = w.size
	}
	for len(chunk) > 0 {
		n := min(size, len(chunk))
		if _, err := p.to.Write(chunk[:n]); err != nil {
			return err
		}
		chunk = chunk[n:]
		p.link.moved(n)
	}
	return nil
}
