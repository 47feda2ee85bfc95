package hub

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/present"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

func ptr(n int64) *int64 { return &n }

// watch makes the browser follow a session, and gives where the log ends.
func (b *browser) watch(t failer, key, epoch string, after *int64) protocol.ResumedCursor {
	t.Helper()
	at, open, err := b.h.Watch(context.Background(), b.h, b.member, key, epoch, after)
	must(t, at, err)
	open()
	return at
}

// An admin watches another user's session: from now on, or from a seq on.
func TestWatch(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.answered(t, ann, "k", "an", " answer")
	h.answered(t, ann, "unwatched", "an", " answer")
	from := h.transcript(t, "k", false)
	now, before := h.browser(root, true), h.browser(root, false)
	for _, b := range []*browser{now, before} {
		b.load(t, "k")
		b.newMember()
		h.Join(b.member)
	}
	h.answered(t, ann, "k", "another", " answer")
	if n := now.socket.count(); n > 0 {
		t.Fatalf("%d frames came to a member that does not watch", n)
	}
	at := before.watch(t, "k", from.Epoch, ptr(from.LastSeq))
	stands := h.transcript(t, "k", false)
	if at.Status != protocol.ResumeLive || at.Epoch != stands.Epoch || at.LastSeq != stands.LastSeq ||
		at.SessionKey != "k" {
		t.Errorf("watched as %+v", at)
	}
	before.last["k"] = position{at.Epoch, from.LastSeq}
	before.catchUp(t)
	before.same(t, "k")

	delete(now.known, "k")
	now.load(t, "k")
	if at := now.watch(t, "k", "", nil); at.Status != protocol.ResumeLive ||
		at.LastSeq != stands.LastSeq {
		t.Errorf("watched as %+v", at)
	}
	now.last["k"] = position{at.Epoch, at.LastSeq}
	h.answered(t, ann, "k", "a third", " answer")
	h.answered(t, ann, "unwatched", "an", " answer")
	for _, b := range []*browser{now, before} {
		b.catchUp(t)
		b.same(t, "k")
		if b.last["unwatched"].seq > 0 {
			t.Error("an admin got an event of a session that is not watched")
		}
	}
	now.watch(t, "k", "", nil) // to watch again changes nothing
	h.reset(t, "k")
	h.answered(t, ann, "k", "a new", " log")
	h.delete(t, "k")
	h.answered(t, ann, "k", "and another")
	for _, b := range []*browser{now, before} {
		b.catchUp(t)
		b.mend(t)
		b.same(t, "k")
	}
	h.Unwatch(now.member, "k")
	h.Unwatch(now.member, "k")
	h.Unwatch(now.member, "none")
	sent := now.socket.count()
	h.answered(t, ann, "k", "unseen")
	if now.socket.count() != sent {
		t.Error("a member got an event after Unwatch")
	}
	for _, b := range []*browser{now, before} {
		b.lose()
	}
	h.Wait()
	if len(h.watchers) > 0 {
		t.Errorf("%d sessions without a watcher are kept", len(h.watchers))
	}
}

// To watch a session that is being replayed starts the replay again. Unwatch ends
// it.
func TestWatchDuringAReplay(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.send(t, ann, "k", "question")
	run := h.begin(t, "k")
	for range 20 {
		h.say(t, run, "some ", "words ", "of ", "a ", "longer ", "answer ", "and ", "then ", "some ",
			"more ", "of ", "it. ",
			"some ", "words ", "of ", "a ", "longer ", "answer ", "and ", "then ", "some ", "more ", "of ",
			"it. ")
	}
	at := h.transcript(t, "k", false)
	b := h.browser(root, false)
	b.newMember()
	h.Join(b.member)
	for range 3 { // none of these is read to its end
		b.watch(t, "k", "", ptr(0))
		for b.last["k"].seq == 0 {
			b.read(t, 1<<30)
			runtime.Gosched()
		}
		h.Unwatch(b.member, "k")
		b.read(t, 1<<30) // what was sent before that
		delete(b.last, "k")
		delete(b.known, "k")
	}
	b.watch(t, "k", "", ptr(0))
	b.last["k"] = position{at.Epoch, 0}
	b.catchUp(t)
	h.finish(t, run, session.RunCompleted)
	b.catchUp(t)
	b.same(t, "k")
	b.lose()
	h.Wait()
}

