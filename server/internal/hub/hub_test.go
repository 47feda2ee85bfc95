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
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/timeline"
)

func TestWhoIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, testWhoIsTold) // in which no admin.changed comes due
}

func testWhoIsTold(t *testing.T) {
	h := New()
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
		h.Join(m) // once is enough
	}
	told := func(what string, want ...string) {
		t.Helper()
		for name, box := range boxes {
			n := 0
			for _, w := range want {
				if w == name {
					n = 1
				}
			}
			if got := len(box.take()); got != n {
				t.Errorf("%s: %s was told %d times, want %d", what, name, got, n)
			}
		}
	}
	log := newLog("k", "ann")
	h.Publish(log.updated(protocol.SessionPatched))
	told("ann's session", "annphone", "annlaptop")
	h.Publish(newLog("k", "nobody").updated(protocol.SessionPatched))
	told("nobody's session")
	h.ToAll(protocol.EventShutdown, &protocol.Shutdown{})
	told("all", "annphone", "annlaptop", "bentablet", "root")
	h.ToAdmins(protocol.EventShutdown, &protocol.Shutdown{})
	told("admins", "root")

	if h.Len() != 4 || len(h.Members()) != 4 {
		t.Errorf("%d members, %d listed", h.Len(), len(h.Members()))
	}
	h.Leave(members["annphone"])
	h.Leave(members["annphone"])
	h.Leave(&Member{UserID: "ann"})
	h.Publish(log.updated(protocol.SessionPatched))
	told("ann's session, the phone gone", "annlaptop")
	for _, m := range members {
		h.Leave(m)
	}
	h.Publish(log.updated(protocol.SessionPatched))
	h.ToAll(protocol.EventShutdown, &protocol.Shutdown{})
	told("with nobody there")
	if h.Len() != 0 || len(h.byUser) != 0 {
		t.Errorf("what is left: %d members, %d users", h.Len(), len(h.byUser))
	}
}

// life is one of each event that a session has.
func life(log *log) []session.Event {
	return []session.Event{
		log.updated(protocol.SessionCreated), log.said(protocol.FromUser, "*Hi*"), log.said(protocol.FromSystem, "*note*"),
		log.start("r"), log.agent(protocol.RunActivity, "r", &protocol.Activity{Phase: "thinking"}),
		log.agent(protocol.RunThinking, "r", &protocol.TextPayload{Content: "hm"}),
		log.chunk("*We"), log.chunk("ll*\n\n```go\nfunc"), log.chunk(" main() {}\n```\n"), log.end(protocol.RunCompleted),
		log.start("s"), log.chunk("*part"), log.end(protocol.RunFailed),
		log.start("t"), log.end(protocol.RunCancelled),
		log.start("u"), log.chunk("x"), log.updated(protocol.SessionReset),
	}
}

// However many follow, an event is encoded once for those who take formatted
// text and once for the others, and only once if that is the same.
func TestEventsAreEncodedOnceAForm(t *testing.T) {
	t.Parallel()
	h := New()
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
	for _, e := range life(newLog("k", "ann")) {
		h.Publish(e)
		p, f := one(plain), one(formatted)
		if bytes.Contains(p, []byte(`"html"`)) {
			t.Errorf("who takes no formatted text got %s", payload(p))
		}
		want := protocol.AppendEvent(nil, e.Name, e.Payload, e.Seq)
		if !bytes.Equal(payload(p), want) {
			t.Errorf("sent %s, want %s", payload(p), want)
		}
		if formatted := bytes.Contains(f, []byte(`"html"`)); formatted == (unsafe.SliceData(p) == unsafe.SliceData(f)) {
			t.Errorf("with formatted text: %v; encoded twice: %v", formatted, !formatted)
		} else if formatted {
			both++
		}
	}
	if both != 9 {
		t.Errorf("%d events have formatted text, want 9", both)
	}
}

// A queued run that is taken back ends no answer but its own.
func TestAnotherRunsEnd(t *testing.T) {
	t.Parallel()
	h := New()
	log := newLog("k", "ann")
	r := newReader("ann", true)
	r.shown = timeline.New("k")
	r.shown.Load(log.history())
	h.Join(r.member)
	for _, e := range []session.Event{log.start("r"), log.chunk("*one*\n\n"),
		log.agent(protocol.RunCancelled, "queued", &protocol.RunCancelledPayload{}), log.chunk("*two*"), log.end(protocol.RunCompleted)} {
		h.Publish(e)
	}
	converged(t, r, "*one*\n\n*two*")
}

// stuck is a connection whose Send does not return until it may.
type stuck struct {
	nobody
	in, out chan struct{}
}

func (s stuck) Send(conn.Prepared) bool {
	s.in <- struct{}{}
	<-s.out
	return true
}

// Nobody who joins or leaves waits for an event that is on its way.
func TestJoiningDoesNotWait(t *testing.T) {
	t.Parallel()
	h := New()
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

// Events of several sessions at once, with members that come and go: each has
// every event of a session from the first one it sees on, in order, until it
// leaves.
func TestOrderWhileMembersComeAndGo(t *testing.T) {
	t.Parallel()
	h := New()
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
				check(t, box.take(), 0)
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
		check(t, box.take(), sessions*events)
	}
}

// check fails unless the frames have each session's events in order and without
// a gap, and, if it is not 0, are so many.
func check(t *testing.T, frames [][]byte, want int) {
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

// nobody is a connection that loses what it is sent.
type nobody struct{}

func (nobody) Send(conn.Prepared) bool       { return true }
func (nobody) Flushed(context.Context) error { return nil }
func (nobody) GiveUp(error)                  {}

// One piece of an answer on its way to so many followers; what their sockets
// cost is not in it.
func BenchmarkPublish(b *testing.B) {
	const piece = "Some *words* of an answer with `code` in it, "
	for _, form := range []string{"plain", "html"} {
		for _, followers := range []int{1, 100, 1000} {
			b.Run(fmt.Sprintf("%s/followers=%d", form, followers), func(b *testing.B) {
				h := New()
				for range followers {
					h.Join(&Member{Sender: nobody{}, UserID: "ann", HTML: form == "html"})
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
