//go:build js

// Package dom implements app.Browser in a real browser: the document that package view
// draws into, the user's actions, and the window around the document. It calls functions
// that web/static/js/page.js provides (go:wasmimport), and page.js calls its exports
// (go:wasmexport).
//
// A text or list goes from JavaScript to Go in two steps. First, an imported function
// returns its length, or JavaScript calls an export with its length. Then copyResult copies
// the content.
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

// handlers are the functions that the exports call. This state is global, since exports
// cannot be methods. The package has no other state but calls.
var handlers struct {
	action   func(action string, target view.Element)
	scroll   func(below, above int)
	navigate func()
	visible  func()
	hidden   func()
	network  func(up bool)
	frame    func()
	files    func([]protocol.Attachment)
	print    func()
}

// text returns the text that JavaScript has just passed; length is in bytes.
func text(length int32) string {
	if length == 0 {
		return ""
	}
	b := make([]byte, length)
	copyResult(unsafe.Pointer(unsafe.SliceData(b)))
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// copyResult copies the text or list that JavaScript passed last to the address to.
//
//go:wasmimport gatehouse page_copy_result
func copyResult(to unsafe.Pointer)