func TestWatchStatus(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.answered(t, root, "own", "an", " answer")
	h.answered(t, ann, "k", "an", " answer")
	at := h.transcript(t, "k", false)
	b := h.browser(root, false)
	b.newMember()
	h.Join(b.member)
	if _, _, err := h.Watch(t.Context(), h, b.member, "none", "",
		nil); refusal(err) != protocol.NotFound {
		t.Errorf("none: %v", err)
	}
	for name, c := range map[string]struct {
		epoch string
		after *int64
	}{
		"another epoch": {"other", nil}, "another epoch, from": {"other", ptr(1)},
		"ahead": {at.Epoch, ptr(at.LastSeq + 1)},
	} {
		if got := b.watch(t, "k", c.epoch, c.after); got.Status != protocol.ResumeReset ||
			got.Epoch != at.Epoch || got.LastSeq != at.LastSeq {
			t.Errorf("%s: %+v", name, got)
		}
	}
	// The session is watched all the same; the history has what came before.
	b.load(t, "k")
	h.send(t, ann, "k", "question")
	b.catchUp(t)
	b.same(t, "k")
	// A member follows its own session without watching; with a seq, it is replayed.
	b.load(t, "own")
	b.watch(t, "own", "", nil)
	h.send(t, root, "own", "question")
	b.catchUp(t)
	b.same(t, "own")
	delete(b.known, "own")
	delete(b.last, "own")
	b.watch(t, "own", "", ptr(0))
	b.catchUp(t)
	b.same(t, "own")
	h.Unwatch(b.member, "own")
	h.send(t, root, "own", "question")
	b.catchUp(t)
	b.same(t, "own")
	b.lose()
	if _, _, err := h.Watch(t.Context(), h, &Member{Sender: discard{}, UserID: "root",
		Role: protocol.Admin}, "k", "", nil); err == nil {
		t.Error("a member that has left watches")
	}
	h.Wait()
}

func TestWatchesAreBounded(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	b := h.browser(root, false)
	b.newMember()
	h.Join(b.member)
	for n := range maxWatches + 1 {
		key := fmt.Sprint("k", n)
		h.send(t, ann, key, "question")
		_, open, err := h.Watch(t.Context(), h, b.member, key, "", nil)
		if n < maxWatches {
			must(t, 0, err)
			open()
		} else if refusal(err) != protocol.ResourceExhausted {
			t.Errorf("the %dth: %v", n+1, err)
		}
	}
	last := fmt.Sprint("k", maxWatches)
	h.Unwatch(b.member, "k0")
	b.watch(t, last, "", nil)
	b.catchUp(t)
	h.send(t, ann, last, "question")
	h.send(t, ann, "k0", "question")
	if b.read(t, 100) != 1 || len(b.member.cursors) > maxWatches+1 {
		t.Errorf("%d cursors", len(b.member.cursors))
	}
	b.lose()
	h.Wait()
}

