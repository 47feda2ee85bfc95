package pairing

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// sweepBatch is how many records a step of Sweep changes at most, so that it
// holds nobody up.
const sweepBatch = 200

// Sweep does what time brings: it stores when devices were last seen, ends
// requests that have expired and sign-ins whose token has changed, and forgets
// what was resolved long ago. It is for one caller, at the start, once a minute
// and before the store is closed.
func (s *Service) Sweep(ctx context.Context) error {
	if err := s.storeSeen(ctx); err != nil {
		return err
	}
	binding := s.binding()
	for more := true; more; {
		err := s.change(ctx, "sweep", func(tx Tx, now protocol.Time) (func(), error) {
			due, err := tx.Due(now, sweepBatch)
			if err != nil {
				return nil, err
			}
			loose, err := tx.BoundOtherwise(binding, sweepBatch)
			if err != nil {
				return nil, err
			}
			more = len(due) == sweepBatch || len(loose) == sweepBatch
			after, err := s.end(tx, now, due, loose)
			if err != nil {
				return nil, err
			}
			return after, prune(tx, now)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// end marks the records as ended and gives the telling of it.
func (s *Service) end(tx Tx, now protocol.Time, expired, loose []Record) (func(), error) {
	var tell []func()
	end := func(records []Record, status string) error {
		for _, r := range records {
			r.resolve(status, "", now)
			if err := tx.Replace(r); err != nil {
				return err
			}
			tell = append(tell, s.resolved(r))
		}
		return nil
	}
	if err := end(expired, protocol.PairingExpired); err != nil {
		return nil, err
	}
	if err := end(loose, protocol.PairingRevoked); err != nil {
		return nil, err
	}
	return func() {
		for _, f := range tell {
			f()
		}
	}, nil
}

func prune(tx Tx, now protocol.Time) error {
	for _, old := range []struct {
		status string
		after  time.Duration
	}{
		{protocol.PairingExpired, keepUnanswered},
		{protocol.PairingDenied, keepResolved},
		{protocol.PairingRevoked, keepResolved},
	} {
		if err := tx.Prune(old.status, now-protocol.Time(old.after.Milliseconds())); err != nil {
			return err
		}
	}
	return nil
}

// storeSeen stores what Seen has noted. What is noted meanwhile, and what could
// not be stored, stays noted.
func (s *Service) storeSeen(ctx context.Context) error {
	s.mu.Lock()
	ids := slices.Collect(maps.Keys(s.seen))
	s.mu.Unlock()
	for part := range slices.Chunk(ids, sweepBatch) {
		stored := make(map[string]protocol.Time, len(part))
		err := s.change(ctx, "store when devices were seen", func(tx Tx, _ protocol.Time) (func(), error) {
			for _, id := range part {
				stored[id] = s.noted(id)
				if err := tx.Touch(id, stored[id]); err != nil {
					return nil, err
				}
			}
			return func() { s.forgetSeen(stored) }, nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) noted(id string) protocol.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen[id]
}

// forgetSeen drops what is stored, but not what was noted since.
func (s *Service) forgetSeen(stored map[string]protocol.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, at := range stored {
		if s.seen[id] == at {
			delete(s.seen, id)
		}
	}
}
