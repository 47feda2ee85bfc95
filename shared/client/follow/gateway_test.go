//go:build !js

package follow

import (
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/timeline"
)

const key = "agent:demo:ws:direct:1"

// fakeGateway is a gateway with at most one session, in memory.
type fakeGateway struct {
	mu            sync.Mutex
	epoch         string // "" while there is no session
	log           []timeline.Event
	floor         int64
	ahead         int64 // events that it announces and does not have
	pages         int   // the most messages of a history
	silent        bool  // publishes no events
	ignoresResume bool  // does not answer cursors
	refuse        map[string]*protocol.Error
	requests      map[string]int
	delayed       string      // the method whose answers wait for release
	delayedSends  []func()    // each sends one of those answers
	socket        *fakeSocket // the newest
}

func newFakeGateway() *fakeGateway {
	return &fakeGateway{pages: 100, refuse: map[string]*protocol.Error{}, requests: map[string]int{}}
}

type fakeSocket struct {
	g     *fakeGateway
	h     client.SocketHandler
	queue chan []byte // closed when the socket is closed
	over  bool
}

func (g *fakeGateway) Dial(h client.SocketHandler) client.Socket {
	s := &fakeSocket{g: g, h: h, queue: make(chan []byte, 10_000)}
	go func() {
		h.Opened()
		for frame := range s.queue {
			h.Message(frame)
		}
		h.Closed(1006, "")
	}()
	return s
}

func (s *fakeSocket) Close(int, string) {
	s.g.mu.Lock()
	defer s.g.mu.Unlock()
	s.end()
}

func (s *fakeSocket) end() {
	if !s.over {
		s.over = true
		close(s.queue)
	}
}

func (s *fakeSocket) write(frame []byte) {
	if !s.over {
		s.queue <- frame
	}
}

func (s *fakeSocket) Send(data []byte) {
	g := s.g
	g.mu.Lock()
	defer g.mu.Unlock()
	var r protocol.Request
	if err := protocol.Decode(data, &r); err != nil {
		panic(err)
	}
	g.requests[r.Method]++
	if r.Method == g.delayed {
		answer := g.answer(s, r)
		g.delayedSends = append(g.delayedSends, func() { s.write(answer) })
		return
	}
	if answer := g.answer(s, r); answer != nil {
		s.write(answer)
	}
}

// answer returns the frame that answers a request, or nil. It may send others itself.
func (g *fakeGateway) answer(s *fakeSocket, r protocol.Request) []byte {
	if err := g.refuse[r.Method]; err != nil {
		return protocol.AppendError(nil, r.ID, err)
	}
	switch r.Method {
	case protocol.MethodConnect:
		var p protocol.ConnectParams
		must(protocol.Decode(r.Params, &p))
		welcome := protocol.ConnectResult{Protocol: 3}
		if !g.ignoresResume {
			welcome.Resumed = g.resume(p.Resume)
		}
		s.write(protocol.AppendResult(nil, r.ID, &welcome))
		g.socket = s
		for _, c := range p.Resume {
			if g.epoch != "" && !g.ignoresResume && !g.outOfLog(c.Epoch, c.AfterSeq) {
				g.publish(c.AfterSeq)
			}
		}
		return nil
	case protocol.MethodChatHistory:
		var p protocol.ChatHistoryParams
		must(protocol.Decode(r.Params, &p))
		if g.epoch == "" {
			return protocol.AppendError(nil, r.ID, protocol.Refuse(protocol.NotFound,
				"there is no such session"))
		}
		return protocol.AppendResult(nil, r.ID, g.history(p.Before))
	case protocol.MethodChatReplay:
		var p protocol.ChatReplayParams
		must(protocol.Decode(r.Params, &p))
		return protocol.AppendResult(nil, r.ID, g.replay(&p))
	case protocol.MethodChatWatch:
		var p protocol.ChatWatchParams
		must(protocol.Decode(r.Params, &p))
		at := g.resume([]protocol.Cursor{{SessionKey: key, Epoch: p.Epoch, AfterSeq: *p.AfterSeq}})[0]
		s.write(protocol.AppendResult(nil, r.ID, &at))
		if at.Status == protocol.ResumeLive {
			g.publish(*p.AfterSeq)
		}
	}
	return nil
}

// release sends the delayed answers, and delays none from now on.
func (g *fakeGateway) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.delayed = ""
	for _, send := range g.delayedSends {
		send()
	}
	g.delayedSends = nil
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func (g *fakeGateway) outOfLog(epoch string, after int64) bool {
	return epoch != "" && epoch != g.epoch || after > int64(len(g.log)) || after < g.floor
}

func (g *fakeGateway) resume(cursors []protocol.Cursor) (resumed []protocol.ResumedCursor) {
	for _, c := range cursors {
		r := protocol.ResumedCursor{SessionKey: c.SessionKey, Status: protocol.ResumeLive, Epoch: g.epoch,
			LastSeq: int64(len(g.log))}
		switch {
		case g.epoch == "":
			r = protocol.ResumedCursor{SessionKey: c.SessionKey, Status: protocol.ResumeGone}
		case g.outOfLog(c.Epoch, c.AfterSeq):
			r.Status = protocol.ResumeReset
		}
		resumed = append(resumed, r)
	}
	return resumed
}

func (g *fakeGateway) history(before int64) *protocol.ChatHistoryResult {
	h := &protocol.ChatHistoryResult{SessionKey: key, Epoch: g.epoch, LastSeq: int64(len(g.log))}
	for _, m := range g.fold().Messages() {
		if before == 0 || m.Seq < before {
			h.Messages = append(h.Messages, m.Message)
		}
	}
	if n := len(h.Messages) - g.pages; n > 0 {
		h.Messages, h.HasMore = h.Messages[n:], true
	}
	return h
}

