package interop

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/gatehouse-chat/gatehouse/server/e2e/rig"
)

// tab is a tab of a Firefox that WebDriver BiDi controls.
type tab struct {
	t       *testing.T
	conn    *websocket.Conn
	lastID  int
	context string
	errors  []string // logged by the page
}

// newTab starts a Firefox and takes its tab.
func newTab(t *testing.T) *tab {
	t.Helper()
	firefox := startFirefox(t, "--remote-debugging-port", "0")
	_, address, _ := strings.Cut(firefox.AwaitLine("WebDriver BiDi listening on "), "listening on ")
	ctx, cancel := context.WithTimeout(t.Context(), rig.WaitLimit)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, strings.TrimSpace(address)+"/session", nil)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetReadLimit(16 << 20)
	t.Cleanup(func() { _ = conn.CloseNow() })
	b := &tab{t: t, conn: conn}
	b.call("session.new", `{"capabilities":{}}`, nil)
	b.call("session.subscribe", `{"events":["log.entryAdded"]}`, nil)
	var tree struct{ Contexts []struct{ Context string } }
	b.call("browsingContext.getTree", `{}`, &tree)
	if len(tree.Contexts) == 0 {
		t.Fatal("Firefox has no tab")
	}
	b.context = tree.Contexts[0].Context
	return b
}

// call sends a command and decodes its result. params are JSON. Errors that the page logs
// meanwhile are kept.
func (b *tab) call(method, params string, result any) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), rig.WaitLimit)
	defer cancel()
	b.lastID++
	command := fmt.Sprintf(`{"id":%d,"method":%q,"params":%s}`, b.lastID, method, params)
	if err := b.conn.Write(ctx, websocket.MessageText, []byte(command)); err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
	for {
		_, text, err := b.conn.Read(ctx)
		if err != nil {
			b.t.Fatalf("%s: %v", method, err)
		}
		var m struct {
			Type, Message string
			ID            int
			Result        json.RawMessage
			Params        struct{ Level, Text string }
		}
		decodeJSON(b.t, text, &m)
		switch {
		case m.Type == "event" && m.Params.Level == "error":
			b.errors = append(b.errors, m.Params.Text)
		case m.Type == "event" || m.ID != b.lastID:
		case m.Type != "success":
			b.t.Fatalf("%s %s: %s", method, params, m.Message)
		default:
			if result != nil {
				decodeJSON(b.t, m.Result, result)
			}
			return
		}
	}
}

func (b *tab) navigate(url string) {
	b.t.Helper()
	b.call("browsingContext.navigate", fmt.Sprintf(`{"context":%q,"url":%q,"wait":"complete"}`,
		b.context, url), nil)
}

func (b *tab) reload() {
	b.t.Helper()
	b.call("browsingContext.reload", fmt.Sprintf(`{"context":%q,"wait":"complete"}`,
		b.context), nil)
}

// evaluate returns an expression's value as text, or the text of the exception that it
// throws.
func (b *tab) evaluate(expression string) string {
	b.t.Helper()
	params, err := json.Marshal(map[string]any{
		"expression": "String(" + expression +
			")", "target": map[string]string{"context": b.context}, "awaitPromise": false,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	var out struct {
		Result           struct{ Value string }
		ExceptionDetails struct{ Text string }
	}
	b.call("script.evaluate", string(params), &out)
	return out.Result.Value + out.ExceptionDetails.Text
}

// wait waits until an expression is true.
func (b *tab) wait(what, expression string) {
	b.t.Helper()
	for end := time.Now().Add(rig.WaitLimit); ; time.Sleep(50 * time.Millisecond) {
		got := b.evaluate(expression)
		if got == "true" {
			return
		}
		if time.Now().After(end) {
			b.t.Fatalf("%s: %s is %s\n%s", what, expression, got,
				b.evaluate("document.body.innerText"))
		}
	}
}

// press presses keys, one after another.
func (b *tab) press(keys string) {
	b.t.Helper()
	type action struct {
		Type  string `json:"type"`
		Value string `json:"value"`
	}
	var actions []action
	for _, key := range keys {
		actions = append(actions, action{"keyDown", string(key)}, action{"keyUp", string(key)})
	}
	params, err := json.Marshal(map[string]any{
		"context": b.context, "actions": []any{map[string]any{"type": "key", "id": "keyboard",
			"actions": actions}},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.call("input.performActions", string(params), nil)
}