// A tick has the sessions that the member follows and that have changed in the last
// minute, but none that is being replayed.
func TestTick(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.answered(t, ann, "ann's", "an", " answer")
	h.answered(t, ann, "old", "an", " answer")
	h.answered(t, ben, "ben's", "an", " answer")
	for range recentTicks {
		h.Tick()
	}
	h.answered(t, ann, "ann's", "an", " answer")
	h.answered(t, ann, "reset", "an", " answer")
	h.reset(t, "reset")
	h.answered(t, ann, "gone", "an", " answer")
	h.delete(t, "gone")
	h.answered(t, ben, "ben's", "an", " answer")
	a, a2, be, admin := h.browser(ann, false), h.browser(ann, true), h.browser(ben, false),
		h.browser(root, false)
	all := []*browser{a, a2, be, admin}
	for _, b := range all {
		b.connect(t)
	}
	admin.watch(t, "ben's", "", nil)
	admin.catchUp(t)
	ticked := func(when string, want map[*browser]string) {
		t.Helper()
		h.Tick()
		for _, b := range all {
			b.tick = protocol.Tick{}
			b.read(t, 100)
			if got := fmt.Sprint(b.tick.Sessions); got != want[b] {
				t.Errorf("%s: %s with html %v got %s, want %s", when, b.who.UserID, b.html, got, want[b])
			}
		}
	}
	const ofAnn, ofBen = "map[ann's:11 reset:1]", "map[ben's:11]"
	ticked("at first", map[*browser]string{a: ofAnn, a2: ofAnn, be: ofBen, admin: ofBen})
	a2.lose()
	a2.known["ann's"] = nil
	delete(a2.known, "ann's")
	a2.newMember()
	resumed, open, err := h.Resume(t.Context(), h, a2.member, []protocol.Cursor{{SessionKey: "ann's"}})
	must(t, resumed, err)
	ticked("while it enters", map[*browser]string{a: ofAnn, a2: "map[]", be: ofBen, admin: ofBen})
	_ = open // not called, so the session stays replaying
	a2.member.mu.Lock()
	a2.member.resuming = false
	a2.member.mu.Unlock()
	ticked("while one is replayed", map[*browser]string{a: ofAnn, a2: "map[reset:1]", be: ofBen,
		admin: ofBen})
	h.Unwatch(admin.member, "ben's")
	h.send(t, ann, "ann's", "question")
	a.read(t, 100)
	ticked("later", map[*browser]string{a: "map[ann's:12 reset:1]", a2: "map[reset:1]", be: ofBen,
		admin: "map[]"})
	ticked("a minute after most", map[*browser]string{a: "map[ann's:12]", a2: "map[]", be: "map[]",
		admin: "map[]"})
	for range recentTicks {
		h.Tick()
	}
	ticked("a minute after all", map[*browser]string{a: "map[]", a2: "map[]", be: "map[]",
		admin: "map[]"})
	if len(h.recent.byUser) > 0 {
		t.Errorf("%d users are left", len(h.recent.byUser))
	}
	for _, b := range all {
		b.lose()
	}
	h.Wait()
}

// Whatever the number of changed sessions, a tick is a small frame.
func TestTickIsBounded(t *testing.T) {
	t.Parallel()
	h := New(present.NewFormatter())
	box := &inbox{}
	h.Join(&Member{Sender: box, UserID: "ann"})
	for n := range 5000 {
		h.Publish(newLog(fmt.Sprintf("%0200d", n), "ann").updated(protocol.SessionCreated))
	}
	box.take()
	h.Tick()
	frames := box.take()
	if len(frames) != 1 || len(payload(frames[0])) > protocol.MaxFrameBytes/2 {
		t.Fatalf("%d frames of %d bytes", len(frames), len(payload(frames[0])))
	}
	var tick protocol.Tick
	if err := protocol.Decode(decodeFrame(t, frames[0]).Payload, &tick); err != nil ||
		len(tick.Sessions) < 400 {
		t.Errorf("%d sessions, %v", len(tick.Sessions), err)
	}
}

// A minute after a session has caught up, its cursor is removed.
func TestCursorsExpire(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	b := h.browser(ann, false)
	for n := range 3 {
		key := fmt.Sprint("k", n)
		h.answered(t, ann, key, "an", " answer")
		b.load(t, key)
	}
	h.send(t, ann, "k2", "question")
	b.connect(t)
	b.catchUp(t)
	for range recentTicks {
		h.Tick()
	}
	if n := len(b.member.cursors); n != 3 {
		t.Errorf("%d cursors, want 3", n)
	}
	h.Tick()
	if n := len(b.member.cursors); n != 0 || b.member.replayer != nil && b.member.pending != nil {
		t.Errorf("%d cursors are left", n)
	}
	h.send(t, ann, "k0", "question")
	b.catchUp(t)
	b.same(t, "k0")
	b.lose()
	h.Wait()
}
