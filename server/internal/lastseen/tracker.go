// Package lastseen keeps account of when devices and API keys were last seen.
// Every request notes it, which must cost nothing, so it is gathered in memory
// and stored now and then; a crash loses what was noted since.
package lastseen

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// flushBatch is how many ids Flush stores at once, so that a transaction delays
// nobody for long.
const flushBatch = 200

// Tracker notes when ids were last seen, until that is stored. The zero Tracker is
// ready for use; its methods are safe for concurrent use.
type Tracker struct {
	// mu guards the following field.
	mu    sync.Mutex
	noted map[string]protocol.Time // by id: what is not stored yet
}

// Seen notes that the id was seen now.
func (t *Tracker) Seen(id string) {
	now := protocol.At(time.Now())
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.noted == nil {
		t.noted = map[string]protocol.Time{}
	}
	t.noted[id] = now
}

// Latest is when the id was last seen, given what is stored of it.
func (t *Tracker) Latest(id string, stored protocol.Time) protocol.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return max(stored, t.noted[id])
}

// Flush has store store everything that is noted, in several calls if there is
// much of it. It forgets what store has taken; what store gives an error for, and
// what is noted meanwhile, stays noted for the next Flush. The first error ends
// it.
func (t *Tracker) Flush(store func(seen map[string]protocol.Time) error) error {
	t.mu.Lock()
	ids := slices.Collect(maps.Keys(t.noted))
	t.mu.Unlock()
	for part := range slices.Chunk(ids, flushBatch) {
		batch := t.latest(part)
		if err := store(batch); err != nil {
			return err
		}
		t.forget(batch)
	}
	return nil
}

func (t *Tracker) latest(ids []string) map[string]protocol.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	batch := make(map[string]protocol.Time, len(ids))
	for _, id := range ids {
		batch[id] = t.noted[id]
	}
	return batch
}

// forget drops what is stored, unless the id was seen again since.
func (t *Tracker) forget(stored map[string]protocol.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, at := range stored {
		if t.noted[id] == at {
			delete(t.noted, id)
		}
	}
}
