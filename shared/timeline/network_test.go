package timeline

import (
	"slices"
	"strconv"
	"testing"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"pgregory.net/rapid"
)

// simulation simulates a session at a gateway, and a client that follows it over one connection
// after another. What happens is random; what the client does follows from the Timeline
// alone.
type simulation struct {
	t *rapid.T

	// The gateway.
	logs       map[string]*gateway // by epoch
	log        *gateway            // nil while the session does not exist
	generation int                 // counts the logs and the deletions of the session

	// The connection. Events arrive in order, unless loseEvent or swapEvents change that. An
	// answer may arrive at any time, but not before the events of logs that had ended when
	// the gateway answered.
	up       bool
	events   []wireEvent
	requests []func() // for the gateway to answer
	answers  []func() // for the client to take
	ticked   int64    // the seq of a tick that was not sent yet; 0 for none

	// The client.
	tl                *Timeline
	loaded            bool
	requesting        bool // the history or a replay
	requestingEarlier bool // an older page
	requested         int  // how many requests the client has made
	pageLimit         int  // messages of a page
	replayLimit       int  // events of a replay
}

// wireEvent is an event in transit; a tick has no name.
type wireEvent struct {
	Event
	generation int
}

func newSimulation(t *rapid.T) *simulation {
	w := &simulation{
		t: t, logs: map[string]*gateway{}, up: true, tl: New(testKey),
		pageLimit:   rapid.IntRange(1, 6).Draw(t, "page of messages"),
		replayLimit: rapid.IntRange(1, 6).Draw(t, "page of events"),
	}
	w.create()
	return w
}

// create begins a new log and announces it to the session's followers.
func (w *simulation) create() {
	epoch := "e" + strconv.Itoa(len(w.logs)+1)
	w.log = newGateway(epoch, rapid.Bool().Draw(w.t, "html"))
	w.log.splits = rapid.Bool().Draw(w.t, "pages part groups")
	w.logs[epoch] = w.log
	w.generation++
	w.publish(0)
}

// publish sends the events after a seq.
func (w *simulation) publish(after int64) {
	for _, e := range w.log.log[after:] {
		w.send(e)
	}
}

func (w *simulation) send(e Event) {
	if w.up {
		w.events = append(w.events, wireEvent{e, w.generation})
	}
}

// gatewayStep does a random action at the gateway.
func (w *simulation) gatewayStep() {
	switch op := rapid.IntRange(0, 39).Draw(w.t, "gateway"); {
	case w.log == nil:
		w.create()
	case op == 0:
		w.create() // a reset
	case op == 1:
		u := protocol.SessionUpdated{SessionKey: testKey, Change: protocol.SessionDeleted}
		w.log = nil
		w.generation++
		w.send(Event{Name: protocol.EventSessionUpdated, Payload: u.AppendJSON(nil)})
	case op < 5:
		w.log.compact()
	case op < 8:
		w.ticked = w.log.lastSeq()
	default:
		last := w.log.lastSeq()
		w.log.randomStep(w.t)
		w.publish(last)
	}
}

// networkStep does a random action of the network.
func (w *simulation) networkStep() {
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
		w.loseEvent()
	case op == 3:
		w.swapEvents()
	case op == 4 && len(w.events) > 0 && w.events[0].Seq > 1:
		w.take(w.events[0]) // the event arrives twice
	case op < 14 && len(w.requests) > 0:
		takeRandom(w.t, &w.requests)()
	case op < 20 && len(w.answers) > 0:
		takeRandom(w.t, &w.answers)()
	default:
		w.deliver(rapid.IntRange(1, 5).Draw(w.t, "events"))
	}
}

// takeRandom removes a random function from the list and returns it.
func takeRandom(t *rapid.T, list *[]func()) func() {
	i := rapid.IntRange(0, len(*list)-1).Draw(t, "which")
	f := (*list)[i]
	*list = slices.Delete(*list, i, i+1)
	return f
}

// loseEvent drops an event that neither begins nor ends a log: such an event is lost only
// with the connection.
func (w *simulation) loseEvent() {
	if len(w.events) == 0 {
		return
	}
	i := rapid.IntRange(0, len(w.events)-1).Draw(w.t, "lost")
	if w.events[i].Seq > 1 {
		w.events = slices.Delete(w.events, i, i+1)
	}
}

// swapEvents changes the order of two events of one log.
func (w *simulation) swapEvents() {
	if len(w.events) < 2 {
		return
	}
	i := rapid.IntRange(0, len(w.events)-2).Draw(w.t, "swapped")
	if a, b := w.events[i], w.events[i+1]; a.generation == b.generation && a.Seq > 1 && b.Seq > 1 {
		w.events[i], w.events[i+1] = b, a
	}
}

// cut loses everything in transit, in both directions.
func (w *simulation) cut() {
	w.up, w.events, w.requests, w.answers, w.ticked = false, nil, nil, nil, 0
	w.requesting, w.requestingEarlier = false, false
}

