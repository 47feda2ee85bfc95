package chaos

import (
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// event takes what the gateway says unasked.
func (d *device) event(frame protocol.Frame) {
	d.dawdle()
	d.locked(func() { d.take(frame) })
}

func (d *device) take(frame protocol.Frame) {
	switch frame.Event {
	case protocol.EventTick:
		d.tick(frame)
		return
	case protocol.EventShutdown, protocol.EventDeviceRequested, protocol.EventDeviceResolved, protocol.EventAdminChanged:
		return
	}
	h, ok := hear(frame)
	if !ok {
		d.violate("", "an event that cannot be read: %s %s", frame.Event, frame.Payload)
		return
	}
	d.run.counts.events.Add(1)
	if h.kind == protocol.RunChunk {
		d.run.counts.chunks.Add(1)
	}
	f := d.follows[h.session]
	if h.kind == protocol.SessionDeleted {
		delete(d.follows, h.session)
		if !d.run.disposable(h.session) {
			d.violate(h.session, "the session was deleted")
		}
		return
	}
	if f == nil {
		f = newFollow(h.session)
		d.follows[h.session] = f
	}
	if frame.Seq <= f.until {
		d.run.counts.replayed.Add(1)
	}
	faults, n := f.arrive(h, frame)
	d.report(f, faults)
	d.check(f.epoch, h, frame)
	d.get(f, n)
}

// check holds that everybody sees the same event.
func (d *device) check(epoch string, h heard, frame protocol.Frame) {
	if !d.run.witness.saw(epoch, frame.Seq, h.sum) {
		d.violate(h.session, "seq %d of %s is another event than was seen before: %s %s", frame.Seq, epoch, frame.Event, frame.Payload)
	}
	if h.kind == protocol.RunFailed {
		d.run.ledger.fail(h.run, h.code)
	}
}

// dawdle makes a lazy device slow to take events.
func (d *device) dawdle() {
	if !d.lazy {
		return
	}
	select {
	case <-d.calm:
		return
	default:
	}
	d.mu.Lock()
	pause := time.Duration(0)
	switch {
	case d.dice.chance(0.001):
		pause = d.dice.between(0, 2*time.Second)
	case d.dice.chance(0.05):
		pause = d.dice.between(0, 20*time.Millisecond)
	}
	d.mu.Unlock()
	time.Sleep(pause)
}

// tick notices events that are missing.
func (d *device) tick(frame protocol.Frame) {
	d.run.counts.ticks.Add(1)
	var t protocol.Tick
	if err := protocol.Decode(frame.Payload, &t); err != nil {
		d.violate("", "an unreadable tick: %v", err)
		return
	}
	for key, last := range t.Sessions {
		f := d.follows[key]
		if f == nil {
			continue
		}
		f.line.Tick(last)
		if _, open := f.line.Gap(); open {
			d.missing(f, f.line.Cursor())
		}
	}
}

// tickLimit is how long after a tick an event may come that the tick told of.
const tickLimit = 3 * time.Second

// missing asks for what a tick told of, where it does not come by itself. On a
// good connection it has to, unless a replay is on its way to it, or was cut
// short because pieces were removed.
func (d *device) missing(f *follow, at protocol.Cursor) {
	troubles := d.line.begun.Load()
	d.after(tickLimit, func() {
		if _, open := f.line.Gap(); d.follows[f.key] != f || f.line.Cursor() != at || !open {
			return
		}
		d.run.counts.gaps.Add(1)
		if !d.line.troubled() && troubles == d.line.begun.Load() && at.AfterSeq >= f.until && !d.run.compacts {
			d.violate(f.key, "a tick told of more than seq %d, which did not come within %v", at.AfterSeq, tickLimit)
		}
		d.get(f, events)
	})
}
