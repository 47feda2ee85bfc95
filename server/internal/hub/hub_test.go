package hub

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"unsafe"

	"github.com/gatehouse-chat/gatehouse/server/internal/conn"
	"github.com/gatehouse-chat/gatehouse/server/internal/present"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/timeline"
)

func TestPublishReachesFollowers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, testPublishReachesFollowers) // the clock stands: no admin.changed is sent
}

func testPublishReachesFollowers(t *testing.T) {
	h := New(present.NewFormatter())
	boxes := map[string]*inbox{}
	members := map[string]*Member{}
	for name, m := range map[string]*Member{
		"annphone":  {UserID: "ann", Role: protocol.Operator},
		"annlaptop": {UserID: "ann", Role: protocol.Viewer, HTML: true},
		"bentablet": {UserID: "ben", Role: protocol.Operator},
		"root":      {UserID: "root", Role: protocol.Admin},
	} {
		boxes[name] = &inbox{}
		m.Sender = boxes[name]
		members[name] = m
		h.Join(m)
		h.Join(m) // which changes nothing
	}
	reached := func(what string, want ...string) {
		t.Helper()
		for name, box := range boxes {
			n := 0
			for _, w := range want {
				if w == name {
					n = 1
				}
			}
			if got := len(box.take()); got != n {
				t.Errorf("%s: %s got %d frames, want %d", what, name, got, n)
			}
		}
	}
	log := newLog("k", "ann")
	h.Publish(log.updated(protocol.SessionPatched))
	reached("ann's session", "annphone", "annlaptop")
	h.Publish(newLog("k", "nobody").updated(protocol.SessionPatched))
	reached("nobody's session")
	h.SendToAll(protocol.EventShutdown, &protocol.Shutdown{})
	reached("all", "annphone", "annlaptop", "bentablet", "root")
	h.SendToAdmins(protocol.EventShutdown, &protocol.Shutdown{})
	reached("admins", "root")

	if h.Len() != 4 || len(h.Members()) != 4 {
		t.Errorf("%d members, %d listed", h.Len(), len(h.Members()))
	}
	h.Leave(members["annphone"])
	h.Leave(members["annphone"])
	h.Leave(&Member{UserID: "ann"})
	h.Publish(log.updated(protocol.SessionPatched))
	reached("ann's session, the phone gone", "annlaptop")
	for _, m := range members {
		h.Leave(m)
	}
	h.Publish(log.updated(protocol.SessionPatched))
	h.SendToAll(protocol.EventShutdown, &protocol.Shutdown{})
	reached("with nobody there")
	if h.Len() != 0 || len(h.byUser) != 0 {
		t.Errorf("left: %d members, %d users", h.Len(), len(h.byUser))
	}
}

// allKinds gives one event of each kind that a session has.
func allKinds(log *log) []session.Event {
	return []session.Event{
		log.updated(protocol.SessionCreated), log.message(protocol.FromUser, "*Hi*"),
		log.message(protocol.FromSystem, "*note*"),
		log.start("r"), log.agent(protocol.RunActivity, "r", &protocol.Activity{Phase: "thinking"}),
		log.agent(protocol.RunThinking, "r", &protocol.TextPayload{Content: "hm"}),
		log.chunk("*We"), log.chunk("ll*\n\n```go\nfunc"), log.chunk(" main() {}\n```\n"),
		log.end(protocol.RunCompleted),
		log.start("s"), log.chunk("*part"), log.end(protocol.RunFailed),
		log.start("t"), log.end(protocol.RunCancelled),
		log.start("u"), log.chunk("x"), log.updated(protocol.SessionReset),
	}
}

// Whatever the number of members, an event is encoded once with formatted text and
// once without, and only once in all if the two are the same.
func TestEventsAreEncodedOnceAForm(t *testing.T) {
	t.Parallel()
	h := New(present.NewFormatter())
	var plain, formatted []*inbox
	for i := range 40 {
		box := &inbox{}
		h.Join(&Member{Sender: box, UserID: "ann", HTML: i%2 == 0})
		if i%2 == 0 {
			formatted = append(formatted, box)
		} else {
			plain = append(plain, box)
		}
	}
	one := func(boxes []*inbox) []byte {
		var first []byte
		for _, box := range boxes {
			frames := box.take()
			if len(frames) != 1 {
				t.Fatalf("an event came as %d frames", len(frames))
			}
			if first == nil {
				first = frames[0]
			}
			if unsafe.SliceData(frames[0]) != unsafe.SliceData(first) {
				t.Fatal("an event was encoded again")
			}
		}
		return first
	}
	both := 0
	for _, e := range allKinds(newLog("k", "ann")) {
		h.Publish(e)
		p, f := one(plain), one(formatted)
		if bytes.Contains(p, []byte(`"html"`)) {
			t.Errorf("a member that takes no formatted text got %s", payload(p))
		}
		want := protocol.AppendEvent(nil, e.Name, e.Payload, e.Seq)
		if !bytes.Equal(payload(p), want) {
			t.Errorf("sent %s, want %s", payload(p), want)
		}
		if formatted := bytes.Contains(f,
			[]byte(`"html"`)); formatted == (unsafe.SliceData(p) == unsafe.SliceData(f)) {
			t.Errorf("with formatted text: %v; encoded twice: %v", formatted, !formatted)
		} else if formatted {
			both++
		}
	}
	if both != 9 {
		t.Errorf("%d events have formatted text, want 9", both)
	}
}

