// Package part holds the pieces that pages are made of. Each piece is one templ
// component with one model; the same component, given a zero model, is the
// <template> that the client clones. Names shared with the client come from
// package markup.
//
// Models carry ready strings: what is shown is decided by the caller, who knows
// the clock, the user agents and the limits. Everything is escaped, save the
// formatted blocks of a message (see [Message]).
package part

import (
	"strconv"
	"strings"
)

// Assets are the addresses of the built files, which carry a hash of their
// content.
type Assets struct {
	Stylesheet string // the bundled style sheet
	Script     string // the loader; "" on a page without client
	Wasm       string // the client module, for the loader
	Exec       string // Go's wasm_exec.js of the same release, for the loader
	Icon       string // favicon.svg
	Reload     string // what keeps an open page at the newest build; "" in a release
}

// Root is what the client reads from the root element when it starts.
type Root struct {
	Page     string // a markup.Page… value
	State    string // a markup.State… value that the page has
	Instance string // id of this gateway
	User     string // "" when nobody is signed in
	Role     string // viewer, operator or admin; "" when nobody is signed in
	Device   string // public id of this browser's device; "" when there is none

	SessionKey string // chat: "" for a new session
	Epoch      string // chat: "" for a new session
	LastSeq    int64  // chat: last seq included in the transcript, 0 for a new session
	HasMore    bool   // chat: earlier messages exist
	Owner      string // chat: whose session it is; "" for the user's own

	Topics []string // console: protocol.Topic… values that change the page
}

// Moment is a point in time, for machines and for people. The client replaces
// the text by the reader's local time, or by a relative one that it keeps
// current.
type Moment struct {
	RFC3339 string // e.g. "2026-01-02T15:04:05Z"
	Text    string // e.g. "15:04" or "5 minutes ago"
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

func boolean(b bool) string { return strconv.FormatBool(b) }

func joined(list []string) string { return strings.Join(list, " ") }

// both joins states for a data-when attribute.
func both(a, b string) string { return a + " " + b }
