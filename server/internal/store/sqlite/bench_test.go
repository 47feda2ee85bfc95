package sqlite

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

// BenchmarkUpdate inserts rows of 200 bytes, each in an Update of its own.
func BenchmarkUpdate(b *testing.B) {
	for _, writers := range []int{1, 16, 256} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			s := openTest(b)
			table(b, s)
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

// BenchmarkView looks one row up by its key, which is what checking a
// credential costs the store.
func BenchmarkView(b *testing.B) {
	s := openTest(b)
	table(b, s)
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

// BenchmarkOpen opens a directory that has its tables already, and closes it.
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
