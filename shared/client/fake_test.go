//go:build !js

package client

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// fakeTransport records the sockets that a Client opens. The test acts as the network and
// the gateway.
type fakeTransport struct{ sockets []*fakeSocket }

type fakeSocket struct {
	handler SocketHandler
	frames  []protocol.Request
	code    int // of Close; 0 while it was not called
	reason  string
	open    bool // Opened was reported
	ended   bool // Closed was reported
}

func (f *fakeTransport) Dial(h SocketHandler) Socket {
	s := &fakeSocket{handler: h}
	f.sockets = append(f.sockets, s)
	return s
}

func (s *fakeSocket) Send(data []byte) {
	if !s.alive() || !s.open {
		panic("something was sent on a socket that is not open")
	}
	var r protocol.Request
	if err := json.Unmarshal(data, &r); err != nil {
		panic("the client sent no JSON: " + err.Error())
	}
	s.frames = append(s.frames, r)
}

func (s *fakeSocket) Close(code int, reason string) {
	if s.code != 0 {
		panic("closed twice")
	}
	if code != 1000 && (code < 4000 || code > 4999) || len(reason) > 123 {
		panic("browsers do not allow this code or reason")
	}
	s.code, s.reason = code, reason
}

func (s *fakeSocket) openNow() {
	s.open = true
	s.handler.Opened()
}

func (s *fakeSocket) alive() bool { return s.code == 0 && !s.ended }

func (s *fakeSocket) end(code int, reason string) {
	if !s.ended {
		s.ended = true
		s.handler.Closed(code, reason)
	}
}

// last returns the last request on the socket.
func (s *fakeSocket) last() protocol.Request {
	if len(s.frames) == 0 {
		return protocol.Request{}
	}
	return s.frames[len(s.frames)-1]
}

func (s *fakeSocket) count(method string) int {
	n := 0
	for _, r := range s.frames {
		if r.Method == method {
			n++
		}
	}
	return n
}

func (s *fakeSocket) sendText(frame string) { s.handler.Message([]byte(frame)) }

func (s *fakeSocket) event(name, payload string) {
	s.handler.Message(protocol.AppendEvent(nil, name, []byte(payload), 0))
}

type rawPayload string

func (r rawPayload) AppendJSON(dst []byte) []byte { return append(dst, r...) }
func (rawPayload) DecodeJSON(*jsontext.Decoder)   {}

// answer answers the last request.
func (s *fakeSocket) answer(payload string) {
	s.handler.Message(protocol.AppendResult(nil, s.last().ID, rawPayload(payload)))
}

func (s *fakeSocket) refuse(e *protocol.Error) {
	s.handler.Message(protocol.AppendError(nil, s.last().ID, e))
}

// harness is a Client that records its callbacks.
type harness struct {
	*testing.T
	client    *Client
	transport *fakeTransport
	states    []State
	events    []protocol.Frame
	skew      time.Duration // of the wall's clock
	cursors   []protocol.Cursor
	asked     int // how often for the cursors
}

// start returns a started Client without jitter. It must run in a bubble.
func start(t *testing.T, hello protocol.ConnectParams) *harness {
	h := newHarness(t, hello)
	h.client.Start()
	return h
}

func newHarness(t *testing.T, hello protocol.ConnectParams) *harness {
	h := &harness{T: t, transport: &fakeTransport{}}
	h.client = New(Options{
		Transport: h.transport,
		Hello:     hello,
		Resume: func() []protocol.Cursor {
			h.asked++
			return h.cursors
		},
		OnState: func(s State) { h.states = append(h.states, s) },
		OnEvent: func(f protocol.Frame) { h.events = append(h.events, f) },
	})
	h.client.random = func() float64 { return 0 }
	h.client.now = func() moment {
		m := readClocks()
		m.wall = m.wall.Add(h.skew)
		return m
	}
	return h
}

const (
	welcomed = `{"protocol":3,"role":"operator","user_id":"u1","server":{"name":"gatehouse","version":"1"},` +
		`"limits":{"maxFrameBytes":524288,"pingIntervalMs":30000,"readTimeoutMs":60000,"tickIntervalMs":15000}}`
	pendingCode = `{"protocol":3,"status":"pending_pairing","pairing_code":"ABCDEFGH","sender_id":"s-1",` +
		`"expires_at":"2026-01-01T01:00:00.000Z","poll_interval_ms":2000,"server":{"name":"gatehouse","version":"1"}}`
)

// socket returns the newest socket.
func (h *harness) socket() *fakeSocket {
	h.Helper()
	if len(h.transport.sockets) == 0 {
		h.Fatal("no socket was opened")
	}
	return h.transport.sockets[len(h.transport.sockets)-1]
}

// reach brings the newest socket to a step.
func (h *harness) reach(to step) *fakeSocket {
	h.Helper()
	s := h.socket()
	if to == dialing {
		return s
	}
	s.openNow()
	switch to {
	case pairing:
		s.answer(pendingCode)
		h.phase(Pairing)
	case ready:
		s.answer(welcomed)
		h.phase(Ready)
	}
	return s
}

// phase fails unless the Client is in the phase, and OnState has reported it last.
func (h *harness) phase(want Phase) State {
	h.Helper()
	synctest.Wait()
	s := h.client.State()
	if s.Phase != want {
		h.Fatalf("the client is %v (%v), want %v", s.Phase, s.Err, want)
	}
	if reported := h.states[len(h.states)-1]; reported.Phase != want {
		h.Fatalf("last reported %v, want %v", reported.Phase, want)
	}
	return s
}

// pass lets time pass, and timers fire. It locks the client first, so that the test's reads
// happen before the timers' writes.
func (h *harness) pass(d time.Duration) {
	h.client.State()
	time.Sleep(d)
	synctest.Wait()
}

// call sends a request and counts its answers in the result.
func (h *harness) call(method string, params protocol.Payload) *outcome {
	o := &outcome{}
	h.client.Call(method, params, func(payload jsontext.Raw, err *protocol.Error) {
		o.times++
		o.payload, o.err = string(payload), err
	})
	return o
}

type outcome struct {
	times   int
	payload string
	err     *protocol.Error
}

func (o *outcome) code(t *testing.T) protocol.Code {
	t.Helper()
	if o.times != 1 {
		t.Fatalf("a call was answered %d times", o.times)
	}
	if o.err == nil {
		return ""
	}
	return o.err.Code
}

func phases(states []State) string {
	var names []string
	for _, s := range states {
		names = append(names, s.Phase.String())
	}
	return strings.Join(names, " ")
}
