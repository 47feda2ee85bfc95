//go:build js

// Package dom is the browser as the client sees it: the document that package
// view draws into, what the user does there, and the window around it. With
// packages socket and keep it is all that touches JavaScript.
//
// Functions given to this package are called on JavaScript's turn, from a
// goroutine of their own, and must not block: the page stands still until they
// return.
package dom

import (
	"syscall/js"

	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// Browser is the page's document and the window around it: an app.Browser.
// Its functions that are called back live as long as the page, and so are never
// released.
type Browser struct {
	window, document js.Value
	time, day        js.Value // formats of the reader's place

	transcript, sidebar js.Value
	frame               js.Func
	framed              func()
}

// Open returns the browser that runs this program.
func Open() *Browser {
	window := js.Global()
	b := &Browser{window: window, document: window.Get("document")}
	b.transcript = b.document.Call("getElementById", markup.IDTranscript)
	b.sidebar = b.document.Call("getElementById", markup.IDSidebar)
	format := window.Get("Intl").Get("DateTimeFormat")
	b.time = format.New(js.Undefined(), b.object(`{"hour":"2-digit","minute":"2-digit"}`))
	b.day = format.New(js.Undefined(), b.object(`{"day":"numeric","month":"short","hour":"2-digit","minute":"2-digit"}`))
	b.frame = js.FuncOf(func(js.Value, []js.Value) any {
		b.draw()
		return nil
	})
	b.on(b.document, "visibilitychange", func(js.Value) { b.draw() })
	return b
}

// ByID returns the element with that id, or nil.
func (b *Browser) ByID(id string) view.Element {
	return wrap(b.document.Call("getElementById", id))
}

// Clone returns a copy of the first element in the template with that id, or
// nil.
func (b *Browser) Clone(template string) view.Element {
	t := b.document.Call("getElementById", template)
	if t.IsNull() {
		return nil
	}
	inner := t.Get("content").Get("firstElementChild")
	if inner.IsNull() {
		return nil
	}
	return wrap(b.document.Call("importNode", inner, true))
}

// object makes a JavaScript object of JSON.
func (b *Browser) object(json string) js.Value { return b.window.Get("JSON").Call("parse", json) }
