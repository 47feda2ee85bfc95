//go:build js

package dom

import (
	"syscall/js"

	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// OnAction calls act with every action that the user asks for, and with the
// element that carries it. Which event asks for one follows from the element, as
// package markup says.
func (b *Browser) OnAction(act func(action string, target view.Element)) {
	for _, kind := range []string{"click", "submit", "input", "change"} {
		b.on(b.document.Get("body"), kind, func(event js.Value) {
			target := event.Get("target").Call("closest", "["+markup.AttrAction+"]")
			if target.IsNull() || askedBy(target) != kind || kind == "click" && opensElsewhere(event, target) {
				return
			}
			if kind == "click" || kind == "submit" {
				event.Call("preventDefault")
			}
			act(target.Call("getAttribute", markup.AttrAction).String(), &element{target})
		})
	}
}

// askedBy is the event by which an element asks for its action.
func askedBy(target js.Value) string {
	switch target.Get("localName").String() {
	case "form":
		return "submit"
	case "select":
		return "change"
	case "textarea":
		return "input"
	case "input":
		switch target.Get("type").String() {
		case "radio", "checkbox":
			return "change"
		case "button", "submit":
			return "click"
		}
		return "input"
	}
	return "click"
}

// opensElsewhere reports whether a click on a link asks for another tab or
// window.
func opensElsewhere(event, target js.Value) bool {
	if target.Get("localName").String() != "a" {
		return false
	}
	for _, key := range []string{"ctrlKey", "metaKey", "shiftKey", "altKey"} {
		if event.Get(key).Bool() {
			return true
		}
	}
	return event.Get("button").Int() != 0
}

// SubmitOnEnter makes Enter in the composer send. Shift and Enter starts a new
// line, and Enter that ends an input method's composition does what it does
// there; Safari says so by key code alone.
func (b *Browser) SubmitOnEnter() {
	const composing = 229
	b.on(b.document.Call("getElementById", markup.IDComposerInput), "keydown", func(event js.Value) {
		if event.Get("key").String() != "Enter" || event.Get("shiftKey").Bool() ||
			event.Get("isComposing").Bool() || event.Get("keyCode").Int() == composing {
			return
		}
		event.Call("preventDefault")
		event.Get("target").Get("form").Call("requestSubmit")
	})
}

// on listens for as long as the page lives; a page without the target has nothing
// to listen to.
func (b *Browser) on(target js.Value, kind string, f func(event js.Value)) {
	if target.Truthy() {
		target.Call("addEventListener", kind, js.FuncOf(func(_ js.Value, args []js.Value) any {
			f(args[0])
			return nil
		}))
	}
}
