package chaos

import (
	"hash/fnv"
	"sync"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// heard is what matters of an event of a session.
type heard struct {
	session string
	kind    string // of an agent event, its type; of session.updated, its change
	run     string // of an agent event
	code    protocol.Code
	epoch   string // of session.updated, the log's
	sum     uint64 // of what is stored, so without formatted text
}

// hear reads an event frame. It reports false for events of no session.
func hear(f protocol.Frame) (h heard, ok bool) {
	sum := fnv.New64a()
	add := func(b []byte) { _, _ = sum.Write(b) } // a hash takes everything
	add([]byte(f.Event))
	switch f.Event {
	case protocol.EventAgent:
		var e protocol.AgentEvent
		if protocol.Decode(f.Payload, &e) != nil {
			return h, false
		}
		h.session, h.kind, h.run = e.SessionKey, e.Type, e.RunID
		e.Payload = plain(&h, e)
		add(e.AppendJSON(nil))
	case protocol.EventChat:
		var e protocol.ChatEvent
		if protocol.Decode(f.Payload, &e) != nil {
			return h, false
		}
		h.session = e.SessionKey
		e.Message.HTML = nil
		add(e.AppendJSON(nil))
	case protocol.EventSessionUpdated:
		var e protocol.SessionUpdated
		if protocol.Decode(f.Payload, &e) != nil {
			return h, false
		}
		h.session, h.kind = e.SessionKey, e.Change
		if e.Session != nil {
			h.epoch = e.Session.Epoch
		}
		add(f.Payload)
	default:
		return h, false
	}
	h.sum = sum.Sum64()
	return h, true
}

// plain is the payload of an agent event without formatted text.
func plain(h *heard, e protocol.AgentEvent) []byte {
	switch e.Type {
	case protocol.RunChunk:
		var p protocol.TextPayload
		if protocol.Decode(e.Payload, &p) == nil {
			p.HTML = nil
			return p.AppendJSON(nil)
		}
	case protocol.RunCompleted:
		var p protocol.RunCompletedPayload
		if protocol.Decode(e.Payload, &p) == nil {
			p.HTML = nil
			return p.AppendJSON(nil)
		}
	case protocol.RunFailed:
		var p protocol.RunFailedPayload
		if protocol.Decode(e.Payload, &p) == nil {
			h.code, p.HTML = p.Code, nil
			return p.AppendJSON(nil)
		}
	case protocol.RunCancelled:
		var p protocol.RunCancelledPayload
		if protocol.Decode(e.Payload, &p) == nil {
			p.HTML = nil
			return p.AppendJSON(nil)
		}
	}
	return e.Payload
}

// witness remembers every event that anybody saw, so that nobody sees another
// one in its place: not another client, and not after a restart.
type witness struct {
	mu   sync.Mutex
	logs map[string][]uint64 // by epoch, the sums by seq
}

// saw reports whether the event is the one that others saw.
func (w *witness) saw(epoch string, seq int64, sum uint64) bool {
	if epoch == "" {
		return true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	log := w.logs[epoch]
	for int64(len(log)) <= seq {
		log = append(log, 0)
	}
	w.logs[epoch] = log
	if log[seq] == 0 {
		log[seq] = sum
	}
	return log[seq] == sum
}
