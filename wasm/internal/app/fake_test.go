//go:build !js

package app

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view/viewtest"
)

// fakeBrowser is a Browser with a document of viewtest. A frame comes 16 ms after its
// request, by the test's clock.
type fakeBrowser struct {
	*viewtest.Document

	mu                sync.Mutex
	host              string
	path              string
	fragment          string
	navigations       []string // calls of Push, Replace, Leave and Reload
	title             string
	fetch             func(method, body string) (int, string)
	routes            map[string]func() (int, string) // by method and path; else fetch answers
	fetched           []string
	copied            string
	tabValues         map[string]string
	random            byte
	offline           bool
	scrolledToLatest  int      // calls of ToLatest
	enterKey          string   // what the user has chosen that Enter does
	printed           []int    // calls of Print: how many messages were shown
	refreshes         []string // calls of Refresh: the ids of their forms
	refreshStatus     int      // the status that Refresh answers
	notificationState string
	notified          []string
	files             *fakeFiles
	clock             func(protocol.Time) string // nil: RFC 3339
	attachText        func(name, text string)    // AttachText calls it
}

func newFakeBrowser(doc *viewtest.Document) *fakeBrowser {
	return &fakeBrowser{
		Document: doc, host: "chat.example", path: "/", tabValues: map[string]string{},
		fetch: func(string, string) (int, string) { return 204, "" }, refreshStatus: 200,
		files: newFakeFiles(),
	}
}

func (fb *fakeBrowser) note(what string)     { fb.navigations = append(fb.navigations, what) }
func (fb *fakeBrowser) Origin() string       { return "http://" + fb.host }
func (fb *fakeBrowser) Host() string         { return fb.host }
func (fb *fakeBrowser) Path() string         { return fb.path }
func (fb *fakeBrowser) TakeFragment() string { f := fb.fragment; fb.fragment = ""; return f }
func (fb *fakeBrowser) Push(path string)     { fb.path = path; fb.note("push " + path) }
func (fb *fakeBrowser) Replace(path string)  { fb.path = path; fb.note("replace " + path) }
func (fb *fakeBrowser) Leave(path string)    { fb.note("leave " + path) }
func (fb *fakeBrowser) Reload()              { fb.note("reload") }
func (fb *fakeBrowser) SetTitle(s string)    { fb.title = s }
func (fb *fakeBrowser) Frame(f func())       { time.AfterFunc(16*time.Millisecond, f) }
func (fb *fakeBrowser) ToLatest()            { fb.scrolledToLatest++ }
func (fb *fakeBrowser) HideSidebar()         {}
func (fb *fakeBrowser) FocusComposer()       { fb.Focused = fb.Get("composer-input") }
func (fb *fakeBrowser) EnterKey() string     { return fb.enterKey }
func (fb *fakeBrowser) SetEnterKey(s string) { fb.enterKey = s }
func (fb *fakeBrowser) Print()               { fb.printed = append(fb.printed, len(fb.Get("messages").Elements())) }
func (fb *fakeBrowser) Online() bool         { return !fb.offline }
func (fb *fakeBrowser) TabValue(k string) string {
	return fb.tabValues[k]
}
func (fb *fakeBrowser) SetTabValue(k, v string) { fb.tabValues[k] = v }
func (fb *fakeBrowser) Matches(text, sought string) bool {
	return strings.Contains(strings.ToLower(text), strings.ToLower(sought))
}
func (fb *fakeBrowser) Clock(at protocol.Time) string {
	if fb.clock != nil {
		return fb.clock(at)
	}
	return at.String()
}

func (fb *fakeBrowser) Refresh(form view.Element, done func(int)) {
	id := ""
	if form != nil {
		id = form.Attr("id")
	}
	fb.refreshes = append(fb.refreshes, id)
	go func() {
		time.Sleep(time.Millisecond)
		done(fb.refreshStatus)
	}()
}

