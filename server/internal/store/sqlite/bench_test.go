package sqlite

import (
	"context"
	"strings"
	"time"

	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/server/internal/setting"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/storetest"
)

// BenchmarkUpdate inserts rows of 200 bytes, each in its own Update.
func BenchmarkUpdate(b *testing.B) {
	for _, writers := range []int{1, 16, 256} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			s := openTest(b)
			createScratch(b, s)
			text := string(make([]byte, 200))
			var next atomic.Int64
			var wg sync.WaitGroup
			b.ReportAllocs()
			b.ResetTimer()
			for range writers {
				wg.Go(func() {
					for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
						if err := s.Update(b.Context(), func(tx *Tx) error {
							_, err := tx.Exec(`INSERT INTO scratch (n, text) VALUES (?, ?)`, n, text)
							return err
						}); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// BenchmarkView looks up one row by its key, as the check of a credential does.
func BenchmarkView(b *testing.B) {
	s := openTest(b)
	createScratch(b, s)
	put(b, s, `INSERT INTO scratch VALUES (1, 'text')`)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			var text string
			if err := s.View(b.Context(), func(tx *Tx) error {
				return tx.QueryRow(`SELECT text FROM scratch WHERE n = ?`, 1).Scan(&text)
			}); err != nil {
				b.Error(err)
			}
		}
	})
}

// BenchmarkOpen opens and closes a store that has its tables already.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	for b.Loop() {
		s, err := Open(b.Context(), dir, Options{})
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAudit reads a page of a log of 100,000 entries. Every thousandth entry matches
// the filter, or none.
func BenchmarkAudit(b *testing.B) {
	s := openTest(b)
	if err := s.Update(b.Context(), func(tx *Tx) error {
		_, err := tx.Exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
			INSERT INTO audit (at, user_id, role, via, address, action, target, detail)
			SELECT i * 1000, 'user-' || i % 1000, 'admin', 'device:dev-' || i % 100, '192.0.2.' || i % 250,
				iif(i % 1000 = 0, 'key.create', 'session.read'), 'session:agent:default:ws:direct:' || i % 5000,
				'of user-' || i % 777 || iif(i % 1000 = 0, ', Nightly report', '') FROM n`)
		return err
	}); err != nil {
		b.Fatal(err)
	}
	for name, f := range map[string]audit.Filter{
		"newest":             {},
		"user":               {UserID: "user-7"},
		"no such user":       {UserID: "nobody"},
		"action":             {Action: "key.create"},
		"no such action":     {Action: "key.revoke"},
		"target":             {Target: "session:agent:default:ws:direct:7"},
		"no such target":     {Target: "session:none"},
		"words":              {Query: "nightly"},
		"no such words":      {Query: "yearly"},
		"words of a user":    {UserID: "user-0", Query: "nightly"},
		"oldest hour":        {Until: 3600_000},
		"hour in between":    {Since: 50_000_000, Until: 53_600_000},
		"before the log":     {Until: 1},
		"the oldest entries": {Before: 100},
	} {
		b.Run(name, func(b *testing.B) {
			f.Limit = 101
			for b.Loop() {
				if _, err := s.Audit().List(b.Context(), f); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSearch searches 100,000 sessions of one user for a text that none of them has,
// although all begin with it, and says how long a cheap read of another user takes
// meanwhile.
func BenchmarkSearch(b *testing.B) {
	s := openTest(b)
	if err := s.Update(b.Context(), func(tx *Tx) error {
		_, err := tx.Exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
			INSERT INTO sessions (key, user_id, agent_id, label, pinned, epoch, last_seq, created_at, updated_at, deleted_at)
			SELECT 'key-' || i, 'greedy', 'demo', printf('%.*c', 120, 'a'), 0, '', 1, i, i, 0 FROM n`)
		return err
	}); err != nil {
		b.Fatal(err)
	}
	service := session.New(s.Sessions(), storetest.DiscardEvents{}, setting.Fixed(session.Settings{}))
	ctx, stop := context.WithCancel(b.Context())
	defer stop()
	var slowest atomic.Int64
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			began := time.Now()
			if _, err := service.List(ctx, session.List{Reader: "ann", UserID: "ann", Limit: 50}); err != nil && ctx.Err() == nil {
				b.Error(err)
			}
			slowest.Store(max(slowest.Load(), int64(time.Since(began))))
			time.Sleep(time.Millisecond)
		}
	})
	query := strings.Repeat("a", 60) + "b"
	for b.Loop() {
		page, err := service.List(b.Context(), session.List{Reader: "greedy", UserID: "greedy", Query: query, Limit: 50})
		if err != nil || len(page.Sessions) > 0 {
			b.Fatal(page, err)
		}
	}
	stop()
	wg.Wait()
	b.ReportMetric(float64(slowest.Load())/1e6, "ms/slowest-cheap-read")
}
