package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Stats returns how much data the store has.
func (s *Store) Stats(ctx context.Context) (d protocol.StoreDetail, err error) {
	d.Kind = "SQLite"
	err = s.View(ctx, func(tx *Tx) error {
		return tx.QueryRow(`SELECT
			(SELECT page_count FROM pragma_page_count) * (SELECT page_size FROM pragma_page_size),
			(SELECT freelist_count FROM pragma_freelist_count) * (SELECT page_size FROM pragma_page_size),
			(SELECT max(version_id) FROM goose_db_version WHERE is_applied),
			(SELECT count(*) FROM sessions WHERE deleted_at = 0 AND pinned IN (0, 1)),
			(SELECT count(*) FROM runs WHERE status = 'queued'),
			(SELECT count(*) FROM runs WHERE status = 'running'),
			(SELECT count(*) FROM devices WHERE status = 'approved'),
			(SELECT coalesce(max(id) - min(id) + 1, 0) FROM audit)`).
			Scan(&d.Bytes, &d.FreeBytes, &d.Version, &d.Sessions, &d.QueuedRuns, &d.RunningRuns,
				&d.Devices, &d.AuditLines)
	})
	if err != nil {
		return protocol.StoreDetail{}, err
	}
	switch info, err := os.Stat(s.path + "-wal"); {
	case err == nil:
		d.LogBytes = info.Size()
	case !errors.Is(err, fs.ErrNotExist):
		return protocol.StoreDetail{}, fmt.Errorf("read the log's size: %w", err)
	}
	return d, nil
}