func (fb *fakeBrowser) NotificationState() string        { return fb.notificationState }
func (fb *fakeBrowser) RequestNotifications(done func()) { fb.notificationState = "on"; go done() }
func (fb *fakeBrowser) Notify(title, to string) {
	fb.notified = append(fb.notified,
		title+" "+to)
}

func (fb *fakeBrowser) Random(b []byte) {
	fb.random++
	for i := range b {
		b[i] = fb.random
	}
}

func (fb *fakeBrowser) Copy(text string, done func(bool)) {
	fb.copied = text
	go done(true)
}

func (fb *fakeBrowser) Fetch(method, path, body string, done func(int, string)) {
	fb.mu.Lock()
	fb.fetched = append(fb.fetched, strings.TrimSpace(method+" "+path+" "+body))
	answer, route := fb.fetch, fb.routes[method+" "+path]
	fb.mu.Unlock()
	go func() {
		time.Sleep(time.Millisecond)
		if route != nil {
			done(route())
		} else {
			done(answer(method, body))
		}
	}()
}

// fakeGateway answers requests by method, in their order, each after a millisecond.
type fakeGateway struct {
	t        *testing.T
	mu       sync.Mutex
	down     bool
	socket   *fakeSocket // the last one
	dialled  int
	requests []request
	answers  map[string]func(p params) (string, *protocol.Error)
}

// noAnswer is a payload for requests that the gateway does not answer.
const noAnswer = "-"

type request struct {
	method string
	params params
}

type params map[string]any

func (p params) text(name string) string { s, _ := p[name].(string); return s }

func newFakeGateway(t *testing.T) *fakeGateway {
	g := &fakeGateway{t: t, answers: map[string]func(params) (string, *protocol.Error){}}
	g.on("connect", `{"protocol":3,"role":"operator","user_id":"u","server":{"name":"g","version":"1"}}`)
	g.on("sessions.list", `{"sessions":[]}`)
	g.on("agents.list", `{"agents":[{"id":"main","name":"Main agent","provider":"builtin","default":true}]}`)
	g.on("device.pair.list", `{"pending":[],"paired":[]}`)
	return g
}

// on answers a method with a payload.
func (g *fakeGateway) on(method, payload string) {
	g.answer(method, func(params) (string, *protocol.Error) { return payload, nil })
}

// refuse answers a method with an error.
func (g *fakeGateway) refuse(method string, err *protocol.Error) {
	g.answer(method, func(params) (string, *protocol.Error) { return "", err })
}

func (g *fakeGateway) answer(method string, f func(params) (string, *protocol.Error)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.answers[method] = f
}

// calls returns the params of every request of a method.
func (g *fakeGateway) calls(method string) []params {
	g.mu.Lock()
	defer g.mu.Unlock()
	var list []params
	for _, r := range g.requests {
		if r.method == method {
			list = append(list, r.params)
		}
	}
	return list
}

func (g *fakeGateway) Dial(h client.SocketHandler) client.Socket {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := &fakeSocket{gateway: g, handler: h, queue: make(chan func(), 100)}
	g.dialled++
	g.socket = s
	go s.run()
	if g.down {
		s.end(1006, "")
	} else {
		s.queue <- h.Opened
	}
	return s
}

type fakeSocket struct {
	gateway *fakeGateway
	handler client.SocketHandler
	queue   chan func()
	ended   bool
}

// run runs the queued functions, and sends ticks.
func (s *fakeSocket) run() {
	tick := time.NewTicker(protocol.TickInterval)
	defer tick.Stop()
	for {
		select {
		case f, more := <-s.queue:
			if !more {
				return
			}
			time.Sleep(time.Millisecond)
			f()
		case <-tick.C:
			s.handler.Message([]byte(`{"type":"event","event":"tick","payload":{}}`))
		}
	}
}

// end closes the socket from either side.
func (s *fakeSocket) end(code int, reason string) {
	if !s.ended {
		s.ended = true
		s.queue <- func() { s.handler.Closed(code, reason) }
		close(s.queue)
	}
}

func (s *fakeSocket) Close(code int, reason string) {
	s.gateway.mu.Lock()
	defer s.gateway.mu.Unlock()
	s.end(code, reason)
}

