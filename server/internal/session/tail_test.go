package session

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// modelLog is a complete log. The tails under test have the end of the log, or nothing.
type modelLog struct {
	epoch  string
	events []StoredEvent
}

// Whatever is added, the tails stay within their limits, and every replay from a tail
// equals the replay from the complete log. An event that was just added can be replayed.
func TestTails(t *testing.T) {
	t.Parallel()
	hits, misses := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		tails, logs := newTails(), map[string]*modelLog{}
		session := rapid.Map(rapid.IntRange(0, 120),
			func(i int) string { return fmt.Sprint("session-", i) })
		begin := func(key string) {
			logs[key] = &modelLog{epoch: rapid.StringMatching(`[a-z]{8}`).Draw(t, "epoch")}
		}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				key := session.Draw(t, "session")
				if logs[key] == nil {
					begin(key)
				}
				var sizes []int
				switch rapid.IntRange(0, 3).Draw(t, "kind") {
				case 0:
					sizes = make([]int, rapid.IntRange(1, 600).Draw(t, "tiny"))
				case 1:
					sizes = []int{rapid.IntRange(1, 2*tailBytes).Draw(t, "huge")}
				default:
					sizes = rapid.SliceOfN(rapid.IntRange(0, tailBytes/2), 1, 6).Draw(t, "sizes")
				}
				logs[key].add(&tails, key, sizes)
			},
			"new epoch": func(t *rapid.T) {
				key := session.Draw(t, "session")
				if rapid.Bool().Draw(t, "dropped") {
					tails.drop(key)
				}
				begin(key)
				logs[key].add(&tails, key, []int{1})
			},
			"drop": func(t *rapid.T) { tails.drop(session.Draw(t, "session")) },
			"replay": func(t *rapid.T) {
				key := session.Draw(t, "session")
				l := logs[key]
				if l == nil {
					begin(key)
					l = logs[key]
				}
				epoch := rapid.SampledFrom([]string{"", l.epoch, "another"}).Draw(t, "epoch")
				after := int64(len(l.events)) - rapid.Int64Range(-2, 600).Draw(t, "behind")
				limit := Span{Events: rapid.IntRange(0, 300).Draw(t, "events"),
					Bytes: rapid.IntRange(0, 2*tailBytes).Draw(t, "bytes")}
				r, ok := tails.replay(key, epoch, after, limit)
				if !ok {
					misses++
					return
				}
				hits++
				l.check(t, r, epoch, after, limit)
			},
			"": func(t *rapid.T) { checkTails(t, &tails) },
		})
	})
	if hits == 0 || misses == 0 {
		t.Errorf("%d hits, %d misses", hits, misses)
	}
}

func (l *modelLog) add(tails *tails, key string, sizes []int) {
	var events []Event
	for _, size := range sizes {
		e := StoredEvent{Seq: int64(len(l.events) + 1), Name: "agent", RunID: "r",
			Payload: make([]byte, size)}
		l.events = append(l.events, e)
		events = append(events,
			Event{SessionKey: key, UserID: "ann", Epoch: l.epoch, Seq: e.Seq, Name: e.Name,
				RunID: e.RunID, Payload: e.Payload})
	}
	tails.add(7, events)
}

func (l *modelLog) check(t *rapid.T, r Replay, epoch string, after int64, most Span) {
	t.Helper()
	last := int64(len(l.events))
	if epoch == "another" || after < 0 || after > last || r.Reset {
		t.Fatalf("an answer to what only the store may answer: epoch %q, after %d of %d", epoch,
			after, last)
	}
	if want := (Record{ID: 7, Key: r.Session.Key, UserID: "ann", Epoch: l.epoch,
		LastSeq: last}); r.Session != want {
		t.Fatalf("the log is %+v, want %+v", r.Session, want)
	}
	var want []StoredEvent
	size := 0
	for _, e := range l.events[after:] {
		if size += len(e.Payload); len(want) == most.Events || len(want) > 0 && size > most.Bytes {
			break
		}
		want = append(want, e)
	}
	if !slices.EqualFunc(r.Events, want,
		func(a, b StoredEvent) bool { return a.Seq == b.Seq && len(a.Payload) == len(b.Payload) }) {
		t.Fatalf("%d events after %d (%+v), want %d", len(r.Events), after, most, len(want))
	}
}

func checkTails(t *rapid.T, tails *tails) {
	t.Helper()
	total := 0
	for key, l := range tails.byKey {
		size := tailCost
		for _, e := range l.events {
			size += len(e.Payload) + eventCost
		}
		if total += size; size != l.bytes || size-tailCost > tailBytes ||
			len(l.events) > tailEvents {
			t.Fatalf("the tail of %s has %d events of %d bytes, and counts %d", key, len(l.events),
				size, l.bytes)
		}
	}
	if total != tails.bytes || total > tailsBytes || tails.used.Len() != len(tails.byKey) {
		t.Fatalf("%d tails of %d bytes, counted as %d of %d", len(tails.byKey), total,
			tails.used.Len(), tails.bytes)
	}
}

// The most recently used tails stay.
func TestTailsEvictTheLeastUsed(t *testing.T) {
	t.Parallel()
	tails := newTails()
	one, size := Span{Events: 1}, tailBytes/2
	for i := range 2 * tailsBytes / size {
		(&modelLog{epoch: "e"}).add(&tails, fmt.Sprint(i), []int{size})
		if _, ok := tails.replay("0", "e", 0, one); !ok {
			t.Fatalf("with %d tails, the one in use is gone", i)
		}
	}
	if _, ok := tails.replay("1", "e", 0, one); ok {
		t.Error("one that nobody uses has stayed")
	}
}
