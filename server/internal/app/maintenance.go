package app

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// maintenanceInterval is the interval between two rounds of a maintenance job.
	maintenanceInterval = time.Minute
	// maintenanceTimeout bounds a step of a round. The next round goes on where the
	// step was cut off.
	maintenanceTimeout = 10 * time.Second
)

// sweepRecords sweeps pairings, keys and the audit log: they expire records, and write
// what they keep in memory. It does so now, every minute, and once more when ctx ends.
func (g *gatehouse) sweepRecords(ctx context.Context) {
	t := time.NewTicker(maintenanceInterval)
	defer t.Stop()
	for last := false; ; {
		sweeping, done := context.WithTimeout(context.Background(), maintenanceTimeout)
		if err := g.pairings.Sweep(sweeping); err != nil {
			g.Log.Error("sweep pairings", "error", err)
		}
		if err := g.keys.Sweep(sweeping); err != nil {
			g.Log.Error("sweep API keys", "error", err)
		}
		if err := g.audit.Sweep(sweeping); err != nil {
			g.Log.Error("sweep the audit log", "error", err)
		}
		// The mark lets the store recognise an older copy of this database.
		if err := g.store.Mark(sweeping); err != nil {
			g.Log.Warn("mark the database", "error", err)
		}
		done()
		if last {
			return
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			last = true
		}
	}
}

// maintainSessions recovers lost runs and removes old data, now and every minute. When
// ctx ends, it stops at once.
func (g *gatehouse) maintainSessions(ctx context.Context) {
	t := time.NewTicker(maintenanceInterval)
	defer t.Stop()
	for ctx.Err() == nil {
		g.recoverLostRuns(ctx)
		now := g.settings.Load().config
		retention := now.Retention
		if keep := retention.Sessions; keep > 0 {
			g.removeOlder(ctx, "old sessions deleted", keep, g.sessions.Retain)
		}
		g.removeOlder(ctx, "pieces of old answers removed", retention.Pieces, g.sessions.Compact)
		if keep := retention.Audit; keep > 0 {
			g.removeOlder(ctx, "old lines of the audit log removed", keep, g.audit.Retain)
		}
		g.removeOlder(ctx, "unused files removed", now.Media.Orphans, g.media.Collect)
		select {
		case <-t.C:
		case <-ctx.Done():
		}
	}
}

// recoverLostRuns recovers runs whose process has ended while this process runs.
func (g *gatehouse) recoverLostRuns(ctx context.Context) {
	recovering, done := context.WithTimeout(ctx, maintenanceTimeout)
	defer done()
	if err := g.recoverRuns(recovering, false); err != nil && ctx.Err() == nil {
		g.Log.Error("runs could not be recovered; the next try is in a minute", "error", err)
	}
}

// removeOlder calls fn to remove what is older than keep. what is the log line if fn has
// removed something.
func (g *gatehouse) removeOlder(ctx context.Context, what string, keep time.Duration,
	fn func(context.Context, time.Time) (int, error)) {
	removing, done := context.WithTimeout(ctx, maintenanceTimeout)
	defer done()
	began := time.Now()
	n, err := fn(removing, began.Add(-keep))
	if n > 0 {
		g.Log.Info(what, "number", n, "older_than", keep, "took", time.Since(began), "more",
			errors.Is(err, context.DeadlineExceeded))
	}
	if err != nil && removing.Err() == nil {
		g.Log.Error("old data could not be removed; the next try is in a minute", "removing", what,
			"error", err)
	}
}

// recoverRuns ends the runs that have lost their process, and wakes the sessions whose
// queued runs nobody works on. At the start, when no other process has the store, all
// runs have lost their process.
func (g *gatehouse) recoverRuns(ctx context.Context, start bool) error {
	interrupted, waiting, err := g.sessions.Recover(ctx, g.runner.Holder(), start)
	if interrupted > 0 || start && len(waiting) > 0 {
		g.Log.Info("runs recovered", "interrupted", interrupted, "sessions_waiting", len(waiting))
	}
	for _, key := range waiting {
		g.runner.Wake(key)
	}
	if err != nil {
		return fmt.Errorf("recover runs: %w", err)
	}
	return nil
}