func (s *fakeSocket) Send(data []byte) {
	var f struct {
		ID, Method string
		Params     params
	}
	if err := json.Unmarshal(data, &f); err != nil {
		s.gateway.t.Errorf("the client sent %s: %v", data, err)
	}
	s.gateway.mu.Lock()
	defer s.gateway.mu.Unlock()
	s.gateway.requests = append(s.gateway.requests, request{f.Method, f.Params})
	answer := s.gateway.answers[f.Method]
	if answer == nil || s.ended {
		return // the gateway does not answer
	}
	s.queue <- func() {
		payload, err := answer(f.Params)
		if payload == noAnswer {
			return
		}
		if err != nil {
			s.handler.Message(protocol.AppendError(nil, f.ID, err))
			return
		}
		s.handler.Message(fmt.Appendf(nil, `{"type":"res","id":%q,"ok":true,"payload":%s}`, f.ID,
			payload))
	}
}

// event sends an event.
func (g *fakeGateway) event(name, payload string, seq int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.socket
	frame := fmt.Appendf(nil, `{"type":"event","event":%q,"payload":%s,"seq":%d}`, name, payload, seq)
	s.queue <- func() { s.handler.Message(frame) }
}

// cut closes the connection. If down, the gateway accepts no connections from now on.
func (g *fakeGateway) cut(code int, reason string, down bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.down = down
	g.socket.end(code, reason)
}

// up has the gateway accept connections again.
func (g *fakeGateway) up() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.down = false
}

// harness is a page with a fake browser, storage and gateway.
type harness struct {
	t       *testing.T
	browser *fakeBrowser
	gateway *fakeGateway
	app     *App

	storage *fakeStorage
	tab     *tabStorage
}

// withPage runs a test on a page, within a synctest bubble.
func withPage(t *testing.T, doc func() *viewtest.Document, set func(*fakeBrowser, *fakeGateway),
	test func(s *harness)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		win, g := newFakeBrowser(doc()), newFakeGateway(t)
		if set != nil {
			set(win, g)
		}
		s := openPage(t, win, g, newFakeStorage())
		test(s)
		s.close()
	})
}

// openPage opens the browser's page as a new tab of the storage.
func openPage(t *testing.T, win *fakeBrowser, g *fakeGateway, storage *fakeStorage) *harness {
	s := &harness{t: t, browser: win, gateway: g, storage: storage}
	s.tab = storage.open()
	s.app = New(Options{Browser: win, Transport: g, Storage: s.tab, Version: "1"})
	s.app.Start()
	s.wait(100 * time.Millisecond)
	return s
}

// close closes the page and stops everything that it has started.
func (s *harness) close() {
	s.tab.close()
	s.app.loop.do(func() {
		if c := s.app.base.conn; c != nil {
			c.Stop()
		}
		s.app.timer.Stop()
		s.app.timer = time.NewTimer(0)
	})
	s.wait(time.Second)
}

// wait lets time pass. The empty function on the loop orders what the test has read and
// written before what the app does next, for the race detector.
func (s *harness) wait(d time.Duration) {
	s.app.loop.do(func() {})
	time.Sleep(d)
	synctest.Wait()
}

// do starts an action at the first element that has it, below the element with that id.
func (s *harness) do(action, within string) {
	s.t.Helper()
	s.act(action, s.browser.Get(within))
}

// act starts an action at within, or at the first element below it that has the action.
func (s *harness) act(action string, within *viewtest.Element) {
	s.t.Helper()
	var target view.Element = within
	if within.Attr("data-action") != action {
		found := within.Find("data-action", action)
		if len(found) == 0 {
			s.t.Fatalf("there is no %s in %s", action, within.HTML())
		}
		target = found[0]
	}
	s.app.Act(action, target)
	s.wait(50 * time.Millisecond)
}

// state returns the state of the root element.
func (s *harness) state() string { return s.browser.Root.Attr("data-state") }

// eq fails the test, and goes on, unless got is want.
func eq[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}
