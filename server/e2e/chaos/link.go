package chaos

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// link is one connection through the proxy: two pumps, and a script of faults.
type link struct {
	route     *route
	near, far *net.TCPConn // the client's, the gateway's
	up, down  *pump

	bytes     atomic.Int64  // passed on so far
	progress  chan struct{} // has an item when bytes were passed on
	once      sync.Once
	over      chan struct{} // closed when both connections are to end
	endsApart atomic.Bool   // the script closes the two sides at different times
}

func newLink(l *route, near, far *net.TCPConn) *link {
	k := &link{route: l, near: near, far: far, progress: make(chan struct{}, 1),
		over: make(chan struct{})}
	k.up, k.down = newPump(k, up, near, far), newPump(k, down, far, near)
	return k
}

// run passes bytes on until the link is over.
func (k *link) run(script []fault) {
	var pumps, scripts sync.WaitGroup
	pumps.Go(k.up.run)
	pumps.Go(k.down.run)
	scripts.Go(func() { k.runScript(script) })
	pumps.Wait()
	if !k.endsApart.Load() {
		k.end()
	}
	scripts.Wait()
	k.end()
	_, _ = k.near.Close(), k.far.Close()
}

func (k *link) end() { k.once.Do(func() { close(k.over) }) }

func (k *link) countBytes(n int) {
	k.bytes.Add(int64(n))
	select {
	case k.progress <- struct{}{}:
	default:
	}
}

// endBroken ends a link one side of which has failed: the other side gets a reset too.
func (k *link) endBroken(p *pump) {
	if k.endsApart.Load() {
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

// pause waits for d. It reports false when the link is over before.
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

// runScript makes the faults happen one after another, until the link is over or the
// proxy stops faults.
func (k *link) runScript(script []fault) {
	for i := range script {
		f := &script[i]
		if !k.await(f.after, f.bytes) {
			break
		}
		k.route.faultsBegun.Add(1)
		k.route.activeFaults.Add(1)
		continues := k.apply(f)
		k.route.activeFaults.Add(-1)
		if !continues {
			return
		}
	}
	k.setMode(both, pumpMode{})
}

// await waits for d, or until so many more bytes have passed; 0 bytes waits for d alone.
// It reports false when the link is over or faults have stopped.
func (k *link) await(d time.Duration, bytes int64) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	for limit := k.bytes.Load() + bytes; ; {
		select {
		case <-t.C:
			return true
		case <-k.progress:
			if bytes > 0 && k.bytes.Load() >= limit {
				return true
			}
		case <-k.route.faultsOver:
			return false
		case <-k.over:
			return false
		}
	}
}

func (k *link) setMode(d direction, w pumpMode) {
	if d.includes(up) {
		k.up.setMode(w)
	}
	if d.includes(down) {
		k.down.setMode(w)
	}
}

// apply makes a fault happen and reports whether the link goes on.
func (k *link) apply(f *fault) bool {
	counts := k.route.counts
	w := pumpMode{}
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
		k.setMode(f.dir, pumpMode{halve: f})
		select {
		case <-k.over:
			return false
		case <-k.route.faultsOver:
			return true
		}
	case cut:
		counts.cuts.Add(1)
		k.finish(f)
		return false
	}
	k.setMode(f.dir, w)
	if !k.await(f.lasts, 0) {
		return true
	}
	if f.end != passes {
		counts.cuts.Add(1)
		k.finish(f)
		return false
	}
	k.setMode(f.dir, pumpMode{})
	return true
}

// finish ends the link in the way that the fault names.
func (k *link) finish(f *fault) {
	switch f.end {
	case closedByFIN:
		k.setMode(both, pumpMode{discard: true})
		_, _ = k.near.CloseWrite(), k.far.CloseWrite()
		k.pause(50 * time.Millisecond) // time for the FINs to arrive
	case lateDelivery:
		k.endsApart.Store(true)
		abort(k.near)
		if k.await(f.lasts, 0) {
			k.setMode(both, pumpMode{})
			k.pause(100 * time.Millisecond) // for the chunk that the pump has read
		}
		_ = k.far.Close()
	case unnoticed:
		k.endsApart.Store(true)
		k.setMode(both, pumpMode{stalled: true})
		abort(k.far)
		k.await(f.lasts, 0)
		abort(k.near)
	default:
		abort(k.near)
		abort(k.far)
	}
	k.end()
}
