package session_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

var wholeLog = session.Span{Events: 1 << 30, Bytes: 1 << 40}

// After any sequence of changes, including failed ones, replays from the cache equal
// replays from the store, for any cursor.
func TestTailsAnswerAsTheStore(t *testing.T) {
	t.Parallel()
	disk := &faultyStore{Store: openStore(t)}
	answered, declined, life := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		life++
		h := newTestServiceOn(disk)
		some := rapid.Map(rapid.IntRange(0, 2),
			func(i int) string { return fmt.Sprintf("life-%d-%d", life, i) })
		running := map[string]session.StartedRun{}
		// change makes a change that the store may not keep.
		change := func(t *rapid.T, do func(ctx context.Context) error) bool {
			fails := rapid.IntRange(0, 4).Draw(t, "fails") == 0
			disk.noUpdate.Store(fails)
			err := do(context.Background())
			disk.noUpdate.Store(false)
			var refusal *protocol.Error
			switch {
			case fails && errors.Is(err, errDisk), errors.As(err, &refusal), errors.Is(err,
				store.ErrNotFound):
				return false
			case err != nil:
				t.Fatalf("a change: %v", err)
			}
			return true
		}
		t.Repeat(map[string]func(*rapid.T){
			"send": func(t *rapid.T) {
				change(t, func(ctx context.Context) error {
					_, err := h.Send(ctx, ann.To(some.Draw(t, "session")),
						session.SendRequest{DefaultAgent: "demo",
							Message: strings.Repeat("x",
								rapid.SampledFrom([]int{1, 1, 100, 100, 100_000}).Draw(t, "size"))})
					return err
				})
			},
			"answer": func(t *rapid.T) {
				key := some.Draw(t, "session")
				if b, ok := running[key]; ok {
					if change(t, func(ctx context.Context) error {
						err := h.Finish(ctx, b, session.Outcome{Status: session.RunCompleted})
						if errors.Is(err, session.ErrRunEnded) {
							return nil
						}
						return err
					}) {
						delete(running, key)
					}
					return
				}
				change(t, func(ctx context.Context) error {
					b, err := h.Begin(ctx, key, holder)
					if err == nil {
						running[key] = b
					}
					return err
				})
			},
			"say": func(t *rapid.T) {
				b, ok := running[some.Draw(t, "session")]
				if !ok {
					t.Skip("no run")
				}
				pieces := make([]session.Piece,
					rapid.SampledFrom([]int{1, 2, 20, 300}).Draw(t, "pieces"))
				for i := range pieces {
					pieces[i].Text = fmt.Sprint("piece ", i)
				}
				change(t, func(ctx context.Context) error {
					err := h.Append(ctx, b, pieces)
					if errors.Is(err, session.ErrRunEnded) {
						return nil
					}
					return err
				})
			},
			"patch": func(t *rapid.T) {
				change(t, func(ctx context.Context) error {
					_, err := h.Patch(ctx, root.To(some.Draw(t, "session")), nil, nil)
					return err
				})
			},
			"clear": func(t *rapid.T) {
				key := some.Draw(t, "session")
				change(t, func(ctx context.Context) error {
					if rapid.Bool().Draw(t, "delete") {
						return h.Delete(ctx, root.To(key))
					}
					_, err := h.Reset(ctx, root.To(key))
					return err
				})
			},
			"compact": func(t *rapid.T) {
				change(t, func(ctx context.Context) error {
					_, err := h.Compact(ctx, farFuture)
					return err
				})
			},
			"": func(t *rapid.T) {
				key, most := some.Draw(t, "session"), session.Span{Events: 400,
					Bytes: rapid.IntRange(0, 600<<10).Draw(t, "bytes")}
				rec, err := h.Find(context.Background(), root.To(key))
				if err != nil {
					rec.Epoch = "none"
				}
				after := rec.LastSeq - rapid.Int64Range(-1, min(rec.LastSeq, 300)).Draw(t, "behind")
				disk.noView.Store(true)
				r, err := h.Replay(context.Background(), root.To(key), rec.Epoch, after, most)
				disk.noView.Store(false)
				if errors.Is(err, errDisk) {
					declined++
					return
				}
				answered++
				fromStore, coldErr := h.cold.Replay(context.Background(), root.To(key), rec.Epoch,
					after, most)
				if err != nil || coldErr != nil || !sameReplay(r, fromStore) {
					t.Fatalf("after %d the memory answers\n%+v (%v)\nand the store\n%+v (%v)",
						after, r.Session, err, fromStore.Session, coldErr)
				}
			},
		})
	})
	if answered < 100 || declined < 100 {
		t.Errorf("the memory answered %d times, %d times not", answered, declined)
	}
}

