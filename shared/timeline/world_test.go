package timeline

import (
	"slices"
	"strconv"
	"testing"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"pgregory.net/rapid"
)

// world simulates a session at a gateway, and a client that follows it over one connection
// after another. What happens is random; what the client does follows from the Timeline
// alone.
type world struct {
	t *rapid.T

	// The gateway.
	logs map[string]*gateway // by epoch
	log  *gateway            // nil while the session does not exist
	era  int                 // counts its logs, and its deletions

	// The connection: events come in their order, save where the world says
	// otherwise; answers come whenever they like, but not before the events of a
	// log that was over when they were made.
	up        bool
	events    []wireEvent
	questions []func() // for the gateway to answer
	answers   []func() // for the client to take
	ticked    int64    // a tick that was made, and not sent yet; 0: none

	// The client.
	tl      *Timeline
	loaded  bool
	asking  bool // for the history or a replay
	earlier bool // for an older page
	asked   int  // questions in all
	limit   int  // messages of a page
	most    int  // events of a replay's page
}

// wireEvent is an event in transit; a tick has no name.
type wireEvent struct {
	Event
	era int
}

func newWorld(t *rapid.T) *world {
	w := &world{
		t: t, logs: map[string]*gateway{}, up: true, tl: New(testKey),
		limit: rapid.IntRange(1, 6).Draw(t, "page of messages"),
		most:  rapid.IntRange(1, 6).Draw(t, "page of events"),
	}
	w.create()
	return w
}

// create begins a new log and announces it to the session's followers.
func (w *world) create() {
	epoch := "e" + strconv.Itoa(len(w.logs)+1)
	w.log = newGateway(epoch, rapid.Bool().Draw(w.t, "html"))
	w.log.parts = rapid.Bool().Draw(w.t, "pages part groups")
	w.logs[epoch] = w.log
	w.era++
	w.publish(0)
}

// publish sends the events after a seq.
func (w *world) publish(after int64) {
	for _, e := range w.log.log[after:] {
		w.send(e)
	}
}

func (w *world) send(e Event) {
	if w.up {
		w.events = append(w.events, wireEvent{e, w.era})
	}
}

// live does a random action at the gateway.
func (w *world) live() {
	switch op := rapid.IntRange(0, 39).Draw(w.t, "gateway"); {
	case w.log == nil:
		w.create()
	case op == 0:
		w.create() // a reset
	case op == 1:
		u := protocol.SessionUpdated{SessionKey: testKey, Change: protocol.SessionDeleted}
		w.log = nil
		w.era++
		w.send(Event{Name: protocol.EventSessionUpdated, Payload: u.AppendJSON(nil)})
	case op < 5:
		w.log.compact()
	case op < 8:
		w.ticked = w.log.lastSeq()
	default:
		last := w.log.lastSeq()
		w.log.live(w.t)
		w.publish(last)
	}
}

// network does a random action of the network.
func (w *world) network() {
	if !w.up {
		w.connect()
		return
	}
	switch op := rapid.IntRange(0, 29).Draw(w.t, "network"); {
	case op == 0:
		w.cut()
	case op == 1 && w.ticked > 0:
		w.events = append(w.events, wireEvent{Event: Event{Seq: w.ticked}})
		w.ticked = 0
	case op == 2:
		w.lose()
	case op == 3:
		w.swap()
	case op == 4 && len(w.events) > 0 && w.events[0].Seq > 1:
		w.take(w.events[0]) // and once more
	case op < 14 && len(w.questions) > 0:
		pop(w.t, &w.questions)()
	case op < 20 && len(w.answers) > 0:
		pop(w.t, &w.answers)()
	default:
		w.deliver(rapid.IntRange(1, 5).Draw(w.t, "events"))
	}
}

func pop(t *rapid.T, list *[]func()) func() {
	i := rapid.IntRange(0, len(*list)-1).Draw(t, "which")
	f := (*list)[i]
	*list = slices.Delete(*list, i, i+1)
	return f
}

// lose drops an event, but never one that begins or ends a log: those are lost
// with their connection only.
func (w *world) lose() {
	if len(w.events) == 0 {
		return
	}
	i := rapid.IntRange(0, len(w.events)-1).Draw(w.t, "lost")
	if w.events[i].Seq > 1 {
		w.events = slices.Delete(w.events, i, i+1)
	}
}

// swap changes the order of two events of one log.
func (w *world) swap() {
	if len(w.events) < 2 {
		return
	}
	i := rapid.IntRange(0, len(w.events)-2).Draw(w.t, "swapped")
	if a, b := w.events[i], w.events[i+1]; a.era == b.era && a.Seq > 1 && b.Seq > 1 {
		w.events[i], w.events[i+1] = b, a
	}
}

// cut loses everything in transit, in both directions.
func (w *world) cut() {
	w.up, w.events, w.questions, w.answers, w.ticked = false, nil, nil, nil, 0
	w.asking, w.earlier = false, false
}

// connect opens a new connection and resumes.
func (w *world) connect() {
	w.up = true
	c := w.tl.Cursor()
	if w.tl.Stale() || c.Epoch == "" {
		return
	}
	w.loaded = true
	switch {
	case w.log == nil:
		w.tl.Resumed(protocol.ResumedCursor{SessionKey: testKey, Status: protocol.ResumeGone})
	default:
		r := w.log.resume(c)
		w.tl.Resumed(r)
		if r.Status == protocol.ResumeLive {
			w.publish(c.AfterSeq)
		}
	}
}

