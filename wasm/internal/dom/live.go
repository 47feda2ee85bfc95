//go:build js

package dom

import "github.com/gatehouse-chat/gatehouse/wasm/internal/view"

// Renew fetches the page again, as soon as somebody sees it, and makes the
// elements marked markup.AttrLive what they are there. With a form, which may be
// nil, what it asks for becomes the query of the page's address first. Done is
// told the status, 0 when there was no answer within 15 s.
//
// This is the second and last door by which text becomes elements; the other is
// SetBlocks. What comes in is a page of this gateway alone, which its templates
// have escaped: see web/static/js/live.js.
func (*Browser) Refresh(form view.Element, done func(status int)) {
	refresh(calls.add(call{done: func(status int, _ string) { done(status) }}), unwrap(form))
}

// Notices tells whether the browser notifies: a markup.Notices… value.
func (*Browser) NotificationState() string { return text(notificationState()) }

// AskNotices asks the user whether the browser may notify.
func (*Browser) RequestNotifications(done func()) {
	requestNotifications(calls.add(call{done: func(int, string) { done() }}))
}

// Notify shows a notification, if the browser may and the user does not look at
// the page; it leads to a path. Tabs that show the same path show one.
func (*Browser) Notify(title, path string) { notify(title, path) }

//go:wasmimport gatehouse page_renew
func refresh(id, form int32)

//go:wasmimport gatehouse page_notices
func notificationState() int32

//go:wasmimport gatehouse page_ask_notices
func requestNotifications(id int32)

//go:wasmimport gatehouse page_notify
func notify(title, path string)
