//go:build js

// Package dom implements app.Browser in a real browser: the document that package view
// draws into, the user's actions, and the window around the document. It calls functions
// that web/static/js/page.js provides (go:wasmimport), and page.js calls its exports
// (go:wasmexport).
//
// A text or list goes from JavaScript to Go in two steps: a function returns its length,
// or an export is called with it; take then copies the content.
//
// JavaScript waits for an export to return, so the functions that are given to this
// package must not block.
package dom

import (
	"unsafe"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// Browser is the page's document and the window around it: an app.Browser.
type Browser struct{}

// handlers are the functions that the exports call. Exports are no methods, so this state
// is global; it and calls are all of this package's state.
var handlers struct {
	action   func(action string, target view.Element)
	scroll   func(below, above int)
	navigate func()
	wake     func()
	rest     func()
	network  func(up bool)
	frame    func()
	files    func([]protocol.KeptFile)
}

// text copies the text that JavaScript has just passed, by its length in bytes.
func text(length int32) string {
	if length == 0 {
		return ""
	}
	b := make([]byte, length)
	take(unsafe.Pointer(unsafe.SliceData(b)))
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// take copies what JavaScript passed last to an address.
//
//go:wasmimport gatehouse page_take
func take(to unsafe.Pointer)
