package firefox

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/gatehouse-chat/gatehouse/server/e2e/rig"
)

// Tab is a tab of a Firefox.
type Tab struct {
	t       testing.TB
	browser *browser
	id      string
}

// browser is the connection to a Firefox.
type browser struct {
	conn   *websocket.Conn
	lastID int
	errors map[string][]string // logged by pages, by the id of their tab
}

// params are the parameters of a command.
type params map[string]any

// Open starts a Firefox and returns its tab. preferences are lines of its user.js.
func Open(t testing.TB, preferences string) *Tab {
	t.Helper()
	program := Start(t, preferences, "--remote-debugging-port", "0")
	_, address, _ := strings.Cut(program.AwaitLine("WebDriver BiDi listening on "), "listening on ")
	ctx, cancel := context.WithTimeout(t.Context(), rig.WaitLimit)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, strings.TrimSpace(address)+"/session", nil)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetReadLimit(64 << 20)
	t.Cleanup(func() { _ = conn.CloseNow() })
	first := &Tab{t: t, browser: &browser{conn: conn, errors: map[string][]string{}}}
	first.call("session.new", params{"capabilities": params{}}, nil)
	first.call("session.subscribe", params{"events": []string{"log.entryAdded"}}, nil)
	// The tab that Firefox starts with never gets the focus, without which keys press no
	// buttons.
	return first.open(params{"type": "tab"})
}

// open opens a tab.
func (b *Tab) open(p params) *Tab {
	b.t.Helper()
	var made struct{ Context string }
	b.call("browsingContext.create", p, &made)
	opened := &Tab{b.t, b.browser, made.Context}
	opened.Resize(1280, 800)
	return opened
}

// OpenStranger opens a tab with cookies of its own.
func (b *Tab) OpenStranger() *Tab {
	b.t.Helper()
	var user struct{ UserContext string }
	b.call("browser.createUserContext", params{}, &user)
	return b.open(params{"type": "tab", "userContext": user.UserContext})
}

// call sends a command and decodes its result, unless that is nil.
func (b *Tab) call(method string, p params, result any) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), rig.WaitLimit)
	defer cancel()
	b.browser.lastID++
	command, err := json.Marshal(params{"id": b.browser.lastID, "method": method, "params": p})
	if err != nil {
		b.t.Fatal(err)
	}
	if err := b.browser.conn.Write(ctx, websocket.MessageText, command); err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
	for {
		_, text, err := b.browser.conn.Read(ctx)
		if err != nil {
			b.t.Fatalf("%s: %v", method, err)
		}
		var m message
		if err := json.Unmarshal(text, &m); err != nil {
			b.t.Fatalf("%s: %v", method, err)
		}
		switch {
		case m.Type == "event":
			b.browser.note(&m)
		case m.ID != b.browser.lastID:
		case m.Type != "success":
			b.t.Fatalf("%s %s: %s", method, command, m.Message)
		default:
			if result != nil {
				if err := json.Unmarshal(m.Result, result); err != nil {
					b.t.Fatalf("%s: %v", method, err)
				}
			}
			return
		}
	}
}

// message is what Firefox sends: an answer to a command, or an event.
type message struct {
	Type, Message string
	ID            int
	Result        json.RawMessage
	Params        struct {
		Level, Text string
		Source      struct{ Context string }
	}
}

// note keeps the errors that pages log. Requests that fail while the gateway is away are
// none.
func (b *browser) note(m *message) {
	if p := m.Params; p.Level == "error" && !strings.Contains(p.Text, "NetworkError") {
		b.errors[p.Source.Context] = append(b.errors[p.Source.Context], p.Text)
	}
}

// Errors returns the errors that the tab's pages have logged.
func (b *Tab) Errors() []string { return b.browser.errors[b.id] }

// Resize sets the size of the page, in CSS pixels.
func (b *Tab) Resize(width, height int) {
	b.t.Helper()
	b.call("browsingContext.setViewport", params{"context": b.id,
		"viewport": params{"width": width, "height": height}}, nil)
}

// Navigate opens a page and waits until it is loaded.
func (b *Tab) Navigate(url string) {
	b.t.Helper()
	b.call("browsingContext.navigate", params{"context": b.id, "url": url, "wait": "complete"}, nil)
}

// Reload loads the page again.
func (b *Tab) Reload() {
	b.t.Helper()
	b.call("browsingContext.reload", params{"context": b.id, "wait": "complete"}, nil)
}

// Evaluate returns an expression's value as text, or the text of the exception that it
// throws. It waits for a promise.
func (b *Tab) Evaluate(expression string) string {
	b.t.Helper()
	var out struct {
		Result           struct{ Value string }
		ExceptionDetails struct{ Text string }
	}
	b.call("script.evaluate", params{"expression": "Promise.resolve(" + expression + ").then(String)",
		"target": params{"context": b.id}, "awaitPromise": true}, &out)
	return out.Result.Value + out.ExceptionDetails.Text
}

// run runs a script in the page, whatever the page's policy allows.
func (b *Tab) run(script string) {
	b.t.Helper()
	b.call("script.evaluate", params{"expression": script, "awaitPromise": false,
		"target": params{"context": b.id}}, nil)
}

// Wait waits until an expression is true.
func (b *Tab) Wait(what, expression string) {
	b.t.Helper()
	for end := time.Now().Add(rig.WaitLimit); ; time.Sleep(50 * time.Millisecond) {
		got := b.Evaluate(expression)
		if got == "true" {
			return
		}
		if time.Now().After(end) {
			b.t.Fatalf("%s: %s is %s\n%s", what, expression, got,
				b.Evaluate("JSON.stringify({...document.body.dataset}) + document.body.innerText"))
		}
	}
}
