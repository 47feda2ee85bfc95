package hub

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/gatehouse-chat/gatehouse/server/internal/present/presenttest"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Everything that can happen to sessions happens, while browsers read slowly, lose
// their connection at any moment and resume. Each connection gets each session's log
// from the cursor on, without a gap and without a repeat; and in the end every
// browser shows what the history has.
func TestEveryBrowserConverges(t *testing.T) {
	t.Parallel()
	store := openStore(t)
	var run atomic.Int64
	rapid.Check(t, func(t *rapid.T) {
		w := &world{h: harnessOn(store), prefix: fmt.Sprint("s", run.Add(1), "-"),
			running: map[string]session.StartedRun{}, written: map[string]int{}}
		for i := range 4 {
			w.browsers = append(w.browsers, w.h.browser([]session.Caller{ann, ann, ann, root}[i], i%2 == 0))
			w.browsers[i].connect(t)
		}
		defer w.h.Wait()
		defer func() {
			for _, b := range w.browsers {
				b.lose()
			}
		}()
		t.Repeat(w.actions())
		w.end(t)
	})
}

// world is the state of one run of the property.
type world struct {
	h        *harness
	prefix   string
	sessions []string
	running  map[string]session.StartedRun // by session
	written  map[string]int                // bytes, by run
	browsers []*browser
}

// say appends to an answer, unless the answer is long: to format long ones is slow.
func (w *world) say(t *rapid.T, b session.StartedRun, words []string) {
	w.written[b.Run.ID] += session.EncodedLen(strings.Join(words, ""))
	if w.written[b.Run.ID] < 30<<10 {
		w.h.say(t, b, words...)
	}
}

func (w *world) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"say": w.onRunning(func(t *rapid.T, b session.StartedRun) {
			for range rapid.IntRange(1, 15).Draw(t, "times") {
				w.say(t, b, rapid.SliceOfN(rapid.SampledFrom(presenttest.ShortFragments()), 1, 8).Draw(t,
					"words"))
			}
		}),
		"say much": w.onRunning(func(t *rapid.T, b session.StartedRun) {
			w.say(t, b, slices.Repeat([]string{rapid.SampledFrom([]string{"word ", "- item\n",
				"a\n\n"}).Draw(t, "word")}, 300))
		}),
		"finish": w.onRunning(func(t *rapid.T, b session.StartedRun) {
			w.h.finish(t, b, rapid.SampledFrom([]session.RunStatus{
				session.RunCompleted, session.RunFailed, session.RunCancelled}).Draw(t, "how"))
			delete(w.running, b.Key)
		}),
		"open": func(t *rapid.T) {
			if key := w.prefix + fmt.Sprint(len(w.sessions)); len(w.sessions) < 4 {
				w.h.send(t, ann, key, "question")
				w.sessions = append(w.sessions, key)
			}
		},
		"begin": w.onSession(func(t *rapid.T, key string) {
			if _, runs := w.running[key]; !runs {
				w.h.send(t, ann, key, "question")
				w.running[key] = w.h.begin(t, key)
			}
		}),
		"note": w.onSession(func(t *rapid.T, key string) {
			id, err := w.h.Inject(t.Context(), root.To(key), "a *note*", "")
			must(t, id, err)
		}),
		"reset": w.seldom(func(t *rapid.T, key string) {
			w.h.reset(t, key)
			delete(w.running, key)
		}),
		"delete": w.seldom(func(t *rapid.T, key string) {
			w.h.delete(t, key)
			delete(w.running, key)
			if rapid.Bool().Draw(t, "and open it anew") {
				w.h.send(t, ann, key, "question")
			} else {
				w.sessions = slices.DeleteFunc(w.sessions, func(k string) bool { return k == key })
			}
		}),
		"compact": w.seldom(func(t *rapid.T, _ string) {
			w.h.compact(t)
		}),
		"tick": func(t *rapid.T) { w.h.Tick() },
		"show": w.onBrowser(func(t *rapid.T, b *browser) {
			if len(w.sessions) > 0 && b.member != nil {
				key := rapid.SampledFrom(w.sessions).Draw(t, "session")
				if b.who == root {
					w.watch(t, b, key)
				} else {
					b.read(t, 1<<30) // the client reads the frames before the answer
					b.load(t, key)
				}
			}
		}),
		"read": w.onBrowser(func(t *rapid.T, b *browser) {
			b.read(t, rapid.IntRange(1, 300).Draw(t, "frames"))
		}),
		"lose": w.onBrowser(func(t *rapid.T, b *browser) { b.lose() }),
		"resume": w.onBrowser(func(t *rapid.T, b *browser) {
			b.lose()
			b.connect(t)
		}),
	}
}

