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

// window is a Browser with a document of viewtest. Frames come after 16 ms of the
// test's clock.
type window struct {
	*viewtest.Document

	mu       sync.Mutex
	host     string
	path     string
	fragment string
	visited  []string // what Push, Replace, Leave and Reload did
	title    string
	fetch    func(method, body string) (int, string)
	routes   map[string]func() (int, string) // by method and path; else fetch answers
	fetched  []string
	copied   string
	kept     map[string]string
	random   byte
	offline  bool
	latest   int      // calls of ToLatest
	renewals []string // the ids of their forms
	renewed  int      // the status that they give
	notices  string
	notified []string
	files    *drawer
	clock    func(protocol.Time) string // nil: RFC 3339
}

func newWindow(doc *viewtest.Document) *window {
	return &window{
		Document: doc, host: "chat.example", path: "/", kept: map[string]string{},
		fetch: func(string, string) (int, string) { return 204, "" }, renewed: 200,
		files: newDrawer(),
	}
}

func (w *window) note(what string)     { w.visited = append(w.visited, what) }
func (w *window) Origin() string       { return "http://" + w.host }
func (w *window) Host() string         { return w.host }
func (w *window) Path() string         { return w.path }
func (w *window) TakeFragment() string { f := w.fragment; w.fragment = ""; return f }
func (w *window) Push(path string)     { w.path = path; w.note("push " + path) }
func (w *window) Replace(path string)  { w.path = path; w.note("replace " + path) }
func (w *window) Leave(path string)    { w.note("leave " + path) }
func (w *window) Reload()              { w.note("reload") }
func (w *window) SetTitle(s string)    { w.title = s }
func (w *window) Frame(f func())       { time.AfterFunc(16*time.Millisecond, f) }
func (w *window) ToLatest()            { w.latest++ }
func (w *window) HideSidebar()         {}
func (w *window) Online() bool         { return !w.offline }
func (w *window) Recall(k string) string {
	return w.kept[k]
}
func (w *window) Keep(k, v string) { w.kept[k] = v }
func (w *window) Matches(text, sought string) bool {
	return strings.Contains(strings.ToLower(text), strings.ToLower(sought))
}
func (w *window) Clock(at protocol.Time) string {
	if w.clock != nil {
		return w.clock(at)
	}
	return at.String()
}

func (w *window) Renew(form view.Element, done func(int)) {
	id := ""
	if form != nil {
		id = form.Attr("id")
	}
	w.renewals = append(w.renewals, id)
	go func() {
		time.Sleep(time.Millisecond)
		done(w.renewed)
	}()
}

func (w *window) Notices() string         { return w.notices }
func (w *window) AskNotices(done func())  { w.notices = "on"; go done() }
func (w *window) Notify(title, to string) { w.notified = append(w.notified, title+" "+to) }

func (w *window) Random(b []byte) {
	w.random++
	for i := range b {
		b[i] = w.random
	}
}

func (w *window) Copy(text string, done func(bool)) {
	w.copied = text
	go done(true)
}

func (w *window) Fetch(method, path, body string, done func(int, string)) {
	w.mu.Lock()
	w.fetched = append(w.fetched, strings.TrimSpace(method+" "+path+" "+body))
	answer, route := w.fetch, w.routes[method+" "+path]
	w.mu.Unlock()
	go func() {
		time.Sleep(time.Millisecond)
		if route != nil {
			done(route())
		} else {
			done(answer(method, body))
		}
	}()
}

// gateway plays the other side: it answers requests by method, a millisecond
// after they came and in their order.
type gateway struct {
	t       *testing.T
	mu      sync.Mutex
	down    bool
	socket  *socket // the last one
	dialled int
	asked   []request
	answers map[string]func(p params) (string, *protocol.Error)
}

// silence is the payload of an answer that is never given.
const silence = "-"

type request struct {
	method string
	params params
}

type params map[string]any

func (p params) text(name string) string { s, _ := p[name].(string); return s }

func newGateway(t *testing.T) *gateway {
	g := &gateway{t: t, answers: map[string]func(params) (string, *protocol.Error){}}
	g.on("connect", `{"protocol":3,"role":"operator","user_id":"u","server":{"name":"g","version":"1"}}`)
	g.on("sessions.list", `{"sessions":[]}`)
	g.on("agents.list", `{"agents":[{"id":"main","name":"Main agent","provider":"builtin","default":true}]}`)
	g.on("device.pair.list", `{"pending":[],"paired":[]}`)
	return g
}

// on answers a method with a payload.
func (g *gateway) on(method, payload string) {
	g.answer(method, func(params) (string, *protocol.Error) { return payload, nil })
}

// refuse answers a method with an error.
func (g *gateway) refuse(method string, err *protocol.Error) {
	g.answer(method, func(params) (string, *protocol.Error) { return "", err })
}

