//go:build js

package dom

import "github.com/gatehouse-chat/gatehouse/wasm/internal/view"

// Refresh fetches the page again, as soon as it is visible, and replaces the elements
// marked markup.AttrLive by those of the answer. If form is not nil, its fields become
// the query of the page's address first. done is called with the HTTP status, 0 if there
// was no answer within 15 s.
//
// Besides SetBlocks, this is the only place in the client where text is parsed as HTML.
// The HTML is a page of this gateway, which its templates have escaped: see
// web/static/js/live.js.
func (*Browser) Refresh(form view.Element, done func(status int)) {
	refresh(calls.add(call{done: func(status int, _ string) { done(status) }}), unwrap(form))
}

//go:wasmimport gatehouse page_refresh
func refresh(id, form int32)
