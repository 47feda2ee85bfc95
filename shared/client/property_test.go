//go:build !js

package client

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"pgregory.net/rapid"
)

// move is one event in a Client's life.
type move struct {
	op     int
	time   time.Duration
	socket int // counted back from the newest
	status string
	code   protocol.Code
	retry  int64
	event  string
	frame  string
	closed int
}

func drawMove(t *rapid.T) move {
	return move{
		op:     rapid.IntRange(0, 29).Draw(t, "op"),
		time:   time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "time")),
		socket: max(0, rapid.IntRange(-6, 2).Draw(t, "socket")),
		status: rapid.SampledFrom([]string{"pending", "approved", "denied", "expired", "odd"}).Draw(t, "status"),
		code: rapid.SampledFrom([]protocol.Code{
			protocol.Unauthorized, protocol.NotPaired, protocol.Unavailable, protocol.Internal}).Draw(t, "code"),
		retry:  rapid.Int64Range(-1, 100_000).Draw(t, "retryAfterMs"),
		event:  rapid.SampledFrom([]string{"tick", "agent", "shutdown"}).Draw(t, "event"),
		frame:  rapid.SampledFrom([]string{`{`, `null`, `{"type":"res","id":"1","ok":true}`, `{"type":"event"}`}).Draw(t, "frame"),
		closed: rapid.SampledFrom([]int{1000, 1001, 1006, 1008, 1009, 1013}).Draw(t, "close code"),
	}
}

// simulation simulates the network, the gateway and the person of one Client, in a bubble.
type simulation struct {
	client       *Client
	transport    *fakeTransport
	answers      []int // by call
	inCallback   bool
	lastSent     int64         // seq of the last event that was sent while the client was Ready
	lastReceived int64         // seq of the last event that the program received
	unblock      chan struct{} // if not nil, the next event blocks the program until it is closed
	blocked      bool          // the program is blocked in an event
	fault        string        // the first broken invariant, or ""
}

func newSimulation() *simulation {
	w := &simulation{transport: &fakeTransport{}}
	w.client = New(Options{
		Transport: w.transport,
		Resume:    w.resume,
		OnState:   func(State) { w.callback(func() {}) },
		OnEvent:   func(f protocol.Frame) { w.callback(func() { w.receive(f) }) },
	})
	return w
}

func (w *simulation) resume() (cursors []protocol.Cursor) {
	w.callback(func() {
		if w.lastReceived != w.lastSent {
			w.failf("asked for cursors at event %d, while %d was sent", w.lastReceived, w.lastSent)
		}
		cursors = []protocol.Cursor{{SessionKey: "a", AfterSeq: w.lastReceived}}
	})
	return cursors
}

func (w *simulation) receive(f protocol.Frame) {
	if unblock := w.unblock; unblock != nil {
		w.blocked = true
		<-unblock
		w.blocked = false
	}
	if f.Seq > 0 && f.Seq != w.lastReceived+1 {
		w.failf("event %d was received after %d", f.Seq, w.lastReceived)
	}
	w.lastReceived = max(w.lastReceived, f.Seq)
}

// sendEvent sends the next event of a log on a socket.
func (w *simulation) sendEvent(s *fakeSocket) {
	seq := w.lastSent + 1
	if s.alive() && s == w.newest() && w.client.State().Phase == Ready {
		w.lastSent = seq
	}
	s.handler.Message(protocol.AppendEvent(nil, protocol.EventAgent, []byte(`{}`), seq))
}

// inBackground calls f, which may block the program, in a goroutine if so.
func (w *simulation) inBackground(f func()) {
	if w.unblock == nil || w.blocked {
		f()
		return
	}
	go f()
	synctest.Wait()
}

// blockProgram sends an event in which the program blocks.
func (w *simulation) blockProgram() {
	if w.unblock != nil || len(w.transport.sockets) == 0 {
		return
	}
	w.serve()
	s := w.newest()
	w.unblock = make(chan struct{})
	if !s.ended {
		w.inBackground(func() { w.sendEvent(s) })
	}
}

// unblockProgram unblocks the program.
func (w *simulation) unblockProgram() {
	if unblock := w.unblock; unblock != nil {
		w.unblock = nil
		close(unblock)
		synctest.Wait()
	}
}

func (w *simulation) newest() *fakeSocket { return w.transport.sockets[len(w.transport.sockets)-1] }

func (w *simulation) failf(format string, args ...any) {
	if w.fault == "" {
		w.fault = fmt.Sprintf(format, args...)
	}
}

// callback runs f as a callback of the client. It fails if two callbacks overlap.
func (w *simulation) callback(f func()) {
	if w.inCallback {
		w.failf("two callbacks at once")
	}
	w.inCallback = true
	f()
	w.inCallback = false
}

func (w *simulation) call() {
	i := len(w.answers)
	w.answers = append(w.answers, 0)
	w.client.Call("health", nil, func(jsontext.Raw, *protocol.Error) { w.callback(func() { w.answers[i]++ }) })
}

// do does a move: of the program, of time, or on a socket.
func (w *simulation) do(m move) {
	switch m.op {
	case 0, 17:
		w.client.Start()
		return
	case 1:
		w.client.Stop()
		return
	case 2, 18:
		w.client.TryNow()
		return
	case 3, 19:
		w.call()
		return
	case 22:
		w.client.Redial()
		return
	case 23, 28, 29:
		w.blockProgram()
		return
	case 24:
		w.unblockProgram()
		return
	}
	if m.op == 4 || len(w.transport.sockets) == 0 {
		w.pass(m.time)
		return
	}
	s := w.transport.sockets[max(0, len(w.transport.sockets)-1-m.socket)]
	if !s.ended {
		w.inBackground(func() { w.onSocket(s, m) })
	}
}

