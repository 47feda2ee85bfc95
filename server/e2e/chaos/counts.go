package chaos

import (
	"fmt"
	"strings"
	"sync/atomic"
	"text/tabwriter"
	"time"
)

// counts are what a run did and saw. All goroutines count.
type counts struct {
	connections, refusals, slow, sleeps       atomic.Int64
	cuts, halves, stalls, delays, splits      atomic.Int64
	kills, terms                              atomic.Int64
	sent, acknowledged, resent, parallelSends atomic.Int64
	duplicates                                atomic.Int64 // answered with status "duplicate", or the first answer again
	full                                      atomic.Int64 // refused with RESOURCE_EXHAUSTED
	aborts, retries, resets, deletions        atomic.Int64 // accepted
	chunks, events, replayed, ticks           atomic.Int64
	resumed, stale, gaps, gone, histories     atomic.Int64
}

// Report is the outcome of a run.
type Report struct {
	Seed      uint64
	For       time.Duration // of chaos, and then
	Settling  time.Duration
	Clients   int
	Users     int
	Sessions  int
	Runs      map[string]int // by how they ended
	Messages  int            // that were compared, in all transcripts
	Formatted int            // those of them that have HTML

	Lost, Duplicated int      // acknowledged messages that are missing; messages that are there twice
	Violations       []string // broken promises, losses and duplicates among them

	counts *counts
}

// String returns the report as a table.
func (r *Report) String() string {
	c := r.counts
	rows := []struct {
		name  string
		value any
	}{
		{"seed", r.Seed},
		{"chaos", r.For.Round(100 * time.Millisecond)},
		{"settling", r.Settling.Round(100 * time.Millisecond)},
		{"clients", r.Clients},
		{"users", r.Users},
		{"sessions", r.Sessions},
		{"SIGKILLs", c.kills.Load()},
		{"SIGTERMs", c.terms.Load()},
		{"connections", c.connections.Load()},
		{"refused, no gateway", c.refusals.Load()},
		{"closed as too slow", c.slow.Load()},
		{"cuts", c.cuts.Load()},
		{"halves", c.halves.Load()},
		{"stalls", c.stalls.Load()},
		{"delays", c.delays.Load()},
		{"splits", c.splits.Load()},
		{"clients away", c.sleeps.Load()},
		{"messages sent", c.sent.Load()},
		{"acknowledged", c.acknowledged.Load()},
		{"resent", c.resent.Load()},
		{"sent twice at once", c.parallelSends.Load()},
		{"duplicates answered", c.duplicates.Load()},
		{"queue full", c.full.Load()},
		{"runs completed", r.Runs["completed"]},
		{"runs interrupted", r.Runs["interrupted"]},
		{"runs failed otherwise", r.Runs["failed"]},
		{"runs aborted", r.Runs["cancelled"]},
		{"runs retried", c.retries.Load()},
		{"sessions reset", c.resets.Load()},
		{"sessions deleted", c.deletions.Load()},
		{"chunks received", c.chunks.Load()},
		{"events received", c.events.Load()},
		{"events replayed", c.replayed.Load()},
		{"cursors resumed", c.resumed.Load()},
		{"cursors reset", c.stale.Load()},
		{"histories loaded", c.histories.Load()},
		{"gaps told by a tick", c.gaps.Load()},
		{"messages compared", r.Messages},
		{"of them formatted", r.Formatted},
		{"losses", r.Lost},
		{"duplicates", r.Duplicated},
		{"violations", len(r.Violations)},
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintf(w, "%s\t%v\n", row.name, row.value)
	}
	_ = w.Flush() // a strings.Builder takes everything
	return b.String()
}
