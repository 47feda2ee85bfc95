//go:build js

// Package dom is the browser as the client sees it: the document that package
// view draws into, what the user does there, and the window around it. It
// reaches them through functions that web/static/js/page.js lends
// (go:wasmimport) and calls (go:wasmexport).
//
// The exports run to their end before JavaScript goes on, so functions given to
// this package must not block.
package dom

import (
	"unsafe"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// Browser is the page's document and the window around it: an app.Browser.
type Browser struct{}

// heard is who hears what the exports tell, which belong to no value; with calls
// it is all the state that this package has.
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

// text reads a text that JavaScript has just handed over, as its length.
func text(length int32) string {
	if length == 0 {
		return ""
	}
	b := make([]byte, length)
	take(unsafe.Pointer(unsafe.SliceData(b)))
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// take copies what was handed over last.
//
//go:wasmimport gatehouse page_take
func take(to unsafe.Pointer)
