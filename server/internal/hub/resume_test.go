package hub

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/server/internal/setting"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/timeline"
)

func TestWhatBecomesOfCursors(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.answered(t, ann, "folded", "one", "two", "three")
	h.compact(t)
	h.answered(t, ann, "k", "one", "two", "three")
	h.answered(t, ben, "ben's", "one")
	h.answered(t, ann, "deleted", "one")
	h.delete(t, "deleted")
	at := h.transcript(t, "k", false)
	folded := h.transcript(t, "folded", false)
	rows := map[string]struct {
		who    session.Caller
		cursor protocol.Cursor
		status string
		frames int
	}{
		"up to date": {ann, protocol.Cursor{SessionKey: "k", Epoch: at.Epoch,
			AfterSeq: at.LastSeq}, protocol.ResumeLive, 0},
		"behind": {ann, protocol.Cursor{SessionKey: "k", Epoch: at.Epoch,
			AfterSeq: at.LastSeq - 1}, protocol.ResumeLive, 1},
		"of any epoch": {ann, protocol.Cursor{SessionKey: "k", AfterSeq: at.LastSeq - 1},
			protocol.ResumeLive, 1},
		"of another epoch": {ann, protocol.Cursor{SessionKey: "k", Epoch: "other", AfterSeq: 1},
			protocol.ResumeReset, 0},
		"ahead of the log": {ann, protocol.Cursor{SessionKey: "k", Epoch: at.Epoch,
			AfterSeq: at.LastSeq + 1}, protocol.ResumeReset, 0},
		"in what was folded": {ann, protocol.Cursor{SessionKey: "folded", Epoch: folded.Epoch,
			AfterSeq: 4}, protocol.ResumeReset, 0},
		"after that": {ann, protocol.Cursor{SessionKey: "folded", Epoch: folded.Epoch,
			AfterSeq: folded.LastSeq - 1}, protocol.ResumeLive, 1},
		"of nothing": {ann, protocol.Cursor{SessionKey: "none"}, protocol.ResumeGone, 0},
		"of what is no more": {ann, protocol.Cursor{SessionKey: "deleted", Epoch: "e", AfterSeq: 3},
			protocol.ResumeGone, 0},
		"somebody else's": {ann, protocol.Cursor{SessionKey: "ben's"}, protocol.ResumeGone, 0},
		"an admin's": {root, protocol.Cursor{SessionKey: "k", Epoch: at.Epoch,
			AfterSeq: at.LastSeq - 2}, protocol.ResumeLive, 2},
		"an admin's, reset": {root, protocol.Cursor{SessionKey: "k", Epoch: "other"},
			protocol.ResumeReset, 0},
	}
	defer h.Wait()
	for name, row := range rows {
		b := h.browser(row.who, false)
		b.newMember()
		resumed, open, err := h.Resume(t.Context(), h, b.member, []protocol.Cursor{row.cursor})
		if err != nil {
			t.Fatal(err)
		}
		open()
		if len(resumed) != 1 || resumed[0].Status != row.status ||
			resumed[0].SessionKey != row.cursor.SessionKey {
			t.Errorf("%s: %+v, want %s", name, resumed, row.status)
		}
		if gone := row.status == protocol.ResumeGone; gone != (resumed[0].Epoch == "") ||
			gone != (resumed[0].LastSeq == 0) {
			t.Errorf("%s: stands at %+v", name, resumed[0])
		}
		for b.replaying() {
			runtime.Gosched()
		}
		if n := b.socket.count(); n != row.frames {
			t.Errorf("%s: %d frames were replayed, want %d", name, n, row.frames)
		}
		b.lose()
	}
	if len(h.watchers) > 0 || len(h.all) > 0 {
		t.Errorf("%d watchers are left, and %d members", len(h.watchers), len(h.all))
	}
}

// interceptor is a Log that calls a function right before, or right after, it is read
// the nth time.
type interceptor struct {
	Log
	reads         int
	before, after map[int]func()
	overstate     int // the reading that claims one event more than there is
}

