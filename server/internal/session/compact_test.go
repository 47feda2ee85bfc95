package session_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

var (
	farFuture = time.Now().Add(1000 * time.Hour)
	farPast   = time.Now().Add(-1000 * time.Hour)
)

// removalCounter is a store that counts the removed events in each transaction, and fails
// in one of them.
type removalCounter struct {
	session.Store
	updates, removed, most atomic.Int64
	failAt                 atomic.Int64 // the number of an Update; 0: none
}

func (c *removalCounter) Update(ctx context.Context, fn func(session.Tx) error) error {
	n := c.updates.Add(1)
	return c.Store.Update(ctx, func(tx session.Tx) error {
		counted := &countedTx{Tx: tx}
		err := fn(counted)
		c.removed.Add(counted.removed)
		c.most.Store(max(c.most.Load(), counted.removed))
		if n == c.failAt.Load() {
			return errors.Join(errDisk, err)
		}
		return err
	})
}

type countedTx struct {
	session.Tx
	removed int64
}

func (t *countedTx) RemoveEvents(id, through int64, limit int) (int, int64, error) {
	n, last, err := t.Tx.RemoveEvents(id, through, limit)
	t.removed += int64(n)
	return n, last, err
}

func (t *countedTx) RemovePieces(r session.Run, after int64, limit int) (int, int64, error) {
	n, last, err := t.Tx.RemovePieces(r, after, limit)
	t.removed += int64(n)
	return n, last, err
}

// appendWords appends that many words, each as a piece.
func (h testService) appendWords(t failer, b session.StartedRun, words int) {
	t.Helper()
	for words > 0 {
		pieces := make([]session.Piece, min(words, 500))
		for i := range pieces {
			pieces[i].Text = fmt.Sprint(i, " ")
		}
		if err := h.Append(context.Background(), b, pieces); err != nil {
			t.Fatalf("append: %v", err)
		}
		words -= len(pieces)
	}
}

// clientAt returns a client that has read the log up to a seq.
func (h testService) clientAt(t failer, key string, seq int64) *client {
	t.Helper()
	c := newClient(key)
	for c.shown.Cursor().AfterSeq < seq {
		c.step(t, h, session.Span{Events: int(min(500, seq-c.shown.Cursor().AfterSeq)),
			Bytes: 1 << 20})
	}
	return c
}

// A client that resumes from the middle of compacted pieces, even while they are being
// compacted, gets a reset and then shows the history. A client with a later cursor goes
// on.
func TestCompactUnderClients(t *testing.T) {
	t.Parallel()
	store := &removalCounter{Store: openStore(t)}
	h := newTestServiceOn(store)
	const words = 4100 // three transactions
	h.send(t, ann, "k", "question")
	first := h.begin(t, "k")
	h.appendWords(t, first, words)
	h.finish(t, first, session.RunCompleted)
	sent := h.send(t, ann, "k", "next")
	second := h.begin(t, "k")
	h.say(t, second, "under ", "way")
	rec := h.checkLog(t, "k")

	start := answerSeq(t, h, first)
	clients := func(places ...int64) (at []*client) {
		for _, seq := range places {
			at = append(at, h.clientAt(t, "k", seq))
		}
		return at
	}
	early := clients(0, start, start+1, start+1999, start+2000, start+2001, rec.LastSeq)
	late := clients(1, start+2000, start+words-1, start+words, start+words+1)
	end := clients(start+words, rec.LastSeq)
	if n, err := h.Compact(t.Context(), farPast); n != 0 || err != nil {
		t.Fatalf("%d pieces of a run that has just ended were removed (%v)", n, err)
	}

	resume := func(what string, clients []*client, floor int64) {
		t.Helper()
		if now := h.checkLog(t, "k"); now.Floor != floor {
			t.Fatalf("%s: the floor is %d, want %d", what, now.Floor, floor)
		}
		for _, c := range clients {
			at := c.shown.Cursor().AfterSeq
			c.catchUp(t, h, session.Span{Events: 500, Bytes: 1 << 20})
			sameMessages(t, fmt.Sprint(what, ", a client from ", at), transcript(c.shown),
				h.history(t, "k"))
			if want := at < floor; (c.resets > 0) != want {
				t.Errorf("%s: a client from %d had %d resets; the floor is %d", what, at,
					c.resets, floor)
			}
		}
		h.checkAnswerText(t, "k", first.Run.ID, 1999)
		h.checkAnswerText(t, "k", second.Run.ID, 1999)
	}
	store.failAt.Store(store.updates.Load() + 2)
	if n, err := h.Compact(t.Context(), farFuture); n != 2000 || !errors.Is(err, errDisk) {
		t.Fatalf("%d pieces were removed before the disk was full (%v)", n, err)
	}
	resume("half compacted", early, start+2000)
	if n, err := h.Compact(t.Context(), farFuture); n != words-2000 || err != nil {
		t.Fatalf("%d pieces were removed (%v)", n, err)
	}
	resume("compacted", late, start+words)
	if n, err := h.Compact(t.Context(), farFuture); n != 0 || err != nil {
		t.Fatalf("%d pieces were removed twice (%v)", n, err)
	}
	h.finish(t, second, session.RunFailed)
	if n, err := h.Compact(t.Context(), farFuture); n != 2 || err != nil {
		t.Fatalf("%d pieces were removed (%v)", n, err)
	}
	resume("all compacted", end, answerSeq(t, h, second)+2)
	if most := store.most.Load(); most != 2000 {
		t.Errorf("a transaction removed %d events", most)
	}
	// A compacted run can be retried.
	if _, err := h.Retry(t.Context(), ann.To("k"),
		session.RetryRequest{RunID: sent.RunID}); err != nil {
		t.Error(err)
	}
	h.checkLog(t, "k")
}

