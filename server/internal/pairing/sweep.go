package pairing

import (
	"context"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// sweepBatch limits how many records one transaction of Sweep changes, so that its
// transactions are short.
const sweepBatch = 200

// Sweep stores when devices were last seen, marks requests as expired, revokes sign-ins
// whose gateway token has changed, and removes records that were resolved long ago. One
// goroutine must call it: at the start, once a minute, and before the store is closed.
func (s *Service) Sweep(ctx context.Context) error {
	if err := s.seen.Flush(func(seen map[string]protocol.Time) error {
		return s.storeSeen(ctx,
			seen)
	}); err != nil {
		return err
	}
	binding := s.binding()
	for more := true; more; {
		err := s.change(ctx, "sweep", func(tx Tx, now protocol.Time) (func(), error) {
			expired, err := tx.Expired(now, sweepBatch)
			if err != nil {
				return nil, err
			}
			outdated, err := tx.WithOtherBinding(binding, sweepBatch)
			if err != nil {
				return nil, err
			}
			more = len(expired) == sweepBatch || len(outdated) == sweepBatch
			notify, err := s.end(tx, now, expired, outdated)
			if err != nil {
				return nil, err
			}
			return notify, prune(tx, now)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// end stores that requests have expired and that outdated sign-ins are revoked. It
// returns a function that notifies of that.
func (s *Service) end(tx Tx, now protocol.Time, expired, outdated []Record) (func(), error) {
	var notify []func()
	end := func(records []Record, status string) error {
		for _, r := range records {
			r.resolve(status, "", now)
			if err := tx.Replace(r); err != nil {
				return err
			}
			notify = append(notify, s.notifyResolved(r))
		}
		return nil
	}
	if err := end(expired, protocol.PairingExpired); err != nil {
		return nil, err
	}
	if err := end(outdated, protocol.PairingRevoked); err != nil {
		return nil, err
	}
	return func() {
		for _, f := range notify {
			f()
		}
	}, nil
}

// prune removes the records that were resolved long ago.
func prune(tx Tx, now protocol.Time) error {
	for _, old := range []struct {
		status string
		after  time.Duration
	}{
		{protocol.PairingExpired, keepExpired},
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
	return s.change(ctx, "store when devices were seen",
		func(tx Tx, _ protocol.Time) (func(), error) {
			for id, at := range seen {
				if err := tx.Touch(id, at); err != nil {
					return nil, err
				}
			}
			return nil, nil
		})
}
