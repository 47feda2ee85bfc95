// Package lastseen records when devices and API keys were last seen. Each request records
// a time, so recording must be cheap: a [Tracker] keeps the times in memory until they
// are flushed to a store. A crash loses the times since the last flush.
package lastseen

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// flushBatch is the number of ids that Flush stores at once, so that its transactions are
// short.
const flushBatch = 200

// Tracker holds the times at which ids were last seen, until they are stored. The zero
// Tracker is ready for use. Its methods are safe for concurrent use.
type Tracker struct {
	// mu guards the following field.
	mu      sync.Mutex
	pending map[string]protocol.Time // times that are not stored yet, by id
}

// Seen records that the id was seen now.
func (t *Tracker) Seen(id string) {
	now := protocol.At(time.Now())
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.pending == nil {
		t.pending = map[string]protocol.Time{}
	}
	t.pending[id] = now
}

// Latest returns when the id was last seen: the pending time or stored, whichever is
// later.
func (t *Tracker) Latest(id string, stored protocol.Time) protocol.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return max(stored, t.pending[id])
}

// Flush passes the pending times to store, in batches. Times that were stored are no
// longer pending. Flush stops at the first error and returns it: the rest stays pending
// for the next Flush. So does what is seen while Flush runs.
func (t *Tracker) Flush(store func(seen map[string]protocol.Time) error) error {
	t.mu.Lock()
	ids := slices.Collect(maps.Keys(t.pending))
	t.mu.Unlock()
	for part := range slices.Chunk(ids, flushBatch) {
		batch := t.batch(part)
		if err := store(batch); err != nil {
			return err
		}
		t.remove(batch)
	}
	return nil
}

// batch returns the pending times of the ids.
func (t *Tracker) batch(ids []string) map[string]protocol.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	batch := make(map[string]protocol.Time, len(ids))
	for _, id := range ids {
		batch[id] = t.pending[id]
	}
	return batch
}

// remove removes the stored times, except those of ids that were seen again meanwhile.
func (t *Tracker) remove(stored map[string]protocol.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, at := range stored {
		if t.pending[id] == at {
			delete(t.pending, id)
		}
	}
}
