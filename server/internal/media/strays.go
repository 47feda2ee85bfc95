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

// A stray is a content that no record names: that of a file which was uploaded
// after the copy that the database was put back from. The newer database may be
// put back too, so a stray is marked when it is found, and goes when the mark has
// the age of an orphan.

// lookForStrays is how often all contents are gone through.
const lookForStrays = time.Hour

// strayMark is what the name of a mark ends in.
const strayMark = ".stray"

// stray is the place of the mark beside the blob.
func (s Sum) stray() string { return s.name() + strayMark }

// collectStrays removes the strays that were marked before that, if it is time to
// look for them, and gives how many these were.
func (s *Service) collectStrays(ctx context.Context, before time.Time) (removed int, err error) {
	if !s.timeForStrays() {
		return 0, nil
	}
	shards, err := fs.ReadDir(s.blobs.root.FS(), ".")
	if err != nil {
		return 0, err
	}
	for _, shard := range shards {
		if !shard.IsDir() || shard.Name() == unfinished {
			continue
		}
		n, err := s.collectShard(ctx, shard.Name(), before)
		if removed += n; err != nil {
			return removed, err
		}
	}
	return removed, nil
}

func (s *Service) timeForStrays() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.strays.IsZero() && time.Since(s.strays) < lookForStrays {
		return false
	}
	s.strays = time.Now()
	return true
}

// collectShard is collectStrays for one folder of contents.
func (s *Service) collectShard(ctx context.Context, shard string, before time.Time) (removed int, err error) {
	found, err := s.blobs.shard(shard)
	if err != nil {
		return 0, err
	}
	var suspects []Sum
	if err := s.store.View(ctx, func(tx Tx) error {
		suspects = nil
		for sum, marked := range found {
			kept, err := tx.Kept(sum)
			if err != nil {
				return err
			}
			if !kept || marked {
				suspects = append(suspects, sum)
			}
		}
		return nil
	}); err != nil {
		return 0, err
	}
	for _, sum := range suspects {
		gone, err := s.judgeStray(ctx, sum, before)
		if err != nil {
			return removed, err
		}
		if gone {
			removed++
		}
	}
	return removed, nil
}

// judgeStray marks a content that no record names, or removes it, or takes its
// mark away. No upload can name it meanwhile.
func (s *Service) judgeStray(ctx context.Context, sum Sum, before time.Time) (gone bool, err error) {
	s.blobs.claims.Lock()
	defer s.blobs.claims.Unlock()
	var kept bool
	if err := s.store.View(ctx, func(tx Tx) (err error) {
		kept, err = tx.Kept(sum)
		return err
	}); err != nil {
		return false, err
	}
	switch at, err := s.blobs.markedAt(sum); {
	case kept:
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

// shard gives the contents of a folder, and whether they are marked.
func (b *blobs) shard(name string) (map[Sum]bool, error) {
	entries, err := fs.ReadDir(b.root.FS(), name)
	if err != nil {
		return nil, err
	}
	found := map[Sum]bool{}
	for _, e := range entries {
		digits, isMark := strings.CutSuffix(e.Name(), strayMark)
		var sum Sum
		if n, err := hex.Decode(sum[:], []byte(digits[:min(len(digits), hex.EncodedLen(len(sum)))])); err != nil || n != len(sum) ||
			filepath.Join(name, digits) != sum.name() {
			continue // a small picture, or nothing of ours
		}
		found[sum] = found[sum] || isMark
	}
	return found, nil
}

// mark marks a content as a stray from now on.
func (b *blobs) mark(s Sum) error {
	now := time.Now()
	return errors.Join(b.root.WriteFile(s.stray(), nil, 0o600), b.root.Chtimes(s.stray(), now, now))
}

func (b *blobs) markedAt(s Sum) (time.Time, error) {
	info, err := b.root.Stat(s.stray())
	if err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}

func (b *blobs) unmark(s Sum) error {
	if err := b.root.Remove(s.stray()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
