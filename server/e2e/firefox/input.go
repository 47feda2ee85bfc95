package firefox

import (
	"encoding/json"
	"testing"
)

// Keys, as WebDriver names them (https://www.w3.org/TR/webdriver/#keyboard-actions).
const (
	KeyEnter  = "\ue006"
	KeyTab    = "\ue004"
	KeyEscape = "\ue00c"
	KeyShift  = "\ue008"
)

// Press presses keys, one after another.
func (b *Tab) Press(keys string) {
	b.t.Helper()
	var actions []params
	for _, key := range keys {
		actions = append(actions, params{"type": "keyDown", "value": string(key)},
			params{"type": "keyUp", "value": string(key)})
	}
	b.keyboard(actions)
}

// PressWith presses a key while another one is held.
func (b *Tab) PressWith(held, key string) {
	b.t.Helper()
	b.keyboard([]params{
		{"type": "keyDown", "value": held}, {"type": "keyDown", "value": key},
		{"type": "keyUp", "value": key}, {"type": "keyUp", "value": held},
	})
}

func (b *Tab) keyboard(actions []params) {
	b.t.Helper()
	// Keys press no buttons in a tab that is behind another one.
	b.call("browsingContext.activate", params{"context": b.id}, nil)
	b.call("input.performActions", params{"context": b.id,
		"actions": []params{{"type": "key", "id": "keyboard", "actions": actions}}}, nil)
}

// Click clicks the first visible element that matches, with the mouse.
func (b *Tab) Click(selector string) {
	b.t.Helper()
	visible := `[...document.querySelectorAll(` + quote(b.t, selector) + `)].find(e => e.checkVisibility())`
	b.Wait("see "+selector, `!!`+visible)
	b.Evaluate(`(window.clicked = ` + visible + `).scrollIntoView({block: "center", behavior: "instant"})`)
	b.call("input.performActions", params{"context": b.id, "actions": []params{{
		"type": "pointer", "id": "mouse", "actions": []params{
			{"type": "pointerMove", "x": 0, "y": 0, "origin": params{"type": "element",
				"element": b.node("window.clicked")}},
			{"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0},
		},
	}}}, nil)
}

// Choose chooses files in a file input, as its dialog does.
func (b *Tab) Choose(selector string, files ...string) {
	b.t.Helper()
	b.call("input.setFiles", params{"context": b.id, "files": files,
		"element": b.node(`document.querySelector(` + quote(b.t, selector) + `)`)}, nil)
}

// node returns a reference to the element that an expression gives.
func (b *Tab) node(expression string) params {
	b.t.Helper()
	var out struct{ Result struct{ SharedID string } }
	b.call("script.evaluate", params{"expression": expression, "awaitPromise": false,
		"target": params{"context": b.id}}, &out)
	if out.Result.SharedID == "" {
		b.t.Fatalf("%s is no element", expression)
	}
	return params{"sharedId": out.Result.SharedID}
}

// quote returns s as a JavaScript string.
func quote(t testing.TB, s string) string {
	t.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
