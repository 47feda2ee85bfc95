package media

import (
	"context"
	"encoding/hex"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"time"
)

// A stray is a blob without a record. Strays appear when the database was restored from a
// backup that is older than the blob. Since the newer database may be restored, too, a
// search only marks a new stray. A later search removes the stray when its mark is as old
// as an orphan may get.

// strayInterval is the time between two searches for strays.
const strayInterval = time.Hour

// strayMark is the suffix of a stray's mark, a file next to the blob.
const strayMark = ".stray"

// stray returns the path of the blob's stray mark.
func (s Sum) stray() string { return s.name() + strayMark }

// collectStrays searches all blobs for strays, if the last search was long enough ago. It
// removes those that were marked before a time, and returns their number.
func (s *Service) collectStrays(ctx context.Context, before time.Time) (removed int, err error) {
	if !s.beginStraySearch() {
		return 0, nil
	}
	shards, err := fs.ReadDir(s.blobs.root.FS(), ".")
	if err != nil {
		return 0, err
	}
	for _, shard := range shards {
		if !shard.IsDir() || shard.Name() == tempDir {
			continue
		}
		n, err := s.collectShard(ctx, shard.Name(), before)
		if removed += n; err != nil {
			return removed, err
		}
	}
	return removed, nil
}

// beginStraySearch reports whether it is time to search for strays, and records the
// search.
func (s *Service) beginStraySearch() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.straySearch.IsZero() && time.Since(s.straySearch) < strayInterval {
		return false
	}
	s.straySearch = time.Now()
	return true
}

// collectShard is collectStrays for one folder of blobs.
func (s *Service) collectShard(ctx context.Context, shard string,
	before time.Time) (removed int, err error) {
	found, err := s.blobs.shard(shard)
	if err != nil {
		return 0, err
	}
	var candidates []Sum
	if err := s.store.View(ctx, func(tx Tx) error {
		candidates = nil
		for sum, marked := range found {
			inUse, err := tx.InUse(sum)
			if err != nil {
				return err
			}
			if !inUse || marked {
				candidates = append(candidates, sum)
			}
		}
		return nil
	}); err != nil {
		return 0, err
	}
	for _, sum := range candidates {
		ok, err := s.checkStray(ctx, sum, before)
		if err != nil {
			return removed, err
		}
		if ok {
			removed++
		}
	}
	return removed, nil
}

// checkStray marks a blob that has no record, or removes it if its mark is old. If the
// blob has a record, checkStray removes the mark. No upload can insert a record
// meanwhile.
func (s *Service) checkStray(ctx context.Context, sum Sum,
	before time.Time) (removed bool, err error) {
	s.blobs.mu.Lock()
	defer s.blobs.mu.Unlock()
	var inUse bool
	if err := s.store.View(ctx, func(tx Tx) (err error) {
		inUse, err = tx.InUse(sum)
		return err
	}); err != nil {
		return false, err
	}
	switch at, err := s.blobs.markedAt(sum); {
	case inUse:
		return false, s.blobs.unmark(sum)
	case errors.Is(err, fs.ErrNotExist):
		return false, s.blobs.mark(sum)
	case err != nil:
		return false, err
	case at.Before(before):
		return true, s.blobs.remove(sum)
	}
	return false, nil
}

// shard returns the blobs in a folder, and whether they are marked.
func (b *blobs) shard(name string) (map[Sum]bool, error) {
	entries, err := fs.ReadDir(b.root.FS(), name)
	if err != nil {
		return nil, err
	}
	found := map[Sum]bool{}
	for _, e := range entries {
		digits, isMark := strings.CutSuffix(e.Name(), strayMark)
		if sum, ok := parseSum(digits); ok && sum.name() == filepath.Join(name, digits) {
			found[sum] = found[sum] || isMark
		} // otherwise a thumbnail, or another file
	}
	return found, nil
}

// parseSum parses the file name of a blob.
func parseSum(digits string) (sum Sum, ok bool) {
	if len(digits) != hex.EncodedLen(len(sum)) {
		return Sum{}, false
	}
	_, err := hex.Decode(sum[:], []byte(digits))
	return sum, err == nil
}

// mark marks a blob as a stray, with the current time.
func (b *blobs) mark(s Sum) error {
	now := time.Now()
	return errors.Join(b.root.WriteFile(s.stray(), nil, 0o600), b.root.Chtimes(s.stray(), now, now))
}

// markedAt returns when the blob was marked.
func (b *blobs) markedAt(s Sum) (time.Time, error) {
	info, err := b.root.Stat(s.stray())
	if err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}

// unmark removes the mark of a blob, if there is one.
func (b *blobs) unmark(s Sum) error {
	if err := b.root.Remove(s.stray()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
