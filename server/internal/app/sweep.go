package app

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// sweepInterval is how often is done what time brings.
	sweepInterval = time.Minute
	// sweepTimeout bounds it. What is too much for one time waits for the next.
	sweepTimeout = 10 * time.Second
)

// sweep does what time brings to pairings, keys and the store, now, every minute and at the end.
func (g *gatehouse) sweep(ctx context.Context) {
	t := time.NewTicker(sweepInterval)
	defer t.Stop()
	for last := false; ; {
		sweeping, done := context.WithTimeout(context.Background(), sweepTimeout)
		if err := g.pairings.Sweep(sweeping); err != nil {
			g.Log.Error("sweep pairings", "error", err)
		}
		if err := g.keys.Sweep(sweeping); err != nil {
			g.Log.Error("sweep API keys", "error", err)
		}
		if err := g.audit.Sweep(sweeping); err != nil {
			g.Log.Error("sweep the audit log", "error", err)
		}
		// So that the store can tell this database from older copies of it.
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

// tidy does what time brings to sessions, now and every minute until ctx ends,
// and then leaves off at once.
func (g *gatehouse) tidy(ctx context.Context) {
	t := time.NewTicker(sweepInterval)
	defer t.Stop()
	for ctx.Err() == nil {
		g.takeUp(ctx)
		now := g.live.Load().config
		retention := now.Retention
		if keep := retention.Sessions; keep > 0 {
			g.remove(ctx, "old sessions deleted", keep, g.sessions.Retain)
		}
		g.remove(ctx, "pieces of old answers removed", retention.Pieces, g.sessions.Compact)
		if keep := retention.Audit; keep > 0 {
			g.remove(ctx, "old lines of the audit log removed", keep, g.audit.Retain)
		}
		g.remove(ctx, "unused files removed", now.Media.Orphans, g.media.Collect)
		select {
		case <-t.C:
		case <-ctx.Done():
		}
	}
}

// takeUp recovers runs that were lost while this process runs.
func (g *gatehouse) takeUp(ctx context.Context) {
	recovering, done := context.WithTimeout(ctx, sweepTimeout)
	defer done()
	if err := g.recoverRuns(recovering, false); err != nil && ctx.Err() == nil {
		g.Log.Error("tidy sessions", "error", err)
	}
}

// remove lets fn remove what is older than keep, as far as the time allows.
func (g *gatehouse) remove(ctx context.Context, what string, keep time.Duration, fn func(context.Context, time.Time) (int, error)) {
	removing, done := context.WithTimeout(ctx, sweepTimeout)
	defer done()
	began := time.Now()
	n, err := fn(removing, began.Add(-keep))
	if n > 0 {
		g.Log.Info(what, "number", n, "older_than", keep, "took", time.Since(began), "more", errors.Is(err, context.DeadlineExceeded))
	}
	if err != nil && removing.Err() == nil {
		g.Log.Error("tidy sessions", "removing", what, "error", err)
	}
}

// recoverRuns ends the runs that have lost their process, and takes up what
// waits without anybody to answer. At the start, when this process has the store
// to itself, every run that it finds has lost its process.
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
