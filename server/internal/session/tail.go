package session

import (
	"container/list"
	"slices"
	"sync"
)

// Limits on the cache of logs.
const (
	tailEvents = 256       // events of one tail
	tailBytes  = 256 << 10 // bytes of one tail
	tailsBytes = 16 << 20  // bytes of all tails
	eventCost  = 160       // the approximate size of an event without its payload
	tailCost   = 512       // the approximate size of a tail without its events
)

// tails caches the ends of the logs that are growing, so that a client that was
// disconnected for a moment is served without the store. What replay returns is what the
// store would return. The caller must hold the lock of a session to change its tail.
type tails struct {
	// mu guards the following fields, and every tail.
	mu    sync.Mutex
	byKey map[string]*tail
	used  *list.List // of *tail; the most recently used one is in front
	bytes int        // the size of all tails
}

// tail is the end of one session's log: its last events, without gaps.
type tail struct {
	log    Record // the fields of a Replay's Session
	events []StoredEvent
	bytes  int           // the size of the tail
	usage  *list.Element // the tail's element of tails.used
}

func newTails() tails {
	return tails{byKey: map[string]*tail{}, used: list.New()}
}

// add adds committed events of the session with that id. If they do not continue its
// tail, the tail is replaced. Then add evicts the least recently used tails, if there are
// too many.
func (t *tails) add(id int64, events []Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range events {
		if e.Seq > 0 {
			t.addLocked(id, e)
		}
	}
	for t.bytes > tailsBytes {
		t.removeLocked(t.used.Back().Value.(*tail))
	}
}

// addLocked adds one event.
func (t *tails) addLocked(id int64, e Event) {
	l := t.byKey[e.SessionKey]
	if l != nil && (l.log.Epoch != e.Epoch || l.log.LastSeq+1 != e.Seq) {
		t.removeLocked(l)
		l = nil
	}
	if l == nil {
		l = &tail{bytes: tailCost,
			log: Record{ID: id, Key: e.SessionKey, UserID: e.UserID, Epoch: e.Epoch}}
		l.usage = t.used.PushFront(l)
		t.byKey[e.SessionKey] = l
		t.bytes += l.bytes
	}
	t.used.MoveToFront(l.usage)
	before := l.bytes
	l.append(StoredEvent{Seq: e.Seq, Name: e.Name, Kind: e.Kind, RunID: e.RunID,
		Payload: e.Payload})
	t.bytes += l.bytes - before
}

// append adds an event, and removes the oldest events if there are too many.
func (l *tail) append(e StoredEvent) {
	l.log.LastSeq = e.Seq
	l.events = append(l.events, e)
	l.bytes += len(e.Payload) + eventCost
	for len(l.events) > tailEvents || len(l.events) > 0 && l.bytes-tailCost > tailBytes {
		l.bytes -= len(l.events[0].Payload) + eventCost
		l.events[0] = StoredEvent{} // so that the payload can be freed
		l.events = l.events[1:]
	}
}

// drop removes the tail of a session.
func (t *tails) drop(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l := t.byKey[key]; l != nil {
		t.removeLocked(l)
	}
}

// removeLocked removes a tail.
func (t *tails) removeLocked(l *tail) {
	t.used.Remove(l.usage)
	delete(t.byKey, l.log.Key)
	t.bytes -= l.bytes
}

// replay returns what the store would return, if the tail of the session has all events
// after that seq. Otherwise ok is false. ok is also false for a cursor that is not valid,
// since another epoch or a higher seq may be in the store already.
func (t *tails) replay(key, epoch string, after int64, limit Span) (r Replay, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.byKey[key]
	if l == nil || epoch != "" && epoch != l.log.Epoch || after > l.log.LastSeq ||
		after < l.log.LastSeq-int64(len(l.events)) {
		return Replay{}, false
	}
	t.used.MoveToFront(l.usage)
	rest := l.events[len(l.events)-int(l.log.LastSeq-after):]
	n, size := 0, 0
	for n < len(rest) && limit.fits(n, size, len(rest[n].Payload)) {
		size += len(rest[n].Payload)
		n++
	}
	return Replay{Session: l.log, Events: slices.Clone(rest[:n])}, true
}
