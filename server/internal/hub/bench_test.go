package hub

import (
	"fmt"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// The replay of a long log to one member, without the socket's part.
func BenchmarkReplay(b *testing.B) {
	const events = 20_000
	for _, html := range []bool{false, true} {
		b.Run(fmt.Sprint("html=", html), func(b *testing.B) {
			h := newHarness(b)
			h.long(b, "k", events)
			m := &Member{Sender: discard{}, UserID: "ann", Role: protocol.Operator, HTML: html}
			b.ReportAllocs()
			for b.Loop() {
				_, open, err := h.Resume(b.Context(), h, m, []protocol.Cursor{{SessionKey: "k"}})
				if err != nil {
					b.Fatal(err)
				}
				open()
				h.Wait()
				h.Leave(m)
			}
			b.ReportMetric(events*float64(b.N)/b.Elapsed().Seconds(), "events/s")
			h.Wait()
		})
	}
}

// A client that was away for a moment, while an answer streamed.
func BenchmarkResume(b *testing.B) {
	for _, html := range []bool{false, true} {
		for _, missed := range []int64{0, 20} {
			b.Run(fmt.Sprintf("html=%v/missed=%d", html, missed), func(b *testing.B) {
				h := newHarness(b)
				last := h.long(b, "k", 1000)
				m := &Member{Sender: discard{}, UserID: "ann", Role: protocol.Operator, HTML: html}
				b.ReportAllocs()
				for b.Loop() {
					_, open, err := h.Resume(b.Context(), h, m,
						[]protocol.Cursor{{SessionKey: "k", AfterSeq: last - missed}})
					if err != nil {
						b.Fatal(err)
					}
					open()
					h.Wait()
					h.Leave(m)
				}
				h.Wait()
			})
		}
	}
}

// long makes a session with that many events: complete answers of 60 KB, and one
// that streams. It gives the last seq.
func (h *harness) long(t failer, key string, events int) (lastSeq int64) {
	t.Helper()
	const pieces = 2000 // an answer
	words := make([]string, 100)
	for i := range words {
		words[i] = []string{"Some *words* of an ", "answer with `code`, ", "and a [link](https://x) ",
			"of its own.\n\n"}[i%4]
	}
	for made := 0; made < events; made += pieces {
		h.send(t, ann, key, "question")
		run := h.begin(t, key)
		for written := 0; written < min(pieces, events-made); written += len(words) {
			h.say(t, run, words...)
		}
		if made+pieces < events {
			h.finish(t, run, session.RunCompleted)
		}
	}
	return h.transcript(t, key, false).LastSeq
}