func (w *world) deliver(n int) {
	for range min(n, len(w.events)) {
		e := w.events[0]
		w.events = w.events[1:]
		w.take(e)
	}
}

func (w *world) take(e wireEvent) {
	if e.Name == "" {
		w.tl.Tick(e.Seq)
		return
	}
	applyNew(w.t, w.tl, e.Event)
}

// ask makes the client's next request, if it needs one and none is pending.
func (w *world) ask() {
	after, gap := w.tl.Gap()
	switch {
	case !w.up:
	case w.asking:
	case !w.loaded || w.tl.Stale():
		w.question(&w.asking, w.history)
	case gap:
		w.question(&w.asking, func() func() { return w.replay(w.tl.Cursor().Epoch, after) })
	}
}

func (w *world) question(asking *bool, answer func() func()) {
	*asking = true
	w.asked++
	w.questions = append(w.questions, func() {
		take := answer()
		era := w.era
		w.answers = append(w.answers, func() {
			w.deliverBefore(era)
			*asking = false
			take()
		})
	})
}

// deliverBefore delivers what is left of the logs before an era.
func (w *world) deliverBefore(era int) {
	n := 0
	for i, e := range w.events {
		if e.Name != "" && e.era < era {
			n = i + 1
		}
	}
	w.deliver(n)
}

// history answers chat.history.
func (w *world) history() func() {
	if w.log == nil {
		return func() { w.loaded = false }
	}
	h := w.log.history(w.log.lastSeq(), 0, w.limit)
	return func() { w.loaded = w.tl.Load(h) }
}

// replay answers chat.replay.
func (w *world) replay(epoch string, after int64) func() {
	if w.log == nil {
		return func() { w.loaded = false }
	}
	r := w.log.since(epoch, after, w.most)
	return func() { w.tl.Replay(r) }
}

// askEarlier asks for the page before the first message.
func (w *world) askEarlier() {
	before, more := w.tl.Oldest()
	if !w.up || w.earlier || !w.loaded || !more {
		return
	}
	w.question(&w.earlier, func() func() {
		if w.log == nil {
			return func() {}
		}
		page := w.log.history(w.log.lastSeq(), before, w.limit)
		return func() { w.tl.Prepend(before, page) }
	})
}

// check verifies the invariant: a complete transcript equals the gateway's at that event.
func (w *world) check() {
	at := w.tl.Cursor()
	ahead := func(m *Message) bool { return m.through > at.AfterSeq } // of a page that was newer
	if _, more := w.tl.Oldest(); !w.loaded || w.tl.Stale() || more || slices.ContainsFunc(w.tl.Messages(), ahead) {
		return
	}
	log := w.logs[at.Epoch]
	if log == nil {
		w.t.Fatalf("the transcript is of the log %q, which never was", at.Epoch)
	}
	same(w.t, w.tl, log, at.AfterSeq)
	sameBlocks(w.t, w.tl)
	checkDerived(w.t, w.tl)
}

// settle delivers everything in order, and a tick. Then the client must reach the end of the
// log by itself, and stop asking.
func (w *world) settle() {
	if !w.up {
		w.connect()
	}
	if w.log == nil {
		w.create()
	}
	w.events = append(w.events, wireEvent{Event: Event{Seq: w.log.lastSeq()}})
	pages := len(w.log.log)/w.most + len(w.log.states[w.log.lastSeq()])/w.limit
	asked := w.asked
	for idle := false; !idle; {
		w.deliver(len(w.events))
		w.ask()
		w.askEarlier()
		idle = len(w.questions) == 0 && len(w.answers) == 0
		for len(w.questions)+len(w.answers) > 0 {
			if len(w.answers) > 0 {
				pop(w.t, &w.answers)()
			} else {
				pop(w.t, &w.questions)()
			}
			w.check()
		}
		// What was under way, a log that was left, one that was too old, its pages.
		if n := w.asked - asked; n > 6+2*pages {
			w.t.Fatalf("%d questions, and no end", n)
		}
	}
	if _, gap := w.tl.Gap(); !w.loaded || w.tl.Stale() || gap {
		w.t.Fatalf("loaded %v, stale %v, gap %v, and nothing is asked for", w.loaded, w.tl.Stale(), gap)
	}
}

// Whatever happens on the way, and at the gateway meanwhile, a client that
// resumes, loads and replays as its Timeline says ends with the gateway's
// transcript. On the way it shows nothing that never was.
func TestAnyWayOfFollowingConverges(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		for range rapid.IntRange(0, 120).Draw(t, "steps") {
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 0, 1, 2:
				w.live()
			case 3, 4:
				w.ask()
			case 5:
				w.askEarlier()
			default:
				w.network()
			}
			w.check()
		}
		w.settle()
		if at := w.tl.Cursor(); at.Epoch != w.log.epoch || at.AfterSeq != w.log.lastSeq() {
			t.Fatalf("at %+v, want %s %d", at, w.log.epoch, w.log.lastSeq())
		}
		same(t, w.tl, w.log, w.log.lastSeq())
		sameBlocks(t, w.tl)
		checkDerived(t, w.tl)
	})
}
