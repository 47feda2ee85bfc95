package chaos

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// link is one connection through the proxy: two pumps, and a script that
// disturbs them.
type link struct {
	line      *line
	near, far *net.TCPConn // the client's, the gateway's
	up, down  *pump

	bytes  atomic.Int64  // that have passed
	news   chan struct{} // holds one when bytes have passed
	once   sync.Once
	over   chan struct{} // closed when both connections are to go
	parted atomic.Bool   // the two sides end apart: the script closes them
}

func newLink(l *line, near, far *net.TCPConn) *link {
	k := &link{line: l, near: near, far: far, news: make(chan struct{}, 1), over: make(chan struct{})}
	k.up, k.down = newPump(k, up, near, far), newPump(k, down, far, near)
	return k
}

// carry runs the link until it is over.
func (k *link) carry(script []fault) {
	var pumps, scripts sync.WaitGroup
	pumps.Go(k.up.run)
	pumps.Go(k.down.run)
	scripts.Go(func() { k.play(script) })
	pumps.Wait()
	if !k.parted.Load() {
		k.end()
	}
	scripts.Wait()
	k.end()
	_, _ = k.near.Close(), k.far.Close()
}

func (k *link) end() { k.once.Do(func() { close(k.over) }) }

func (k *link) moved(n int) {
	k.bytes.Add(int64(n))
	select {
	case k.news <- struct{}{}:
	default:
	}
}

// broken ends a link of which one side failed. The other is told as rudely.
func (k *link) broken(p *pump) {
	if k.parted.Load() {
		return
	}
	abort(p.to)
	abort(p.from)
}

// abort closes a connection with a reset.
func abort(c *net.TCPConn) {
	_ = c.SetLinger(0)
	_ = c.Close()
}

// pause waits, and reports false when the link is over before.
func (k *link) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-k.over:
		return false
	}
}

// play makes the faults of the script happen one after the other, until the link
// is over or the line is calm.
func (k *link) play(script []fault) {
	for i := range script {
		f := &script[i]
		if !k.await(f.after, f.bytes) {
			break
		}
		k.line.begun.Add(1)
		k.line.troubles.Add(1)
		goesOn := k.befall(f)
		k.line.troubles.Add(-1)
		if !goesOn {
			return
		}
	}
	k.each(both, way{})
}

// await waits for a time, or until so many bytes have passed. It reports false
// when nothing is to happen any more.
func (k *link) await(d time.Duration, bytes int64) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	for limit := k.bytes.Load() + bytes; ; {
		select {
		case <-t.C:
			return true
		case <-k.news:
			if bytes > 0 && k.bytes.Load() >= limit {
				return true
			}
		case <-k.line.calm:
			return false
		case <-k.over:
			return false
		}
	}
}

func (k *link) each(d direction, w way) {
	if d.has(up) {
		k.up.set(w)
	}
	if d.has(down) {
		k.down.set(w)
	}
}

// befall makes a fault happen and reports whether the link goes on.
func (k *link) befall(f *fault) bool {
	counts := k.line.counts
	w := way{}
	switch f.kind {
	case lag:
		counts.delays.Add(1)
		w.wait = f.wait
	case split:
		counts.splits.Add(1)
		w.size = f.size
	case stall:
		counts.stalls.Add(1)
		w.stalled = true
	case halve:
		k.each(f.dir, way{halve: f})
		select {
		case <-k.over:
			return false
		case <-k.line.calm:
			return true
		}
	case cut:
		counts.cuts.Add(1)
		k.finish(f)
		return false
	}
	k.each(f.dir, w)
	if !k.await(f.lasts, 0) {
		return true
	}
	if f.end != mended {
		counts.cuts.Add(1)
		k.finish(f)
		return false
	}
	k.each(f.dir, way{})
	return true
}

// finish ends the link as the fault says.
func (k *link) finish(f *fault) {
	switch f.end {
	case finished:
		k.each(both, way{void: true})
		_, _ = k.near.CloseWrite(), k.far.CloseWrite()
		k.pause(50 * time.Millisecond)
	case ghost:
		k.parted.Store(true)
		abort(k.near)
		if k.await(f.lasts, 0) {
			k.each(both, way{})
			k.pause(100 * time.Millisecond) // for what is in the pump's hands
		}
		_ = k.far.Close()
	case deaf:
		k.parted.Store(true)
		k.each(both, way{stalled: true})
		abort(k.far)
		k.await(f.lasts, 0)
		abort(k.near)
	default:
		abort(k.near)
		abort(k.far)
	}
	k.end()
}
