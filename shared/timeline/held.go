package timeline

// Bounds of what a Timeline holds back behind a gap. Past them it is Stale.
const (
	MaxHeldEvents = 4096
	MaxHeldBytes  = 4 << 20 // of payloads
)

// held is the events that came before their turn, by seq.
type held struct {
	events map[int64]Event
	bytes  int
}

// add reports false when the event does not fit the bounds.
func (h *held) add(e Event) bool {
	if _, ok := h.events[e.Seq]; ok {
		return true
	}
	if len(h.events) >= MaxHeldEvents || h.bytes+len(e.Payload) > MaxHeldBytes {
		return false
	}
	if h.events == nil {
		h.events = map[int64]Event{}
	}
	h.events[e.Seq] = e
	h.bytes += len(e.Payload)
	return true
}

// take gives the event of that seq away.
func (h *held) take(seq int64) (Event, bool) {
	e, ok := h.events[seq]
	if ok {
		delete(h.events, seq)
		h.bytes -= len(e.Payload)
	}
	return e, ok
}

// last is the highest seq, 0 where there is nothing.
func (h *held) last() int64 {
	last := int64(0)
	for s := range h.events {
		last = max(last, s)
	}
	return last
}

func (h *held) dropThrough(seq int64) {
	for s := range h.events {
		if s <= seq {
			h.take(s)
		}
	}
}

func (h *held) clear() { *h = held{} }