// While logs grow, no client has a cursor that is ahead of the next replay, and clients
// that replay again and again get every event.
func TestReplayIsNeverBehind(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	key := h.send(t, ann, "", "question").SessionKey
	b := h.begin(t, key)
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(done)
		for range 80 {
			h.say(t, b, "word ")
		}
		h.finish(t, b, session.RunCompleted)
	})
	for range 2 {
		wg.Go(func() {
			c := newClient(key)
			for over := false; ; {
				c.catchUp(t, h, session.Span{Events: 7, Bytes: 500})
				if over {
					break
				}
				select {
				case <-done:
					over = true
				default:
				}
			}
			if c.resets > 0 {
				t.Errorf("%d resets", c.resets)
			}
			sameMessages(t, "a follower", transcript(c.shown), h.history(t, key))
		})
		wg.Go(func() {
			for over := false; !over; {
				select {
				case <-done:
					over = true
				default:
				}
				rec, err := h.Find(context.Background(), ann.To(key))
				if err != nil {
					t.Error(err)
				}
				if r, err := h.Replay(context.Background(), ann.To(key), rec.Epoch, rec.LastSeq, wholeLog); err != nil ||
					r.Reset || r.Session.LastSeq < rec.LastSeq {
					t.Errorf("after %d, which somebody has seen: %+v (%v)", rec.LastSeq,
						r.Session, err)
				}
			}
		})
	}
	wg.Wait()
}

// Whatever happens to a session, clients that replay again and again end with its
// transcript.
func TestFollowersConverge(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	h.send(t, ann, "k", "question")
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(done)
		for i := range 24 {
			switch {
			case i%12 == 9:
				_, err := h.Reset(context.Background(), ann.To("k"))
				try(t, i, err)
			case i%5 == 4:
				_, err := h.Compact(context.Background(), farFuture)
				try(t, i, err)
			}
			h.send(t, ann, "k", fmt.Sprint("question ", i))
			b := h.begin(t, "k")
			h.say(t, b, "some ", "words")
			if i%12 != 8 {
				h.finish(t, b, session.RunCompleted)
			}
		}
	})
	clients := []*client{newClient("k"), newClient("k"), newClient("k")}
	for _, c := range clients {
		wg.Go(func() {
			for over := false; !over; {
				select {
				case <-done:
					over = true
				default:
				}
				c.catchUp(t, h, session.Span{Events: 5, Bytes: 900})
			}
		})
	}
	wg.Wait()
	for _, c := range clients {
		sameMessages(t, "a follower", transcript(c.shown), h.history(t, "k"))
	}
	h.checkLog(t, "k")
}

// After a restart, replays come from the store.
func TestReplayAfterARestart(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	h.answered(t, ann, "k", "question", "answer")
	c := newClient("k")
	c.step(t, h, session.Span{Events: 3, Bytes: 1 << 20})
	h = newTestServiceOn(h.store)
	c.catchUp(t, h, session.Span{Events: 2, Bytes: 1 << 20})
	sameMessages(t, "the client", transcript(c.shown), h.history(t, "k"))
	// A change makes the memory know the end, and only that.
	h.send(t, ann, "k", "more")
	rec, err := h.Find(t.Context(), ann.To("k"))
	if err != nil {
		t.Fatal(err)
	}
	for after := range rec.LastSeq + 1 {
		h.checkReplay(t, "k", rec.Epoch, after, wholeLog)
	}
}

func TestAnswerTextNotFound(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	sent := h.answered(t, ann, "k", "question", "answer")
	waiting := h.send(t, ann, "k", "next")
	other := h.answered(t, ann, "other", "question", "answer")
	for name, c := range map[string]struct{ key, epoch, run string }{
		"session":          {"nothing", sent.Epoch, sent.RunID},
		"epoch":            {"k", other.Epoch, sent.RunID},
		"no epoch":         {"k", "", sent.RunID},
		"run":              {"k", sent.Epoch, "run-never"},
		"another's run":    {"k", sent.Epoch, other.RunID},
		"a run that waits": {"k", sent.Epoch, waiting.RunID},
	} {
		if text, err := h.AnswerText(t.Context(), c.key, c.epoch, c.run, 99); !errors.Is(err,
			store.ErrNotFound) {
			t.Errorf("%s: said %q (%v)", name, text, err)
		}
	}
}

// replayOnPublish is a Publisher that replays from the seq before each event.
type replayOnPublish struct {
	*session.Service
	t testing.TB
	n int
}

func (a *replayOnPublish) Publish(e session.Event) {
	if e.Seq == 0 {
		return
	}
	a.n++
	r, err := a.Replay(context.Background(), root.To(e.SessionKey), e.Epoch, e.Seq-1, wholeLog)
	if err != nil || r.Reset || len(r.Events) == 0 || r.Events[0].Seq != e.Seq {
		a.t.Errorf("event %d has been published, and after the one before it there is %+v (%v)",
			e.Seq, r, err)
	}
}

// A published event can be replayed at once.
func TestWhatIsPublishedCanBeReplayed(t *testing.T) {
	t.Parallel()
	store := openStore(t)
	a := &replayOnPublish{t: t}
	a.Service = session.New(store, a, noLimit)
	h := testService{Service: a.Service, store: store}
	h.answered(t, ann, "k", "question", "answer")
	if _, err := h.Reset(t.Context(), ann.To("k")); err != nil {
		t.Fatal(err)
	}
	h.answered(t, ann, "k", "question", "answer")
	if err := h.Delete(t.Context(), ann.To("k")); err != nil {
		t.Fatal(err)
	}
	h.send(t, ann, "k", "question")
	if a.n < 10 {
		t.Errorf("only %d events were published", a.n)
	}
}
