package session

import (
	"container/list"
	"slices"
	"sync"
)

// Bounds of what is kept in memory of logs.
const (
	tailEvents = 256       // a session
	tailBytes  = 256 << 10 // a session
	tailsBytes = 16 << 20  // in all
	eventCost  = 160       // of an event beside its payload, about
	tailCost   = 512       // of a tail beside its events, about
)

// tails keeps the ends of the logs that grow now, so that a client that was away
// for a moment is not the store's business. It answers what the store would, or
// not at all. A session's tail is changed under the session's lock.
type tails struct {
	mu    sync.Mutex
	byKey map[string]*tail
	used  *list.List // of *tail; the one that was used last is in front
	bytes int
}

// tail is the end of one session's log: its last events, all of them.
type tail struct {
	log    Record // as in a Replay
	events []StoredEvent
	bytes  int // with what they cost beside their payloads
	place  *list.Element
}

func newTails() tails {
	return tails{byKey: map[string]*tail{}, used: list.New()}
}

// add adds what was committed of the session with that row. What does not
// continue its tail begins it anew.
func (t *tails) add(id int64, events []Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range events {
		if e.Seq > 0 {
			t.addOne(id, e)
		}
	}
	for t.bytes > tailsBytes {
		t.remove(t.used.Back().Value.(*tail))
	}
}

func (t *tails) addOne(id int64, e Event) {
	l := t.byKey[e.SessionKey]
	if l != nil && (l.log.Epoch != e.Epoch || l.log.LastSeq+1 != e.Seq) {
		t.remove(l)
		l = nil
	}
	if l == nil {
		l = &tail{bytes: tailCost, log: Record{ID: id, Key: e.SessionKey, UserID: e.UserID, Epoch: e.Epoch}}
		l.place = t.used.PushFront(l)
		t.byKey[e.SessionKey] = l
		t.bytes += l.bytes
	}
	t.used.MoveToFront(l.place)
	before := l.bytes
	l.append(StoredEvent{Seq: e.Seq, Name: e.Name, Kind: e.Kind, RunID: e.RunID, Payload: e.Payload})
	t.bytes += l.bytes - before
}

func (l *tail) append(e StoredEvent) {
	l.log.LastSeq = e.Seq
	l.events = append(l.events, e)
	l.bytes += len(e.Payload) + eventCost
	for len(l.events) > tailEvents || len(l.events) > 0 && l.bytes-tailCost > tailBytes {
		l.bytes -= len(l.events[0].Payload) + eventCost
		l.events[0] = StoredEvent{} // lets go of its payload
		l.events = l.events[1:]
	}
}

// drop forgets a session's tail.
func (t *tails) drop(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l := t.byKey[key]; l != nil {
		t.remove(l)
	}
}

func (t *tails) remove(l *tail) {
	t.used.Remove(l.place)
	delete(t.byKey, l.log.Key)
	t.bytes -= l.bytes
}

// replay answers as the store would, where the session's tail holds everything
// after that seq. It says nothing of a cursor that is no place in the tail: the
// store may be a moment ahead.
func (t *tails) replay(key, epoch string, after int64, most Span) (Replay, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.byKey[key]
	if l == nil || epoch != "" && epoch != l.log.Epoch || after > l.log.LastSeq || after < l.log.LastSeq-int64(len(l.events)) {
		return Replay{}, false
	}
	t.used.MoveToFront(l.place)
	rest := l.events[len(l.events)-int(l.log.LastSeq-after):]
	n, size := 0, 0
	for n < len(rest) && most.fits(n, size, len(rest[n].Payload)) {
		size += len(rest[n].Payload)
		n++
	}
	return Replay{Session: l.log, Events: slices.Clone(rest[:n])}, true
}
