// Package part has the components that pages are made of. Each is a templ component with
// a model. The same component with a zero model renders the <template> that the client
// clones. Names shared with the client come from package markup.
//
// Models hold texts that are ready to show: the caller, who knows the time, the User-Agent
// and the limits, computes them. Everything is escaped, except the formatted blocks of a
// message (see [Message]).
package part

import (
	"strconv"
	"strings"
)

// Assets are the paths of the built files. Each has a hash of the file's content.
type Assets struct {
	Stylesheet string // the bundled style sheet
	Script     string // the loader; "" on a page without client
	Wasm       string // the client module, for the loader
	Exec       string // Go's wasm_exec.js of the same release, for the loader
	Icon       string // favicon.svg
	Reload     string // a script that reloads the page after each build; "" in a release
}

// Root has the values that the client reads from the root element when it starts.
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
	Owner      string // chat: the session's owner; "" for the user's own session

	Topics []string // console: protocol.Topic… values whose changes make the page out of date
}

// Moment is a time, for programs and for people. The client replaces Text by the reader's
// local time, or by a relative time that it keeps current.
type Moment struct {
	RFC3339 string // e.g. "2026-01-02T15:04:05Z"
	Text    string // e.g. "15:04" or "5 minutes ago"
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

func boolean(b bool) string { return strconv.FormatBool(b) }

func joined(list []string) string { return strings.Join(list, " ") }

// both joins states for a data-when attribute.
func both(a, b string) string { return a + " " + b }
