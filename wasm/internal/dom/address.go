//go:build js

package dom

import shared "github.com/gatehouse-chat/gatehouse/shared/text"

// SocketURL is the address of the gateway's WebSocket: ws for http, wss for
// https.
func (b *Browser) SocketURL() string {
	return "ws" + shared.TrimPrefix(b.Origin(), "http") + "/ws"
}

// Origin is the address's scheme, host and port.
func (*Browser) Origin() string { return text(location("origin")) }

// Host is the address's host without the port.
func (*Browser) Host() string { return text(location("hostname")) }

// Path is the address's path as it stands there, escaped.
func (*Browser) Path() string { return text(location("pathname")) }

// TakeFragment gives what follows the # and removes it from the address and the
// history.
func (b *Browser) TakeFragment() string {
	fragment := shared.TrimPrefix(text(location("hash")), "#")
	if fragment != "" {
		b.Replace(text(location("pathname")) + text(location("search")))
	}
	return fragment
}

// Push shows another path as a new entry of the history. Browsers allow that only
// so often; past it the address stays.
func (*Browser) Push(path string) { navigate("pushState", path) }

// Replace shows another path in the place of this one.
func (*Browser) Replace(path string) { navigate("replaceState", path) }

// Leave loads another page in the place of this one.
func (*Browser) Leave(path string) { leave(path) }

// Reload loads this page again.
func (*Browser) Reload() { leave("") }

//go:wasmimport gatehouse page_location
func location(part string) int32

//go:wasmimport gatehouse page_navigate
func navigate(method, path string)

//go:wasmimport gatehouse page_leave
func leave(path string)