func (m *interceptor) Replay(ctx context.Context, a session.Access, epoch string, after int64,
	most session.Span) (session.Replay, error) {
	m.reads++
	n := m.reads
	if do := m.before[n]; do != nil {
		do()
	}
	part, err := m.Log.Replay(ctx, a, epoch, after, most)
	if do := m.after[n]; do != nil {
		do()
	}
	if n == m.overstate {
		part.Session.LastSeq++
	}
	return part, err
}

// Whatever happens to a session, at whatever moment of a resume, the browser ends
// with what the session has.
func TestWhatHappensWhileResuming(t *testing.T) {
	t.Parallel()
	happens := map[string]func(t *testing.T, h *harness, key string){
		"nothing": func(*testing.T, *harness, string) {},
		"more words": func(t *testing.T, h *harness,
			key string) {
			h.answered(t, ann, key, "more", " words")
		},
		"reset": func(t *testing.T, h *harness, key string) { h.reset(t, key) },
		"reset, and more words": func(t *testing.T, h *harness, key string) {
			h.reset(t, key)
			h.answered(t, ann, key, "more", " words")
		},
		"deleted": func(t *testing.T, h *harness, key string) { h.delete(t, key) },
		"deleted, and opened anew": func(t *testing.T, h *harness, key string) {
			h.delete(t, key)
			h.answered(t, ann, key, "more", " words")
		},
		"deleted twice": func(t *testing.T, h *harness, key string) {
			h.delete(t, key)
			h.send(t, ann, key, "again")
			h.delete(t, key)
		},
		"folded": func(t *testing.T, h *harness, _ string) { h.compact(t) },
	}
	// Resume reads first, before the answer; the replay's readings follow.
	const between = "between"
	moments := []string{"before 1", "after 1", between, "before 2", "after 2", "before 3", "after 3"}
	begins := map[string]func(t *testing.T, h *harness, key string){
		"up to date": func(*testing.T, *harness, string) {},
		"behind": func(t *testing.T, h *harness,
			key string) {
			h.answered(t, ann, key, "an", " answer")
		},
		"long behind": func(t *testing.T, h *harness, key string) {
			h.answered(t, ann, key, slices.Repeat([]string{"word "}, 2*batchFrames)...)
		},
	}
	store := openStore(t)
	for what, happen := range happens {
		for _, moment := range moments {
			for begin, behind := range begins {
				for _, who := range []session.Caller{ann, root} {
					replaying := strings.HasSuffix(moment, "2") || strings.HasSuffix(moment, "3")
					if begin == "long behind" && !replaying || who == root && begin != "up to date" {
						continue // another case covers it
					}
					key := strings.NewReplacer(" ", "_", ",",
						"").Replace(fmt.Sprint(what, ":", moment, ":", begin, ":", who.UserID))
					t.Run(key, func(t *testing.T) {
						t.Parallel()
						h := harnessOn(store)
						h.answered(t, ann, key, "first", " answer")
						b := h.browser(who, what != "folded")
						b.load(t, key)
						behind(t, h, key)
						do := sync.OnceFunc(func() { happen(t, h, key) })
						b.connectBy(t, intercept(h, moment, do), func() {
							if moment == between {
								do()
							}
						})
						b.catchUp(t)
						do()
						b.catchUp(t)
						b.mend(t)
						agrees(t, b, key)
						b.lose()
						h.Wait()
					})
				}
			}
		}
	}
}

// intercept gives a Log that calls do at the moment, as "before 2".
func intercept(log Log, moment string, do func()) *interceptor {
	m := &interceptor{Log: log, before: map[int]func(){}, after: map[int]func(){}}
	when, nth, _ := strings.Cut(moment, " ")
	switch n, _ := strconv.Atoi(nth); when {
	case "before":
		m.before[n] = do
	case "after":
		m.after[n] = do
	}
	return m
}

// agrees fails unless the browser shows what the session has, or nothing if there is
// no such session.
func agrees(t *testing.T, b *browser, key string) {
	t.Helper()
	_, err := b.h.Find(t.Context(), root.To(key))
	switch known := b.known[key] != nil; {
	case err == nil && !known && b.who == root:
		// An admin does not follow a session that was deleted and created again.
	case err == nil:
		b.same(t, key)
	case known:
		t.Error("a deleted session is still shown")
	}
}