func (g *fakeGateway) fold() *timeline.Timeline {
	tl := timeline.New(key)
	for _, e := range g.log {
		tl.Apply(e)
	}
	return tl
}

// replay returns at most two events.
func (g *fakeGateway) replay(p *protocol.ChatReplayParams) *protocol.ChatReplayResult {
	r := &protocol.ChatReplayResult{SessionKey: key, Epoch: g.epoch, LastSeq: int64(len(g.log)) +
		g.ahead}
	if g.outOfLog(p.Epoch, p.AfterSeq) {
		r.Reset = true
		return r
	}
	for _, e := range g.log[p.AfterSeq:min(len(g.log), int(p.AfterSeq)+2)] {
		r.Events = append(r.Events, protocol.Frame{Type: protocol.TypeEvent, Event: e.Name, Seq: e.Seq,
			Payload: e.Payload})
	}
	return r
}

// publish sends the events of the log after a seq.
func (g *fakeGateway) publish(after int64) {
	for _, e := range g.log[after:] {
		if g.socket != nil && !g.silent {
			g.socket.write(protocol.AppendEvent(nil, e.Name, e.Payload, e.Seq))
		}
	}
}

func (g *fakeGateway) append(name string, p protocol.Payload) {
	last := int64(len(g.log))
	g.log = append(g.log, timeline.Event{Name: name, Seq: last + 1, Payload: p.AppendJSON(nil)})
	g.publish(last)
}

// create starts a new log, instead of the one that there may be.
func (g *fakeGateway) create(epoch string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.epoch, g.log, g.floor = epoch, nil, 0
	g.append(protocol.EventSessionUpdated, &protocol.SessionUpdated{
		SessionKey: key, Change: protocol.SessionReset,
		Session: &protocol.Session{Key: key, Epoch: epoch},
	})
}

func (g *fakeGateway) delete() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.epoch, g.log = "", nil
	u := protocol.SessionUpdated{SessionKey: key, Change: protocol.SessionDeleted}
	if g.socket != nil {
		g.socket.write(protocol.AppendEvent(nil, protocol.EventSessionUpdated, u.AppendJSON(nil), 0))
	}
}

// add adds messages to the log.
func (g *fakeGateway) add(texts ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, text := range texts {
		g.append(protocol.EventChat, &protocol.ChatEvent{Type: protocol.ChatMessage, SessionKey: key,
			Message: protocol.Message{
				ID: "m" + strconv.Itoa(len(g.log)+1), Role: protocol.FromSystem,
				Status:  protocol.StatusComplete,
				Content: text,
			}})
	}
}

// silently calls f and sends none of its events.
func (g *fakeGateway) silently(f func()) {
	g.set(func() { g.silent = true })
	f()
	g.set(func() { g.silent = false })
}

// set changes fields of the gateway.
func (g *fakeGateway) set(f func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f()
}

// grant ends the refusal of a method.
func (g *fakeGateway) grant(method string) { g.set(func() { delete(g.refuse, method) }) }

func (g *fakeGateway) tick() {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := protocol.Tick{Sessions: map[string]int64{key: int64(len(g.log)) + g.ahead, "another": 7}}
	g.socket.write(protocol.AppendEvent(nil, protocol.EventTick, t.AppendJSON(nil), 0))
}

func (g *fakeGateway) cut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.socket.end()
	g.socket = nil
}

// takeCount returns how often a method was called since the last takeCount.
func (g *fakeGateway) takeCount(method string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := g.requests[method]
	g.requests[method] = 0
	return n
}

// testFollower is a Follower that counts what it has reported.
type testFollower struct {
	*testing.T
	*Follower
	g     *fakeGateway
	loads int // changes of all of Log, or of Gone or Err
	steps int // other changes
}

// following returns a testFollower of a session that has two messages.
func following(t *testing.T) *testFollower {
	f := newFollower(t)
	f.g.create("e1")
	f.g.add("one", "two")
	f.Client.Start()
	f.Follow(key)
	f.wantTexts("one", "two")
	if f.loads != 1 || f.g.takeCount(protocol.MethodChatHistory) != 1 {
		t.Fatalf("loaded %d times", f.loads)
	}
	return f
}

func newFollower(t *testing.T) *testFollower {
	f := &testFollower{T: t, g: newFakeGateway()}
	f.Follower = New(client.Options{Transport: f.g}, func(s *Session, changes []timeline.Change) {
		if s.Key != key {
			t.Errorf("reported %q", s.Key)
		}
		if changes == nil {
			f.loads++
		} else {
			f.steps += len(changes)
		}
	})
	return f
}

// wantTexts fails the test unless the transcript has exactly these texts.
func (f *testFollower) wantTexts(want ...string) {
	f.Helper()
	synctest.Wait()
	var got []string
	f.Client.RunInCallback(func() {
		for _, m := range f.Session(key).Log.Messages() {
			got = append(got, m.Content)
		}
	})
	if !slices.Equal(got, want) {
		f.Fatalf("the transcript is %q, want %q", got, want)
	}
}

// session returns a copy of the session.
func (f *testFollower) session() (s Session) {
	synctest.Wait()
	f.Client.RunInCallback(func() { s = *f.Session(key) })
	return s
}

// pass lets time go by.
func (f *testFollower) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// wantRequests fails the test unless histories and replays were requested that often
// since the last call.
func (f *testFollower) wantRequests(histories, replays int) {
	f.Helper()
	synctest.Wait()
	h, r := f.g.takeCount(protocol.MethodChatHistory), f.g.takeCount(protocol.MethodChatReplay)
	if h != histories || r != replays {
		f.Fatalf("%d histories and %d replays were asked for, want %d and %d", h, r, histories, replays)
	}
}
