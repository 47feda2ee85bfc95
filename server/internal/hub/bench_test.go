package hub

import (
	"fmt"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// A long log from its beginning to one member, whose socket costs nothing.
func BenchmarkReplay(b *testing.B) {
	const events = 20_000
	for _, html := range []bool{false, true} {
		b.Run(fmt.Sprint("html=", html), func(b *testing.B) {
			h := newHouse(b)
			h.long(b, "k", events)
			m := &Member{Sender: nobody{}, UserID: "ann", Role: protocol.Operator, HTML: html}
			b.ReportAllocs()
			for b.Loop() {
				_, open, err := h.Enter(b.Context(), h, m, []protocol.Cursor{{SessionKey: "k"}})
				if err != nil {
					b.Fatal(err)
				}
				open()
				for m.busy() {
				}
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
				h := newHouse(b)
				last := h.long(b, "k", 1000)
				m := &Member{Sender: nobody{}, UserID: "ann", Role: protocol.Operator, HTML: html}
				b.ReportAllocs()
				for b.Loop() {
					_, open, err := h.Enter(b.Context(), h, m, []protocol.Cursor{{SessionKey: "k", AfterSeq: last - missed}})
					if err != nil {
						b.Fatal(err)
					}
					open()
					for m.busy() {
					}
					h.Leave(m)
				}
				h.Wait()
			})
		}
	}
}

// long makes a session with so many events, of answers of 60 KB and of one that
// streams, and gives its last seq.
func (h *house) long(t failer, key string, events int) (lastSeq int64) {
	t.Helper()
	const pieces = 2000 // an answer
	words := make([]string, 100)
	for i := range words {
		words[i] = []string{"Some *words* of an ", "answer with `code`, ", "and a [link](https://x) ", "of its own.\n\n"}[i%4]
	}
	for made := 0; made < events; made += pieces {
		h.send(t, ann, key, "question")
		run := h.begin(t, key)
		for said := 0; said < min(pieces, events-made); said += len(words) {
			h.say(t, run, words...)
		}
		if made+pieces < events {
			h.finish(t, run, session.RunCompleted)
		}
	}
	return h.transcript(t, key, false).LastSeq
}

func (m *Member) busy() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.replaying
}