// A client with a cursor in a session that does not exist yet gets the session from
// its first event on, whenever it is created.
func TestResumeBeforeTheSessionExists(t *testing.T) {
	t.Parallel()
	for _, moment := range []string{"before 1", "after 1", "between", "before 2", "after 2", "later"} {
		h := newHarness(t)
		b := h.browser(ann, false)
		b.known["k"] = timeline.New("k")
		do := sync.OnceFunc(func() { h.answered(t, ann, "k", "an", " answer") })
		b.connectBy(t, intercept(h, moment, do), func() {
			if moment == "between" {
				do()
			}
		})
		b.catchUp(t)
		do()
		b.catchUp(t)
		b.mend(t)
		if b.known["k"] == nil || b.last["k"].seq != b.known["k"].Cursor().AfterSeq {
			t.Fatalf("%s: the session is shown as %v", moment, b.known["k"])
		}
		b.same(t, "k")
		b.lose()
		h.Wait()
	}
}

// A member is sent nothing before the answer to its connect request.
func TestNothingComesBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	h.send(t, root, "k", "question")
	b := h.browser(root, false)
	b.load(t, "k")
	b.connectBy(t, h, func() { // which fails if a frame has come
		h.send(t, root, "k", "question")
		h.send(t, root, "other", "question")
		h.SendToAll(protocol.EventShutdown, &protocol.Shutdown{})
		h.SendToAdmins(protocol.EventShutdown, &protocol.Shutdown{})
		h.Tick()
	})
	b.catchUp(t)
	b.same(t, "k")
	if n := b.socket.count(); n != 1 {
		t.Errorf("%d frames came after it, want the one of the session that was resumed", n)
	}
	b.lose()
	h.Wait()
}

// blockingPublisher publishes nothing until open is closed.
type blockingPublisher struct {
	session.Publisher
	reached, open chan struct{}
}

func (g *blockingPublisher) Publish(e session.Event) {
	g.reached <- struct{}{}
	<-g.open
	g.Publisher.Publish(e)
}

// An event that a replay reads from the log before it is published is sent once.
func TestReplayedBeforePublished(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*harness){
		"a message": func(h *harness) { h.send(t, ann, "k", "question") },
		"a reset":   func(h *harness) { h.reset(t, "k") },
		"the end":   func(h *harness) { h.delete(t, "k") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := openStore(t)
			h := harnessOn(store)
			h.answered(t, ann, "k", "an", " answer")
			b := h.browser(ann, false)
			b.load(t, "k")
			h.send(t, ann, "k", "one behind")
			g := &blockingPublisher{h.Hub, make(chan struct{}), make(chan struct{})}
			slow := &harness{Hub: h.Hub, Service: session.New(store, g, setting.Fixed(session.Settings{}))}
			changed := make(chan struct{})
			entered := make(chan struct{})
			go func() {
				defer close(changed)
				<-entered
				change(slow)
			}()
			// The change is committed right after Resume has read the log, and published
			// when the replay has sent all that is in the log.
			b.connectBy(t, slow, func() {
				close(entered)
				<-g.reached
			})
			b.catchUp(t)
			had := b.last["k"]
			close(g.open)
			<-changed
			b.catchUp(t)
			if b.last["k"] != had {
				t.Errorf("the browser had %+v and got %+v", had, b.last["k"])
			}
			go func() { // live events are sent again
				for range g.reached {
				}
			}()
			slow.send(t, ann, "k", "question")
			slow.send(t, ann, "k", "question")
			close(g.reached)
			b.catchUp(t)
			b.mend(t)
			b.same(t, "k")
			b.lose()
			h.Wait()
		})
	}
}

