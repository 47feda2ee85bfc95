package pairing

import (
	"context"
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
	if err := s.seen.Flush(func(seen map[string]protocol.Time) error { return s.storeSeen(ctx, seen) }); err != nil {
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

// storeSeen stores when some devices were last seen.
func (s *Service) storeSeen(ctx context.Context, seen map[string]protocol.Time) error {
	return s.change(ctx, "store when devices were seen", func(tx Tx, _ protocol.Time) (func(), error) {
		for id, at := range seen {
			if err := tx.Touch(id, at); err != nil {
				return nil, err
			}
		}
		return nil, nil
	})
}
