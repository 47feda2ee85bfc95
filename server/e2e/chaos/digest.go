package chaos

import (
	"hash/fnv"
	"sync"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// eventDigest is what the checks need of a session's event.
type eventDigest struct {
	session string
	kind    string // type of an agent event, change of session.updated
	run     string // of an agent event
	code    protocol.Code
	epoch   string // of the log, in session.updated
	sum     uint64 // hash of what is stored, so without HTML
}

// digestEvent reads an event frame. ok is false for events of no session.
func digestEvent(f protocol.Frame) (h eventDigest, ok bool) {
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
		e.Payload = withoutHTML(&h, e)
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

// withoutHTML returns the payload of an agent event without formatted text. It notes why
// a run failed.
func withoutHTML(h *eventDigest, e protocol.AgentEvent) []byte {
	switch e.Type {
	case protocol.RunChunk, protocol.RunThinking:
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

// seenEvents remembers every event that any client saw. No client may see another event
// with the same seq, not even after a restart.
type seenEvents struct {
	mu   sync.Mutex
	logs map[string][]uint64 // by epoch: hashes by seq
}

// record notes an event and reports whether it is the one that others saw with that seq.
func (w *seenEvents) record(epoch string, seq int64, sum uint64) bool {
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
