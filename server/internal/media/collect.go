package media

import (
	"context"
	"time"
)

// collectPage is the number of records in one page of Collect.
const collectPage = 100

// Collect removes freed files and orphans from before a time. Once an hour, it also looks
// for strays. It returns the number of removed files and strays, even if it returns an
// error.
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

// remove removes the blob of a freed record, unless another record has the same content,
// and then the record.
func (s *Service) remove(ctx context.Context, f File) error {
	s.blobs.mu.Lock()
	defer s.blobs.mu.Unlock()
	inUse := true
	if err := s.store.View(ctx, func(tx Tx) (err error) {
		inUse, err = tx.InUse(f.Sum)
		return err
	}); err != nil {
		return err
	}
	if !inUse {
		if err := s.blobs.remove(f.Sum); err != nil {
			return err
		}
	}
	return s.store.Update(ctx, func(tx Tx) error { return tx.Remove(f.ID) })
}