// The end of a queued run that was cancelled does not end another run's answer.
func TestAnotherRunsEnd(t *testing.T) {
	t.Parallel()
	h := New(present.NewFormatter())
	log := newLog("k", "ann")
	r := newReader("ann", true)
	r.shown = timeline.New("k")
	r.shown.Load(log.history())
	h.Join(r.member)
	for _, e := range []session.Event{log.start("r"), log.chunk("*one*\n\n"),
		log.agent(protocol.RunCancelled, "queued", &protocol.RunCancelledPayload{}), log.chunk("*two*"),
		log.end(protocol.RunCompleted)} {
		h.Publish(e)
	}
	converged(t, r, "*one*\n\n*two*")
}

// stuck is a connection whose Send says that it was called, and returns when out is
// closed.
type stuck struct {
	discard
	in, out chan struct{}
}

func (s stuck) Send(conn.Prepared) bool {
	s.in <- struct{}{}
	<-s.out
	return true
}

// Join and Leave do not wait for an event that is being sent.
func TestJoiningDoesNotWait(t *testing.T) {
	t.Parallel()
	h := New(present.NewFormatter())
	s := stuck{in: make(chan struct{}), out: make(chan struct{})}
	first := &Member{Sender: s, UserID: "ann"}
	h.Join(first)
	done := make(chan struct{})
	go func() {
		h.Publish(newLog("k", "ann").updated(protocol.SessionPatched))
		close(done)
	}()
	<-s.in
	second := &Member{Sender: &inbox{}, UserID: "ann"}
	h.Join(second)
	h.Leave(first)
	h.Publish(newLog("other", "ann").updated(protocol.SessionPatched))
	close(s.out)
	<-done
}

// Events of several sessions are published at once while members join and leave. A
// member gets every event of a session from the first one it gets until it leaves,
// in order.
func TestOrderWhileMembersComeAndGo(t *testing.T) {
	t.Parallel()
	h := New(present.NewFormatter())
	const sessions, events = 4, 150
	var publishing, moving sync.WaitGroup
	stop := make(chan struct{})
	stay := []*inbox{{}, {}}
	for i, box := range stay {
		h.Join(&Member{Sender: box, UserID: "ann", HTML: i == 0})
	}
	for i := range 3 {
		moving.Go(func() {
			for {
				box := &inbox{}
				m := &Member{Sender: box, UserID: "ann", HTML: i == 0}
				h.Join(m)
				for range i * 10 {
					h.Len()
				}
				h.Leave(m)
				checkOrder(t, box.take(), 0)
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for i := range sessions {
		publishing.Go(func() {
			log := newLog(fmt.Sprint("session-", i), "ann")
			h.Publish(log.start("r"))
			for range events - 2 {
				h.Publish(log.chunk("some *words* "))
			}
			h.Publish(log.end(protocol.RunCompleted))
		})
	}
	publishing.Wait()
	close(stop)
	moving.Wait()
	for _, box := range stay {
		checkOrder(t, box.take(), sessions*events)
	}
}

// checkOrder fails unless the frames have each session's events in order and without
// a gap. If want is not 0, there must be that many frames.
func checkOrder(t *testing.T, frames [][]byte, want int) {
	last := map[string]int64{}
	for _, frame := range frames {
		f := decodeFrame(t, frame)
		var e protocol.AgentEvent
		if err := protocol.Decode(f.Payload, &e); err != nil {
			t.Error(err)
		}
		if before := last[e.SessionKey]; before != 0 && f.Seq != before+1 {
			t.Errorf("%s: event %d follows %d", e.SessionKey, f.Seq, before)
		}
		last[e.SessionKey] = f.Seq
	}
	if want != 0 && len(frames) != want {
		t.Errorf("%d frames, want %d", len(frames), want)
	}
}

// discard is a connection that drops every frame.
type discard struct{}

func (discard) Send(conn.Prepared) bool       { return true }
func (discard) Flushed(context.Context) error { return nil }
func (discard) GiveUp(error)                  {}

// The cost of publishing one chunk of an answer, without the sockets' part.
func BenchmarkPublish(b *testing.B) {
	const piece = "Some *words* of an answer with `code` in it, "
	for _, form := range []string{"plain", "html"} {
		for _, followers := range []int{1, 100, 1000} {
			b.Run(fmt.Sprintf("%s/followers=%d", form, followers), func(b *testing.B) {
				h := New(present.NewFormatter())
				for range followers {
					h.Join(&Member{Sender: discard{}, UserID: "ann", HTML: form == "html"})
				}
				log := newLog("k", "ann")
				answer := []session.Event{log.start("r")}
				for i := range 200 { // 9 KB in 20 paragraphs
					answer = append(answer, log.chunk(piece+strings.Repeat("\n\n", (i%10)/9)))
				}
				answer = append(answer, log.end(protocol.RunCompleted))
				b.ReportAllocs()
				b.ResetTimer()
				for i := range b.N {
					h.Publish(answer[i%len(answer)])
				}
			})
		}
	}
}