func (g *gateway) answer(method string, f func(params) (string, *protocol.Error)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.answers[method] = f
}

// calls gives the params of every request of a method.
func (g *gateway) calls(method string) []params {
	g.mu.Lock()
	defer g.mu.Unlock()
	var list []params
	for _, r := range g.asked {
		if r.method == method {
			list = append(list, r.params)
		}
	}
	return list
}

func (g *gateway) Dial(h client.SocketHandler) client.Socket {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := &socket{gateway: g, handler: h, todo: make(chan func(), 100)}
	g.dialled++
	g.socket = s
	go s.run()
	if g.down {
		s.end(1006, "")
	} else {
		s.todo <- h.Opened
	}
	return s
}

type socket struct {
	gateway *gateway
	handler client.SocketHandler
	todo    chan func()
	ended   bool
}

// run does what is to do, and ticks as a gateway does.
func (s *socket) run() {
	tick := time.NewTicker(protocol.TickInterval)
	defer tick.Stop()
	for {
		select {
		case f, more := <-s.todo:
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
func (s *socket) end(code int, reason string) {
	if !s.ended {
		s.ended = true
		s.todo <- func() { s.handler.Closed(code, reason) }
		close(s.todo)
	}
}

func (s *socket) Close(code int, reason string) {
	s.gateway.mu.Lock()
	defer s.gateway.mu.Unlock()
	s.end(code, reason)
}

func (s *socket) Send(data []byte) {
	var f struct {
		ID, Method string
		Params     params
	}
	if err := json.Unmarshal(data, &f); err != nil {
		s.gateway.t.Errorf("the client sent %s: %v", data, err)
	}
	s.gateway.mu.Lock()
	defer s.gateway.mu.Unlock()
	s.gateway.asked = append(s.gateway.asked, request{f.Method, f.Params})
	answer := s.gateway.answers[f.Method]
	if answer == nil || s.ended {
		return // a gateway that stays silent
	}
	s.todo <- func() {
		payload, err := answer(f.Params)
		if payload == silence {
			return
		}
		if err != nil {
			s.handler.Message(protocol.AppendError(nil, f.ID, err))
			return
		}
		s.handler.Message(fmt.Appendf(nil, `{"type":"res","id":%q,"ok":true,"payload":%s}`, f.ID, payload))
	}
}

// event sends one.
func (g *gateway) event(name, payload string, seq int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.socket
	frame := fmt.Appendf(nil, `{"type":"event","event":%q,"payload":%s,"seq":%d}`, name, payload, seq)
	s.todo <- func() { s.handler.Message(frame) }
}

// cut ends the connection, and leaves the gateway down or up.
func (g *gateway) cut(code int, reason string, down bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.down = down
	g.socket.end(code, reason)
}

// up lets new connections in.
func (g *gateway) up() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.down = false
}

// scene is a page, a gateway and time to pass.
type scene struct {
	t   *testing.T
	win *window
	g   *gateway
	app *App

	kept   *shelf
	keeper *keeper
}

// play runs a test on a page, within a synctest bubble.
func play(t *testing.T, doc func() *viewtest.Document, set func(*window, *gateway), test func(s *scene)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		win, g := newWindow(doc()), newGateway(t)
		if set != nil {
			set(win, g)
		}
		s := openScene(t, win, g, newShelf())
		test(s)
		s.leave()
	})
}

// openScene opens the window's page, on what the browser keeps.
func openScene(t *testing.T, win *window, g *gateway, kept *shelf) *scene {
	s := &scene{t: t, win: win, g: g, kept: kept}
	s.keeper = kept.open()
	s.app = New(Options{Browser: win, Transport: g, Keeper: s.keeper, Version: "1"})
	s.app.Start()
	s.wait(100 * time.Millisecond)
	return s
}

// leave closes the page: nothing goes on.
func (s *scene) leave() {
	s.keeper.close()
	s.app.loop.do(func() {
		if c := s.app.shell.conn; c != nil {
			c.Stop()
		}
		s.app.timer.Stop()
		s.app.timer = time.NewTimer(0)
	})
	s.wait(time.Second)
}

// wait lets time pass. What the test has read and written so far comes before
// whatever the app does then.
func (s *scene) wait(d time.Duration) {
	s.app.loop.do(func() {})
	time.Sleep(d)
	synctest.Wait()
}

// do acts at the first element beneath an element with that id that has the
// action.
func (s *scene) do(action, within string) {
	s.t.Helper()
	s.act(action, s.win.Get(within))
}

func (s *scene) act(action string, within *viewtest.Element) {
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

// state is the root's.
func (s *scene) state() string { return s.win.Root.Attr("data-state") }

// eq checks a value.
func eq[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}
