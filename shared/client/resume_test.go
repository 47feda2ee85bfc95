//go:build !js

package client

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

const resumed = `{"protocol":3,"role":"operator","user_id":"u1","server":{},` +
	`"resumed":[{"sessionKey":"a","status":"live","epoch":"e","lastSeq":9},{"sessionKey":"b","status":"gone","lastSeq":0}]}`

// hello decodes the connect request that is the last frame on a socket.
func (s *fakeSocket) hello(t *testing.T) protocol.ConnectParams {
	t.Helper()
	var p protocol.ConnectParams
	if r := s.last(); r.Method != protocol.MethodConnect || json.Unmarshal(r.Params, &p) != nil {
		t.Fatalf("no connect but %+v", r)
	}
	return p
}

func TestResume(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := start(t, protocol.ConnectParams{Token: "tok"})
		if h.asked != 0 {
			t.Fatal("asked before the socket is open")
		}
		h.cursors = []protocol.Cursor{{SessionKey: "a", Epoch: "e", AfterSeq: 7}, {SessionKey: "b"}}
		s := h.reach(connecting)
		if p := s.hello(t); p.Token != "tok" || len(p.Resume) != 2 || p.Resume[0] != h.cursors[0] || p.Resume[1] != h.cursors[1] {
			t.Fatalf("hello %+v", p)
		}
		s.answer(resumed)
		r := h.phase(Ready).Resumed
		if len(r) != 2 || r[0] != (protocol.ResumedCursor{SessionKey: "a", Status: "live", Epoch: "e", LastSeq: 9}) || r[1].Status != "gone" {
			t.Fatalf("resumed %+v", r)
		}
		s.end(1006, "")
		if h.phase(Waiting).Resumed != nil {
			t.Error("what was resumed on a lost connection is still reported")
		}
		h.cursors = nil
		h.pass(time.Second)
		if p := h.reach(connecting).hello(t); p.Resume != nil || h.asked != 2 {
			t.Fatalf("asked %d times; hello %+v", h.asked, p)
		}
		h.client.Stop()
	})
}

// After an approval, Resume is called again: the program may have loaded sessions meanwhile.
func TestResumeAfterPairing(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := start(t, protocol.ConnectParams{})
		s := h.reach(pairing)
		h.cursors = []protocol.Cursor{{SessionKey: "a", AfterSeq: 1}}
		h.pass(2 * time.Second) // a poll is under way
		poll := s.last().ID
		s.event(protocol.EventDeviceResolved, `{"status":"approved"}`)
		if p := s.hello(t); len(p.Resume) != 1 || s.count(protocol.MethodConnect) != 2 {
			t.Fatalf("hello %+v", p)
		}
		s.handler.Message(protocol.AppendResult(nil, poll, rawPayload(`{"status":"approved"}`)))
		s.event(protocol.EventDeviceResolved, `{"status":"approved"}`)
		h.phase(Connecting)
		if n := s.count(protocol.MethodConnect); n != 2 {
			t.Fatalf("%d connects on one socket", n)
		}
		s.answer(welcomed)
		h.phase(Ready)
		h.client.Stop()
	})
}

func TestResumeIsBounded(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		key       string // of each cursor, with its number
		cursors   int
		sent      int
		sentBytes int // at most, of all of them; 0: not looked at
	}{
		{"none", "k", 0, 0, 0},
		{"as many as a connect takes", "k", protocol.MaxResume, protocol.MaxResume, 0},
		{"one more", "k", protocol.MaxResume + 1, protocol.MaxResume, 0},
		{"long keys", strings.Repeat("k", protocol.MaxSessionKeyLength-3), 90, 37, maxResumeBytes},
		{"keys that grow when they are encoded", strings.Repeat("\x01", protocol.MaxSessionKeyLength-3), 90, 7, maxResumeBytes},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				h := start(t, protocol.ConnectParams{Token: strings.Repeat("t", 256), UserID: strings.Repeat("u", 255)})
				for i := range tt.cursors {
					h.cursors = append(h.cursors, protocol.Cursor{
						SessionKey: tt.key + strconv.Itoa(100+i), Epoch: "e0123456789abcdef", AfterSeq: 1 << 40})
				}
				s := h.reach(connecting)
				got := s.hello(t).Resume
				if len(got) != tt.sent {
					t.Fatalf("%d cursors were sent, want %d", len(got), tt.sent)
				}
				for i := range got {
					if got[i] != h.cursors[i] {
						t.Fatalf("cursor %d is %+v", i, got[i])
					}
				}
				if n := len(s.last().Params); tt.sentBytes > 0 && (n < tt.sentBytes-2000 || n > tt.sentBytes+1000) || n > protocol.MaxPendingFrameBytes-100 {
					t.Fatalf("a connect of %d bytes", n)
				}
				h.client.Stop()
			})
		})
	}
}

