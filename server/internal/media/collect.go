package media

import (
	"context"
	"time"
)

// collectPage is how many records one transaction frees or removes.
const collectPage = 100

// Collect removes the files that were freed, and those that no message has and
// that are from before that, and once an hour contents without a record; it gives
// how many these were. What it has done stays done when it fails.
func (s *Service) Collect(ctx context.Context, orphansBefore time.Time) (removed int, err error) {
	for more := true; more; {
		err := s.store.Update(ctx, func(tx Tx) error {
			n, err := tx.FreeOrphans(orphansBefore, collectPage)
			more = n == collectPage
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	for {
		var freed []File
		err := s.store.View(ctx, func(tx Tx) (err error) {
			freed, err = tx.Freed(collectPage)
			return err
		})
		if err != nil {
			return removed, err
		}
		if len(freed) == 0 {
			n, err := s.collectStrays(ctx, orphansBefore)
			return removed + n, err
		}
		for _, f := range freed {
			if err := s.remove(ctx, f); err != nil {
				return removed, err
			}
			removed++
		}
	}
}

// remove removes the content of a freed record, unless another has the same, and
// then the record.
func (s *Service) remove(ctx context.Context, f File) error {
	s.blobs.claims.Lock()
	defer s.blobs.claims.Unlock()
	kept := true
	if err := s.store.View(ctx, func(tx Tx) (err error) {
		kept, err = tx.Kept(f.Sum)
		return err
	}); err != nil {
		return err
	}
	if !kept {
		if err := s.blobs.remove(f.Sum); err != nil {
			return err
		}
	}
	return s.store.Update(ctx, func(tx Tx) error { return tx.Remove(f.ID) })
}
