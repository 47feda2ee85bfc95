package chaos

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// pumpMode says how a pump passes bytes on.
type pumpMode struct {
	stalled bool
	discard bool          // bytes are dropped
	wait    time.Duration // before each chunk
	size    int           // bytes a write; 0: the whole chunk
	halve   *fault        // happens to the next chunk
}

// pump passes the bytes of one direction on.
type pump struct {
	link     *link
	dir      direction
	from, to *net.TCPConn

	mu      sync.Mutex
	mode    pumpMode
	changed chan struct{} // closed when mode changes
}

func newPump(l *link, dir direction, from, to *net.TCPConn) *pump {
	return &pump{link: l, dir: dir, from: from, to: to, changed: make(chan struct{})}
}

func (p *pump) setMode(w pumpMode) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mode = w
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *pump) currentMode() (pumpMode, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mode, p.changed
}

// run passes bytes on until one side ends.
func (p *pump) run() {
	chunk := make([]byte, 16<<10)
	for {
		n, err := p.from.Read(chunk)
		if n > 0 {
			if failed := p.pass(chunk[:n]); failed != nil {
				p.link.endBroken(p)
				return
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			if p.awaitUnstalled() {
				_ = p.to.CloseWrite()
			}
			return
		case err != nil:
			p.link.endBroken(p)
			return
		}
	}
}

var errOver = errors.New("the link is over")

// awaitUnstalled waits until the pump is not stalled. It reports false when the link is
// over before.
func (p *pump) awaitUnstalled() bool {
	for {
		w, changed := p.currentMode()
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
	if !p.awaitUnstalled() {
		return errOver
	}
	w, _ := p.currentMode()
	switch {
	case w.discard:
		return nil
	case w.halve != nil:
		_, _ = p.to.Write(chunk[:int(w.halve.part*float64(len(chunk)))]) // the link ends anyway
		p.link.route.counts.halves.Add(1)
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
		p.link.countBytes(n)
	}
	return nil
}