// slowProgram is a program that blocks in the first event.
type slowProgram struct {
	*testing.T
	client    *Client
	transport *fakeTransport
	release   chan struct{}
	callbacks []string // what was reported, in order
	lastHeard int64
}

func newSlowProgram(t *testing.T) *slowProgram {
	p := &slowProgram{T: t, transport: &fakeTransport{}, release: make(chan struct{})}
	p.client = New(Options{
		Transport: p.transport,
		Resume: func() []protocol.Cursor {
			p.callbacks = append(p.callbacks, "resume")
			return []protocol.Cursor{{SessionKey: "a", AfterSeq: p.lastHeard}}
		},
		OnState: func(s State) { p.callbacks = append(p.callbacks, s.Phase.String()) },
		OnEvent: func(f protocol.Frame) {
			if p.lastHeard == 0 {
				<-p.release
			}
			p.lastHeard = f.Seq
			p.callbacks = append(p.callbacks, "event")
		},
	})
	p.client.Start()
	s := p.transport.sockets[0]
	s.openNow()
	s.answer(welcomed)
	go s.handler.Message(protocol.AppendEvent(nil, protocol.EventAgent, []byte(`{}`), 1))
	synctest.Wait()
	s.handler.Message(protocol.AppendEvent(nil, protocol.EventAgent, []byte(`{}`), 2))
	p.callbacks = nil
	return p
}

// unblock unblocks the program.
func (p *slowProgram) unblock() {
	close(p.release)
	synctest.Wait()
}

func (p *slowProgram) newest() *fakeSocket { return p.transport.sockets[len(p.transport.sockets)-1] }

func TestResumeIsNotBehindWhatWasHeard(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := newSlowProgram(t)
		call := false
		p.client.Call(protocol.MethodHealth, nil, func(jsontext.Raw, *protocol.Error) {
			call = true
			p.callbacks = append(p.callbacks, "answer")
		})
		p.newest().end(1006, "")
		p.client.TryNow()
		s := p.newest()
		s.openNow()
		time.Sleep(time.Second)
		synctest.Wait()
		if len(s.frames) != 0 || call {
			t.Fatal("connect was sent before the program had received all events")
		}
		p.unblock()
		if got, want := strings.Join(p.callbacks, " "), "event event answer waiting connecting resume"; got != want {
			t.Fatalf("callbacks are %q, want %q", got, want)
		}
		if r := s.hello(t).Resume; len(r) != 1 || r[0].AfterSeq != 2 {
			t.Fatalf("resumes %+v", r)
		}
		s.answer(welcomed)
		synctest.Wait()
		if p.client.State().Phase != Ready {
			t.Fatalf("the client is %v", p.client.State().Phase)
		}
		p.client.Stop()
	})
}

func TestLinkThatEndsBeforeItsHelloIsNotGreeted(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		end  func(p *slowProgram, s *fakeSocket)
	}{
		{"lost", func(_ *slowProgram, s *fakeSocket) { s.end(1006, "") }},
		{"too late", func(p *slowProgram, _ *fakeSocket) {
			time.Sleep(helloTimeout)
			synctest.Wait()
		}},
		{"redialled", func(p *slowProgram, _ *fakeSocket) { p.client.Redial() }},
		{"stopped and started", func(p *slowProgram, _ *fakeSocket) {
			p.client.Stop()
			p.client.Start()
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				p := newSlowProgram(t)
				p.newest().end(1006, "")
				p.client.TryNow()
				lost := p.newest()
				lost.openNow()
				tt.end(p, lost)
				if lost.alive() {
					t.Fatal("the socket has not ended")
				}
				p.client.TryNow()
				next := p.newest()
				next.openNow()
				p.unblock()
				if next == lost || len(lost.frames) != 0 {
					t.Fatalf("the ended socket was sent %v", lost.frames)
				}
				if r := next.hello(t).Resume; len(next.frames) != 1 || r[0].AfterSeq != 2 {
					t.Fatalf("the next one was sent %+v", next.frames)
				}
				p.client.Stop()
			})
		})
	}
}
