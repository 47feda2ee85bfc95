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

// gateway is one that has one session, reached by way of memory.
type gateway struct {
	mu     sync.Mutex
	epoch  string // "" while there is no session
	log    []timeline.Event
	floor  int64
	ahead  int64 // events that it tells of and does not have
	pages  int   // messages a history has at most
	mute   bool  // loses what it publishes
	deaf   bool  // does not know of resume
	refuse map[string]*protocol.Error
	asked  map[string]int
	late   string   // the method whose answers are not sent yet
	held   []func() // sends those
	socket *socket  // the newest
}

func newGateway() *gateway {
	return &gateway{pages: 100, refuse: map[string]*protocol.Error{}, asked: map[string]int{}}
}

type socket struct {
	g     *gateway
	h     client.SocketHandler
	queue chan []byte // closed at its end
	over  bool
}

func (g *gateway) Dial(h client.SocketHandler) client.Socket {
	s := &socket{g: g, h: h, queue: make(chan []byte, 10_000)}
	go func() {
		h.Opened()
		for frame := range s.queue {
			h.Message(frame)
		}
		h.Closed(1006, "")
	}()
	return s
}

func (s *socket) Close(int, string) {
	s.g.mu.Lock()
	defer s.g.mu.Unlock()
	s.end()
}

func (s *socket) end() {
	if !s.over {
		s.over = true
		close(s.queue)
	}
}

func (s *socket) write(frame []byte) {
	if !s.over {
		s.queue <- frame
	}
}

func (s *socket) Send(data []byte) {
	g := s.g
	g.mu.Lock()
	defer g.mu.Unlock()
	var r protocol.Request
	if err := protocol.Decode(data, &r); err != nil {
		panic(err)
	}
	g.asked[r.Method]++
	if r.Method == g.late {
		answer := g.answer(s, r)
		g.held = append(g.held, func() { s.write(answer) })
		return
	}
	if answer := g.answer(s, r); answer != nil {
		s.write(answer)
	}
}