// A replay goes at the pace of its reader: what is queued is bounded, however much is
// missing and whatever is published meanwhile; other sessions do not wait for it.
func TestReplayAtTheReadersPace(t *testing.T) {
	t.Parallel()
	for _, html := range []bool{false, true} {
		t.Run(fmt.Sprint("html=", html), func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			h.send(t, ann, "k", "question")
			h.send(t, ann, "other", "question")
			b := h.browser(ann, html)
			b.load(t, "k")
			b.load(t, "other")
			run, other := h.begin(t, "k"), h.begin(t, "other")
			for range 100 {
				h.say(t, run, "- some ", "words", " of a ", "long *list*\n", "- and\n", "- so", " on\n", "\n",
					"and *so*\n\n", "on", "\n\n")
			}
			b.connect(t)
			const most = 2 * batchBytes // the last frame of a batch is a large list
			for n := 0; ; n++ {
				h.say(t, run, "- more\n")
				if n%10 == 0 {
					h.say(t, other, "other words ")
				}
				got := b.read(t, 50)
				if bytes := b.socket.peak(); bytes > most {
					t.Fatalf("%d bytes were queued", bytes)
				}
				if n == 0 && got > batchFrames {
					t.Fatalf("%d frames were queued", got)
				}
				if n > 50 && !b.replaying() {
					break
				}
			}
			h.finish(t, run, session.RunCompleted)
			h.finish(t, other, session.RunCompleted)
			b.catchUp(t)
			if b.gaps() > 0 {
				t.Error("something is missing")
			}
			b.same(t, "k")
			b.same(t, "other")
			b.lose()
			h.Wait()
		})
	}
}

// failing is a Log that cannot be read the first times.
type failing struct {
	Log
	times int
	reads int
}

var errDisk = errors.New("the disk is gone")

func (f *failing) Replay(ctx context.Context, a session.Access, epoch string, after int64,
	most session.Span) (session.Replay, error) {
	if most == probe {
		return f.Log.Replay(ctx, a, epoch, after, most)
	}
	if f.reads++; f.reads <= f.times {
		return session.Replay{}, errDisk
	}
	return f.Log.Replay(ctx, a, epoch, after, most)
}

// A log that cannot be read is tried again; after readAttempts the client has to
// connect again.
func TestReplayThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, times := range []int{1, readAttempts - 1, readAttempts} {
		t.Run(fmt.Sprint(times), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t)
				h.answered(t, ann, "k", "an", " answer")
				b := h.browser(ann, false)
				b.known["k"] = timeline.New("k")
				begin := time.Now()
				b.connectBy(t, &failing{Log: h, times: times}, func() {})
				for b.socket.err() == nil && b.read(t, 100) == 0 {
					time.Sleep(10 * time.Millisecond)
				}
				took := time.Since(begin)
				if gaveUp := b.socket.err(); (times == readAttempts) != errors.Is(gaveUp, errDisk) {
					t.Errorf("after %d failures: %v", times, gaveUp)
				} else if gaveUp != nil && (took < 6*time.Second || took > 7*time.Second) {
					t.Errorf("given up after %v", took)
				} else if gaveUp == nil {
					b.catchUp(t)
					b.same(t, "k")
				}
				b.lose()
				h.Wait()
			})
		})
	}
}

// If the store fails while the cursors are checked, the member does not join.
func TestResumeWithoutAStore(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	b := h.browser(root, false)
	b.newMember()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := h.Resume(ctx, h, b.member, []protocol.Cursor{{SessionKey: "k"}}); err == nil {
		t.Error("the member has joined")
	}
	if h.Len() != 0 || len(h.watchers) != 0 {
		t.Errorf("%d members", h.Len())
	}
}

// A replay ends when its member leaves and when its connection takes no more frames,
// whatever it waits for.
func TestReplayEndsWithItsConnection(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*harness, *browser){
		"left":              func(h *harness, b *browser) { h.Leave(b.member) },
		"broken":            func(_ *harness, b *browser) { b.socket.cut() },
		"left, then broken": func(h *harness, b *browser) { h.Leave(b.member); b.socket.cut() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t)
			b := h.browser(ann, true)
			for i := range 3 {
				key := fmt.Sprint("k", i)
				h.send(t, ann, key, "question")
				b.load(t, key)
				run := h.begin(t, key)
				for range 200 {
					h.say(t, run, "- some ", "words", " of a ", "long *list*\n")
				}
			}
			b.connect(t)
			for b.read(t, 1) == 0 { // until it is under way and waits for the reader
			}
			end(h, b)
			h.Wait()
			if b.socket.err() != nil {
				t.Errorf("given up: %v", b.socket.err())
			}
			h.send(t, ann, "k0", "question")
			h.Leave(b.member)
		})
	}
}
