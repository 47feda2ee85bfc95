package session_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/storetest"
)

// The number of stored events per second, each a piece of an answer in a durable
// transaction, by the number of sessions that stream.
func BenchmarkAppend(b *testing.B) {
	for _, sessions := range []int{1, 500} {
		b.Run(fmt.Sprintf("sessions=%d", sessions), func(b *testing.B) {
			h := testService{store: openStore(b)}
			h.Service = session.New(h.store, storetest.DiscardEvents{}, noLimit)
			begun := make([]session.StartedRun, sessions)
			for i := range begun {
				key := fmt.Sprint("session-", i)
				h.send(b, ann, key, "Hi")
				begun[i] = h.begin(b, key)
			}
			piece := []session.Piece{{Text: "some words of an answer, "}}
			b.ReportAllocs()
			b.ResetTimer()
			var wg sync.WaitGroup
			for i, run := range begun {
				wg.Go(func() {
					for n := i; n < b.N; n += sessions {
						if err := h.Append(context.Background(), run, piece); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// A history with a long streaming answer, in a session with earlier messages.
func BenchmarkHistoryOfRunningAnswer(b *testing.B) {
	for _, pieces := range []int{100, 5000} {
		b.Run(fmt.Sprintf("pieces=%d", pieces), func(b *testing.B) {
			h := newTestService(b)
			for range 20 {
				h.answered(b, ann, "k", "question", strings.Repeat("answer ", 200))
			}
			h.send(b, ann, "k", "question")
			run := h.begin(b, "k")
			for done := 0; done < pieces; done += 100 {
				batch := make([]session.Piece, 100)
				for i := range batch {
					batch[i].Text = "some words of an answer, "
				}
				if err := h.Append(b.Context(), run, batch); err != nil {
					b.Fatal(err)
				}
			}
			b.ResetTimer()
			for b.Loop() {
				if _, err := h.History(b.Context(), ann.To("k"), 0, 50); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A short replay, from the cache and from the store.
func BenchmarkReplay(b *testing.B) {
	h := newTestService(b)
	h.send(b, ann, "k", "question")
	h.appendWords(b, h.begin(b, "k"), 2000)
	rec, err := h.Find(b.Context(), ann.To("k"))
	if err != nil {
		b.Fatal(err)
	}
	for name, service := range map[string]*session.Service{"memory": h.Service, "store": h.cold} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r, err := service.Replay(b.Context(), ann.To("k"), rec.Epoch, rec.LastSeq-100,
					wholeLog)
				if err != nil || len(r.Events) != 100 {
					b.Fatal(len(r.Events), err)
				}
			}
		})
	}
}