// answer is the frame that answers a request, as the gateway is now.
func (g *gateway) answer(s *socket, r protocol.Request) []byte {
	if err := g.refuse[r.Method]; err != nil {
		return protocol.AppendError(nil, r.ID, err)
	}
	switch r.Method {
	case protocol.MethodConnect:
		var p protocol.ConnectParams
		must(protocol.Decode(r.Params, &p))
		welcome := protocol.ConnectResult{Protocol: 3}
		if !g.deaf {
			welcome.Resumed = g.resume(p.Resume)
		}
		s.write(protocol.AppendResult(nil, r.ID, &welcome))
		g.socket = s
		for _, c := range p.Resume {
			if g.epoch != "" && !g.deaf && !g.lost(c.Epoch, c.AfterSeq) {
				g.publish(c.AfterSeq)
			}
		}
		return nil
	case protocol.MethodChatHistory:
		var p protocol.ChatHistoryParams
		must(protocol.Decode(r.Params, &p))
		if g.epoch == "" {
			return protocol.AppendError(nil, r.ID, protocol.Refuse(protocol.NotFound, "there is no such session"))
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

// release sends the answers that were late.
func (g *gateway) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.late = ""
	for _, send := range g.held {
		send()
	}
	g.held = nil
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func (g *gateway) lost(epoch string, after int64) bool {
	return epoch != "" && epoch != g.epoch || after > int64(len(g.log)) || after < g.floor
}

func (g *gateway) resume(cursors []protocol.Cursor) (resumed []protocol.ResumedCursor) {
	for _, c := range cursors {
		r := protocol.ResumedCursor{SessionKey: c.SessionKey, Status: protocol.ResumeLive, Epoch: g.epoch, LastSeq: int64(len(g.log))}
		switch {
		case g.epoch == "":
			r = protocol.ResumedCursor{SessionKey: c.SessionKey, Status: protocol.ResumeGone}
		case g.lost(c.Epoch, c.AfterSeq):
			r.Status = protocol.ResumeReset
		}
		resumed = append(resumed, r)
	}
	return resumed
}

func (g *gateway) history(before int64) *protocol.ChatHistoryResult {
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

func (g *gateway) fold() *timeline.Timeline {
	tl := timeline.New(key)
	for _, e := range g.log {
		tl.Apply(e)
	}
	return tl
}

// replay has two events a page.
func (g *gateway) replay(p *protocol.ChatReplayParams) *protocol.ChatReplayResult {
	r := &protocol.ChatReplayResult{SessionKey: key, Epoch: g.epoch, LastSeq: int64(len(g.log)) + g.ahead}
	if g.lost(p.Epoch, p.AfterSeq) {
		r.Reset = true
		return r
	}
	for _, e := range g.log[p.AfterSeq:min(len(g.log), int(p.AfterSeq)+2)] {
		r.Events = append(r.Events, protocol.Frame{Type: protocol.TypeEvent, Event: e.Name, Seq: e.Seq, Payload: e.Payload})
	}
	return r
}

// publish sends what is in the log after a seq.
func (g *gateway) publish(after int64) {
	for _, e := range g.log[after:] {
		if g.socket != nil && !g.mute {
			g.socket.write(protocol.AppendEvent(nil, e.Name, e.Payload, e.Seq))
		}
	}
}

func (g *gateway) append(name string, p protocol.Payload) {
	last := int64(len(g.log))
	g.log = append(g.log, timeline.Event{Name: name, Seq: last + 1, Payload: p.AppendJSON(nil)})
	g.publish(last)
}

// create begins a log, in the place of another one if there is one.
func (g *gateway) create(epoch string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.epoch, g.log, g.floor = epoch, nil, 0
	g.append(protocol.EventSessionUpdated, &protocol.SessionUpdated{
		SessionKey: key, Change: protocol.SessionReset, Session: &protocol.Session{Key: key, Epoch: epoch},
	})
}

func (g *gateway) delete() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.epoch, g.log = "", nil
	u := protocol.SessionUpdated{SessionKey: key, Change: protocol.SessionDeleted}
	if g.socket != nil {
		g.socket.write(protocol.AppendEvent(nil, protocol.EventSessionUpdated, u.AppendJSON(nil), 0))
	}
}

// say adds messages.
func (g *gateway) say(texts ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, text := range texts {
		g.append(protocol.EventChat, &protocol.ChatEvent{Type: protocol.ChatMessage, SessionKey: key, Message: protocol.Message{
			ID: "m" + strconv.Itoa(len(g.log)+1), Role: protocol.FromSystem, Status: protocol.StatusComplete, Content: text,
		}})
	}
}

// silently does something whose events nobody is sent.
func (g *gateway) silently(f func()) {
	g.set(func() { g.mute = true })
	f()
	g.set(func() { g.mute = false })
}

// set changes what the gateway is like.
func (g *gateway) set(f func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f()
}

// grant takes a refusal back.
func (g *gateway) grant(method string) { g.set(func() { delete(g.refuse, method) }) }

func (g *gateway) tick() {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := protocol.Tick{Sessions: map[string]int64{key: int64(len(g.log)) + g.ahead, "another": 7}}
	g.socket.write(protocol.AppendEvent(nil, protocol.EventTick, t.AppendJSON(nil), 0))
}

func (g *gateway) cut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.socket.end()
	g.socket = nil
}

// counts gives how often a method was called since the last time.
func (g *gateway) counts(method string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := g.asked[method]
	g.asked[method] = 0
	return n
}

// follower is a Follower with what it told.
type follower struct {
	*testing.T
	*Follower
	g     *gateway
	loads int
	steps int
}

// following begins to follow a session that has two messages.
func following(t *testing.T) *follower {
	f := newFollower(t)
	f.g.create("e1")
	f.g.say("one", "two")
	f.Client.Start()
	f.Follow(key)
	f.shows("one", "two")
	if f.loads != 1 || f.g.counts(protocol.MethodChatHistory) != 1 {
		t.Fatalf("loaded %d times", f.loads)
	}
	return f
}

func newFollower(t *testing.T) *follower {
	f := &follower{T: t, g: newGateway()}
	f.Follower = New(client.Options{Transport: f.g}, func(s *Session, changes []timeline.Change) {
		if s.Key != key {
			t.Errorf("told of %q", s.Key)
		}
		if changes == nil {
			f.loads++
		} else {
			f.steps += len(changes)
		}
	})
	return f
}

// shows fails unless the transcript is these texts.
func (f *follower) shows(want ...string) {
	f.Helper()
	synctest.Wait()
	var got []string
	f.Client.Tell(func() {
		for _, m := range f.Session(key).Log.Messages() {
			got = append(got, m.Content)
		}
	})
	if !slices.Equal(got, want) {
		f.Fatalf("the transcript is %q, want %q", got, want)
	}
}

// session gives a copy of what there is to say of it.
func (f *follower) session() (s Session) {
	synctest.Wait()
	f.Client.Tell(func() { s = *f.Session(key) })
	return s
}

// pass lets time go by.
func (f *follower) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// asked fails unless so many histories and replays were asked for.
func (f *follower) asked(histories, replays int) {
	f.Helper()
	synctest.Wait()
	h, r := f.g.counts(protocol.MethodChatHistory), f.g.counts(protocol.MethodChatReplay)
	if h != histories || r != replays {
		f.Fatalf("%d histories and %d replays were asked for, want %d and %d", h, r, histories, replays)
	}
}