// watch makes an admin's browser watch a session from the last event that it has.
func (w *world) watch(t *rapid.T, b *browser, key string) {
	b.catchUp(t)
	shown := b.known[key]
	if shown == nil {
		b.load(t, key)
		shown = b.known[key]
	}
	after := shown.Cursor().AfterSeq
	at, open, err := w.h.Watch(t.Context(), w.h, b.member, key, shown.Cursor().Epoch, &after)
	must(t, at, err)
	if at.Status == protocol.ResumeReset {
		delete(b.known, key)
		b.load(t, key)
	}
	open()
}

func (w *world) onSession(do func(*rapid.T, string)) func(*rapid.T) {
	return func(t *rapid.T) {
		if len(w.sessions) > 0 {
			do(t, rapid.SampledFrom(w.sessions).Draw(t, "session"))
		}
	}
}

func (w *world) seldom(do func(*rapid.T, string)) func(*rapid.T) {
	return w.onSession(func(t *rapid.T, key string) {
		if rapid.IntRange(0, 3).Draw(t, "really") == 0 {
			do(t, key)
		}
	})
}

func (w *world) onRunning(do func(*rapid.T, session.StartedRun)) func(*rapid.T) {
	return w.onSession(func(t *rapid.T, key string) {
		if b, ok := w.running[key]; ok {
			do(t, b)
		}
	})
}

func (w *world) onBrowser(do func(*rapid.T, *browser)) func(*rapid.T) {
	return func(t *rapid.T) {
		do(t, w.browsers[rapid.IntRange(0, len(w.browsers)-1).Draw(t,
			"browser")])
	}
}

// gaps counts the sessions in which the browser misses an event.
func (b *browser) gaps() (n int) {
	for _, shown := range b.known {
		if _, open := shown.Gap(); open {
			n++
		}
	}
	return n
}

// end connects all browsers again and compares them with the history.
func (w *world) end(t *rapid.T) {
	for _, b := range w.browsers {
		if b.member == nil {
			b.connect(t)
		}
	}
	for key, run := range w.running {
		w.h.say(t, run, "the end")
		w.h.finish(t, run, session.RunCompleted)
		delete(w.running, key)
	}
	for _, b := range w.browsers {
		b.catchUp(t)
		b.mend(t)
		for key := range b.known {
			b.same(t, key)
		}
	}
}

// Sessions are written all the time and reset now and then, while browsers connect
// and disconnect.
func TestResumeWhileEverybodyWrites(t *testing.T) {
	t.Parallel()
	h := newHarness(t)
	const sessions, rounds = 3, 8
	for n := range sessions {
		h.send(t, ann, fmt.Sprint("k", n), "question")
	}
	var writing, reading sync.WaitGroup
	written := make(chan struct{})
	for n := range sessions {
		writing.Go(func() {
			key := fmt.Sprint("k", n)
			for round := range rounds {
				run := h.begin(t, key)
				for range 20 {
					h.say(t, run, "- some", " *words*\n", "\n\n")
				}
				h.finish(t, run, session.RunCompleted)
				if round%4 == n {
					h.reset(t, key)
				}
				h.send(t, ann, key, "question")
			}
		})
	}
	browsers := []*browser{h.browser(ann, true), h.browser(ann, false), h.browser(root, true),
		h.browser(ann, true)}
	for i, b := range browsers {
		for n := range sessions {
			b.load(t, fmt.Sprint("k", n))
		}
		reading.Go(func() {
			for stay := 1; ; stay = stay%7 + 1 {
				b.connect(t)
				for range stay * 5 * (i + 1) {
					b.read(t, stay*10)
					runtime.Gosched()
				}
				b.mend(t)
				b.lose()
				select {
				case <-written:
					return
				default:
				}
			}
		})
	}
	writing.Wait()
	close(written)
	reading.Wait()
	for _, b := range browsers {
		b.connect(t)
		b.catchUp(t)
		b.mend(t)
		for n := range sessions {
			b.same(t, fmt.Sprint("k", n))
		}
		b.lose()
	}
	h.Wait()
}