// answerSeq returns the seq of a run's answer.
func answerSeq(t failer, h testService, b session.StartedRun) int64 {
	t.Helper()
	for _, m := range h.history(t, b.Key) {
		if m.ID == b.Run.AnswerID {
			return m.Seq
		}
	}
	t.Fatalf("run %s has no answer", b.Run.ID)
	return 0
}

// age makes ended runs and idle sessions two hours older, and returns a time between then
// and now.
func (h testService) age(t failer) time.Time {
	t.Helper()
	const hours = 2 * time.Hour
	err := h.store.Update(context.Background(), func(tx session.Tx) error {
		runs, err := tx.Uncompacted(farFuture, 1<<20)
		if err != nil {
			return err
		}
		for _, r := range runs {
			r.EndedAt = r.EndedAt.Add(-hours)
			if err := tx.SaveRun(r); err != nil {
				return err
			}
		}
		sessions, err := tx.UnchangedSince(farFuture, 1<<20)
		if err != nil {
			return err
		}
		for _, r := range sessions {
			r.UpdatedAt = r.UpdatedAt.Add(-hours)
			if err := tx.SaveSession(&r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatalf("age: %v", err)
	}
	return time.Now().Add(-hours / 2)
}

// Compact removes the pieces of old runs and nothing else, whatever the number of
// sessions.
func TestCompactRemovesOldPieces(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	const sessions = 70 // more than sweepPage
	for i := range sessions {
		h.answered(t, ann, fmt.Sprint(i), "question", "answer")
	}
	border := h.age(t)
	h.answered(t, ann, "0", "question", "new answer")
	h.send(t, ann, "1", "question")
	h.say(t, h.begin(t, "1"), "new answer")
	withdrawn := h.send(t, ann, "2", "question")
	if _, _, err := h.Withdraw(t.Context(), ann.To("2"), withdrawn.RunID); err != nil {
		t.Fatal(err)
	}
	if n, err := h.Compact(t.Context(), border); n != sessions || err != nil {
		t.Errorf("%d pieces were removed (%v), want %d", n, err, sessions)
	}
	if n, err := h.Compact(t.Context(), farFuture); n != 1 || err != nil {
		t.Errorf("%d pieces were removed (%v), want 1", n, err)
	}
	for _, key := range []string{"0", "1", "2", "69"} {
		h.checkLog(t, key)
	}
}

// A long log is cleared in short transactions, up to the running answer. If one fails,
// the transcript is still there, and the next try succeeds.
func TestLongLogsAreClearedInSteps(t *testing.T) {
	t.Parallel()
	for name, clear := range map[string]func(h testService) error{
		"delete": func(h testService) error { return h.Delete(context.Background(), ann.To("k")) },
		"reset": func(h testService) error {
			_, err := h.Reset(context.Background(), ann.To("k"))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := &removalCounter{Store: openStore(t)}
			h := newTestServiceOn(store)
			h.send(t, ann, "k", "question")
			first := h.begin(t, "k")
			h.appendWords(t, first, 5000)
			h.finish(t, first, session.RunCompleted)
			h.send(t, ann, "k", "next")
			second := h.begin(t, "k")
			h.say(t, second, "under ", "way")
			before := h.history(t, "k")
			follower := h.clientAt(t, "k", 100)

			for _, at := range []int64{3, 2} { // in a step, and in the last transaction
				store.failAt.Store(store.updates.Load() + at)
				if err := clear(h); !errors.Is(err, errDisk) {
					t.Fatal(err)
				}
				sameMessages(t, "after a failure", h.history(t, "k"), before)
			}
			if n := store.removed.Load(); n < 5000 {
				t.Errorf("only %d events were removed in steps", n)
			}
			follower.catchUp(t, h, session.Span{Events: 100, Bytes: 1 << 20})
			sameMessages(t, "a follower", transcript(follower.shown), before)
			if follower.resets != 1 {
				t.Errorf("%d resets", follower.resets)
			}
			published := h.published.log("k")
			if last := published[len(published)-1]; last.Kind != protocol.RunChunk {
				t.Errorf("%+v was published", last)
			}
			h.say(t, second, ", still")

			stranger := session.Caller{UserID: "ben", Role: protocol.Operator}
			n := store.removed.Load()
			refused(t, "a stranger", h.Delete(t.Context(), stranger.To("k")), protocol.Forbidden)
			if store.removed.Load() != n {
				t.Error("a stranger removed events")
			}
			if err := clear(h); err != nil {
				t.Fatal(err)
			}
			if most := store.most.Load(); most != 2000 {
				t.Errorf("a transaction removed %d events", most)
			}
			if err := h.Append(t.Context(), second,
				[]session.Piece{{Text: "late"}}); !errors.Is(err, session.ErrRunEnded) {
				t.Errorf("append afterwards: %v", err)
			}
			sent := h.send(t, ann, "k", "anew")
			if rec := h.checkLog(t, "k"); rec.Floor != 0 || rec.Epoch == first.Epoch ||
				sent.Seq > 2 {
				t.Errorf("afterwards there is %+v", rec)
			}
		})
	}
}

// Retain deletes sessions that were not changed for a long time, as Delete does.
func TestRetain(t *testing.T) {
	t.Parallel()
	h := newTestService(t)
	yes := true
	const sessions = 70
	for i := range sessions { // more than sweepPage
		h.answered(t, ann, fmt.Sprint("old-", i), "question", "answer")
	}
	if _, err := h.Patch(t.Context(), ann.To("old-7"), nil, &yes); err != nil {
		t.Fatal(err)
	}
	h.send(t, ann, "queued", "question")
	h.send(t, ann, "running", "question")
	running := h.begin(t, "running")
	h.answered(t, ben, "said", "question", "answer")
	h.answered(t, ben, "deleted", "question", "answer")
	if err := h.Delete(t.Context(), ben.To("deleted")); err != nil {
		t.Fatal(err)
	}
	border := h.age(t)
	if _, err := h.Inject(t.Context(), ben.To("said"), "note", ""); err != nil {
		t.Fatal(err)
	}
	retains := func(since time.Time, want int, keys ...string) {
		t.Helper()
		if n, err := h.Retain(t.Context(), since); n != want || err != nil {
			t.Errorf("%d sessions were deleted (%v), want %d", n, err, want)
		}
		list, err := h.List(t.Context(), session.List{Limit: 500})
		if err != nil || len(list.Sessions) != len(keys) {
			t.Fatalf("%d sessions are left (%v), want %v", len(list.Sessions), err, keys)
		}
		for _, key := range keys {
			h.checkLog(t, key)
		}
	}
	retains(border, sessions, "queued", "running", "said")
	published := h.published.bySession["old-7"]
	var e protocol.SessionUpdated
	last := published[len(published)-1]
	if err := protocol.Decode(last.Payload, &e); err != nil ||
		e.Change != protocol.SessionDeleted || last.Seq != 0 || last.Epoch != "" ||
		last.UserID != "ann" {
		t.Errorf("the end of a session was published as %+v", last)
	}
	_, err := h.Replay(t.Context(), ann.To("old-7"), "", 0, wholeLog)
	refused(t, "a replay of what was deleted", err, protocol.NotFound)

	h.finish(t, running, session.RunCompleted)
	retains(border, 0, "queued", "running", "said")
	retains(farFuture, 2, "queued")
}

// A session that is used while Retain works is not deleted.
func TestRetainLooksAgain(t *testing.T) {
	t.Parallel()
	store := &afterView{Store: openStore(t)}
	h := newTestServiceOn(store)
	for _, key := range []string{"asked", "said", "gone"} {
		h.answered(t, ann, key, "question", "answer")
	}
	border := h.age(t)
	store.then = func() {
		h.send(t, ann, "asked", "more")
		_, err := h.Inject(context.Background(), ann.To("said"), "note", "")
		try(t, "said", err)
		try(t, "gone", h.Delete(context.Background(), ann.To("gone")))
	}
	if n, err := h.Retain(t.Context(), border); n != 0 || err != nil {
		t.Errorf("%d sessions were deleted (%v)", n, err)
	}
	h.checkLog(t, "asked")
	store.then = func() { h.send(t, ann, "said", "more") }
	if n, err := h.Retain(t.Context(), farFuture); n != 0 || err != nil {
		t.Errorf("%d sessions were deleted (%v)", n, err)
	}
	h.checkLog(t, "said")
}