// onSocket applies a move of the network or the gateway to a socket.
func (w *simulation) onSocket(s *fakeSocket, m move) {
	switch m.op {
	case 5, 6:
		if !s.open {
			s.openNow()
		}
	case 7, 8:
		s.answer(welcomed)
	case 9:
		s.answer(pendingCode)
	case 10:
		s.answer(`{"status":"` + m.status + `"}`)
	case 11:
		s.refuse(&protocol.Error{Code: m.code, RetryAfterMs: m.retry})
	case 12:
		s.event("device.pair.resolved", `{"status":"`+m.status+`"}`)
	case 13:
		s.event(m.event, `{"retryAfterMs":4000}`)
	case 14:
		s.sendText(m.frame)
	case 20, 21:
		w.serve()
	case 25, 26, 27:
		w.sendEvent(s)
	default:
		s.end(m.closed, "")
	}
}

func (w *simulation) pass(d time.Duration) {
	w.client.State()
	time.Sleep(d)
	synctest.Wait()
}

// check verifies the invariants.
func (w *simulation) check() {
	alive := 0
	for _, s := range w.transport.sockets {
		if s.alive() {
			alive++
		}
	}
	st := w.client.State()
	want := 0
	switch st.Phase {
	case Connecting, Pairing, Ready:
		want = 1
	}
	if alive != want {
		w.failf("%d sockets are alive while %v", alive, st.Phase)
	}
	if (st.Phase == Pairing) && st.Pairing == nil || st.Phase == Ready && st.Pairing != nil {
		w.failf("%v with pairing %v", st.Phase, st.Pairing)
	}
	if (st.Phase == Waiting || st.Phase == Refused) && st.Err == nil {
		w.failf("%v without a reason", st.Phase)
	}
	if st.Phase == Waiting && st.RetryAt.Before(time.Now()) {
		w.failf("waiting for %v ago", time.Since(st.RetryAt))
	}
	for i, n := range w.answers {
		if n > 1 || n == 0 && st.Phase != Ready && !w.blocked {
			w.failf("call %d was answered %d times while %v", i, n, st.Phase)
		}
	}
}

// repair lets everything work from now on: the client must get ready by itself,
// unless it was stopped or refused.
func (w *simulation) repair() {
	w.unblockProgram()
	if p := w.client.State().Phase; p == Stopped || p == Refused {
		w.client.Start()
	}
	for range 400 {
		if w.client.State().Phase == Ready && w.serve() {
			return
		}
		w.serve()
		w.pass(time.Second)
	}
	w.failf("stuck: %v, %+v", w.client.State().Phase, w.client.State().Err)
}

// serve acts as a gateway that accepts every client, and reports whether the newest socket
// is connected to it.
func (w *simulation) serve() bool {
	s := w.newest()
	if !s.alive() {
		return false
	}
	if !s.open {
		s.openNow()
	}
	switch s.last().Method {
	case protocol.MethodConnect:
		s.answer(welcomed)
	case protocol.MethodPairingStatus:
		s.answer(`{"status":"approved"}`)
	}
	s.event(protocol.EventTick, `{}`)
	return true
}

// run does the moves, then lets everything work, then stops. It returns the first fault.
func (w *simulation) run(moves []move) string {
	for _, m := range moves {
		w.do(m)
		w.check()
	}
	w.repair()
	w.check()
	w.client.Stop()
	for i, n := range w.answers {
		if n != 1 {
			w.failf("call %d was answered %d times", i, n)
		}
	}
	w.check()
	if w.client.timer.timer != nil || len(w.client.callbacks.queue) != 0 {
		w.failf("a timer or callbacks are left over")
	}
	return w.fault
}

func TestNoStuckStateNoSecondSocketNoLostAnswer(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		moves := make([]move, rapid.IntRange(1, 80).Draw(rt, "moves"))
		for i := range moves {
			moves[i] = drawMove(rt)
		}
		var fault string
		synctest.Test(t, func(*testing.T) { fault = newSimulation().run(moves) })
		if fault != "" {
			rt.Fatal(fault)
		}
	})
}

func FuzzMessage(f *testing.F) {
	for _, s := range []string{welcomed, pendingCode, `{"type":"res","id":"1","ok":true,"payload":` + welcomed + `}`,
		`{"type":"res","id":"1","ok":false,"error":{"code":"NOT_PAIRED","message":"","details":{"status":"denied"}}}`,
		`{"type":"event","event":"shutdown","payload":{"retryAfterMs":-9223372036854775808}}`, `{"type":"event","seq":1e9}`} {
		f.Add([]byte(s), []byte(welcomed))
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		for _, at := range []step{connecting, pairing, ready} {
			h := newHarness(t, protocol.ConnectParams{})
			h.client.Start()
			s := h.transport.sockets[0]
			s.openNow()
			switch at {
			case pairing:
				s.answer(pendingCode)
			case ready:
				s.answer(welcomed)
			}
			s.handler.Message(first)
			s.handler.Message(second)
			h.client.Stop()
			if s.alive() || h.client.State().Phase != Stopped {
				t.Fatalf("after Stop: %v", h.client.State())
			}
		}
	})
}