// connect opens a new connection and resumes.
func (w *simulation) connect() {
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

func (w *simulation) deliver(n int) {
	for range min(n, len(w.events)) {
		e := w.events[0]
		w.events = w.events[1:]
		w.take(e)
	}
}

// take has the client handle an event.
func (w *simulation) take(e wireEvent) {
	if e.Name == "" {
		w.tl.Tick(e.Seq)
		return
	}
	applyChecked(w.t, w.tl, e.Event)
}

// ask makes the client's next request, if it needs one and none is pending.
func (w *simulation) ask() {
	after, gap := w.tl.Gap()
	switch {
	case !w.up:
	case w.requesting:
	case !w.loaded || w.tl.Stale():
		w.request(&w.requesting, w.history)
	case gap:
		w.request(&w.requesting, func() func() { return w.replay(w.tl.Cursor().Epoch, after) })
	}
}

// request queues a request. answer is called at the gateway and returns how the client
// handles the answer.
func (w *simulation) request(asking *bool, answer func() func()) {
	*asking = true
	w.requested++
	w.requests = append(w.requests, func() {
		take := answer()
		generation := w.generation
		w.answers = append(w.answers, func() {
			w.deliverEarlierLogs(generation)
			*asking = false
			take()
		})
	})
}

// deliverEarlierLogs delivers the events of logs before a generation.
func (w *simulation) deliverEarlierLogs(generation int) {
	n := 0
	for i, e := range w.events {
		if e.Name != "" && e.generation < generation {
			n = i + 1
		}
	}
	w.deliver(n)
}

// history answers chat.history.
func (w *simulation) history() func() {
	if w.log == nil {
		return func() { w.loaded = false }
	}
	h := w.log.history(w.log.lastSeq(), 0, w.pageLimit)
	return func() { w.loaded = w.tl.Load(h) }
}

// replay answers chat.replay.
func (w *simulation) replay(epoch string, after int64) func() {
	if w.log == nil {
		return func() { w.loaded = false }
	}
	r := w.log.since(epoch, after, w.replayLimit)
	return func() { w.tl.Replay(r) }
}

// askEarlier asks for the page before the first message.
func (w *simulation) askEarlier() {
	before, more := w.tl.Oldest()
	if !w.up || w.requestingEarlier || !w.loaded || !more {
		return
	}
	w.request(&w.requestingEarlier, func() func() {
		if w.log == nil {
			return func() {}
		}
		page := w.log.history(w.log.lastSeq(), before, w.pageLimit)
		return func() { w.tl.Prepend(before, page) }
	})
}

// check verifies the invariant: a complete transcript equals the gateway's at that event.
func (w *simulation) check() {
	at := w.tl.Cursor()
	ahead := func(m *Message) bool { return m.through > at.AfterSeq } // m came from a newer page
	if _, more := w.tl.Oldest(); !w.loaded || w.tl.Stale() || more || slices.ContainsFunc(w.tl.Messages(), ahead) {
		return
	}
	log := w.logs[at.Epoch]
	if log == nil {
		w.t.Fatalf("the transcript is of the log %q, which never existed", at.Epoch)
	}
	wantTranscript(w.t, w.tl, log, at.AfterSeq)
	wantBlocks(w.t, w.tl)
	checkDerived(w.t, w.tl)
}

// settle delivers everything in order, and a tick. Then the client must reach the end of the
// log by itself, and stop asking.
func (w *simulation) settle() {
	if !w.up {
		w.connect()
	}
	if w.log == nil {
		w.create()
	}
	w.events = append(w.events, wireEvent{Event: Event{Seq: w.log.lastSeq()}})
	pages := len(w.log.log)/w.replayLimit + len(w.log.states[w.log.lastSeq()])/w.pageLimit
	before := w.requested
	for idle := false; !idle; {
		w.deliver(len(w.events))
		w.ask()
		w.askEarlier()
		idle = len(w.requests) == 0 && len(w.answers) == 0
		for len(w.requests)+len(w.answers) > 0 {
			if len(w.answers) > 0 {
				takeRandom(w.t, &w.answers)()
			} else {
				takeRandom(w.t, &w.requests)()
			}
			w.check()
		}
		// Requests that were pending, for a log that has ended, for an outdated history, and
		// for all pages.
		if n := w.requested - before; n > 6+2*pages {
			w.t.Fatalf("%d requests, and no end", n)
		}
	}
	if _, gap := w.tl.Gap(); !w.loaded || w.tl.Stale() || gap {
		w.t.Fatalf("loaded %v, stale %v, gap %v, and nothing is asked for", w.loaded, w.tl.Stale(), gap)
	}
}

// A client that resumes, loads and replays as its Timeline says ends with the gateway's
// transcript, whatever happens in the network and at the gateway. Until then it shows no
// state that the gateway never had.
func TestAnyWayOfFollowingConverges(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newSimulation(t)
		for range rapid.IntRange(0, 120).Draw(t, "steps") {
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 0, 1, 2:
				w.gatewayStep()
			case 3, 4:
				w.ask()
			case 5:
				w.askEarlier()
			default:
				w.networkStep()
			}
			w.check()
		}
		w.settle()
		if at := w.tl.Cursor(); at.Epoch != w.log.epoch || at.AfterSeq != w.log.lastSeq() {
			t.Fatalf("at %+v, want %s %d", at, w.log.epoch, w.log.lastSeq())
		}
		wantTranscript(t, w.tl, w.log, w.log.lastSeq())
		wantBlocks(t, w.tl)
		checkDerived(t, w.tl)
	})
}
