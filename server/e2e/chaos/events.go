package chaos

import (
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// onEvent receives the gateway's events.
func (d *device) onEvent(frame protocol.Frame) {
	d.delayEvent()
	d.locked(func() { d.handleEvent(frame) })
}

func (d *device) handleEvent(frame protocol.Frame) {
	switch frame.Event {
	case protocol.EventTick:
		d.handleTick(frame)
		return
	case protocol.EventShutdown, protocol.EventDeviceRequested, protocol.EventDeviceResolved, protocol.EventAdminChanged:
		return
	}
	h, ok := digestEvent(frame)
	if !ok {
		d.noteViolation("", "an event that cannot be read: %s %s", frame.Event, frame.Payload)
		return
	}
	d.run.counts.events.Add(1)
	if h.kind == protocol.RunChunk {
		d.run.counts.chunks.Add(1)
	}
	f := d.followed[h.session]
	if h.kind == protocol.SessionDeleted {
		delete(d.followed, h.session)
		if !d.run.disposable(h.session) {
			d.noteViolation(h.session, "the session was deleted")
		}
		return
	}
	if f == nil {
		f = newFollowedSession(h.session)
		d.followed[h.session] = f
	}
	if frame.Seq <= f.replayEnd {
		d.run.counts.replayed.Add(1)
	}
	faults, n := f.receive(h, frame)
	d.noteFaults(f, faults)
	d.checkSeen(f.epoch, h, frame)
	d.fetch(f, n)
}

// checkSeen checks that everybody sees the same event.
func (d *device) checkSeen(epoch string, h eventDigest, frame protocol.Frame) {
	if !d.run.seen.record(epoch, frame.Seq, h.sum) {
		d.noteViolation(h.session, "seq %d of %s is another event than was seen before: %s %s",
			frame.Seq, epoch, frame.Event, frame.Payload)
	}
	if h.kind == protocol.RunFailed {
		d.run.ledger.fail(h.run, h.code)
	}
}

// delayEvent makes a slow device wait now and then before it takes an event.
func (d *device) delayEvent() {
	if !d.slow {
		return
	}
	select {
	case <-d.faultsOver:
		return
	default:
	}
	d.mu.Lock()
	pause := time.Duration(0)
	switch {
	case d.rng.chance(0.001):
		pause = d.rng.between(0, 2*time.Second)
	case d.rng.chance(0.05):
		pause = d.rng.between(0, 20*time.Millisecond)
	}
	d.mu.Unlock()
	time.Sleep(pause)
}

// handleTick looks for events that are missing.
func (d *device) handleTick(frame protocol.Frame) {
	d.run.counts.ticks.Add(1)
	var t protocol.Tick
	if err := protocol.Decode(frame.Payload, &t); err != nil {
		d.noteViolation("", "an unreadable tick: %v", err)
		return
	}
	for key, last := range t.Sessions {
		f := d.followed[key]
		if f == nil {
			continue
		}
		f.timeline.Tick(last)
		if _, open := f.timeline.Gap(); open {
			d.fetchMissing(f, f.timeline.Cursor())
		}
	}
}

// tickLimit is how long after a tick the events may come that the tick knows of.
const tickLimit = 3 * time.Second

// fetchMissing fetches the events that a tick knows of, unless they come within
// tickLimit. On a connection without faults they have to come, except while a replay is
// under way, or where compaction has cut the replay short.
func (d *device) fetchMissing(f *followedSession, at protocol.Cursor) {
	troubles := d.route.faultsBegun.Load()
	d.after(tickLimit, func() {
		if _, open := f.timeline.Gap(); d.followed[f.key] != f || f.timeline.Cursor() != at || !open {
			return
		}
		d.run.counts.gaps.Add(1)
		if !d.route.faultActive() && troubles == d.route.faultsBegun.Load() && at.AfterSeq >= f.replayEnd && !d.run.compacts {
			d.noteViolation(f.key, "a tick told of more than seq %d, which did not come within %v",
				at.AfterSeq, tickLimit)
		}
		d.fetch(f, events)
	})
}
