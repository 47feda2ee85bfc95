package timeline

// Limits of the events that a Timeline buffers behind a gap. Beyond them it is Stale.
const (
	MaxBufferedEvents = 4096
	MaxBufferedBytes  = 4 << 20 // of payloads
)

// eventBuffer has the events that arrived too early, because earlier ones are missing, by
// seq.
type eventBuffer struct {
	events map[int64]Event
	bytes  int // of payloads
}

// add buffers an event. It reports false if that would exceed the limits.
func (b *eventBuffer) add(e Event) bool {
	if _, ok := b.events[e.Seq]; ok {
		return true
	}
	if len(b.events) >= MaxBufferedEvents || b.bytes+len(e.Payload) > MaxBufferedBytes {
		return false
	}
	if b.events == nil {
		b.events = map[int64]Event{}
	}
	b.events[e.Seq] = e
	b.bytes += len(e.Payload)
	return true
}

// take removes the event with that seq and returns it.
func (b *eventBuffer) take(seq int64) (Event, bool) {
	e, ok := b.events[seq]
	if ok {
		delete(b.events, seq)
		b.bytes -= len(e.Payload)
	}
	return e, ok
}

// last returns the highest seq, or 0 if the buffer is empty.
func (b *eventBuffer) last() int64 {
	last := int64(0)
	for s := range b.events {
		last = max(last, s)
	}
	return last
}

// dropThrough removes the events up to seq.
func (b *eventBuffer) dropThrough(seq int64) {
	for s := range b.events {
		if s <= seq {
			b.take(s)
		}
	}
}

func (b *eventBuffer) clear() { *b = eventBuffer{} }
