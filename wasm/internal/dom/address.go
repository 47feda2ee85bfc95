//go:build js

package dom

import (
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	shared "github.com/gatehouse-chat/gatehouse/shared/text"
)

// SocketURL is the address of the gateway's WebSocket: ws for http, wss for https.
func (b *Browser) SocketURL() string {
	base := b.ByID(markup.IDRoot).Attr(markup.AttrBase)
	return "ws" + shared.TrimPrefix(b.Origin(), "http") + base + "/ws"
}

// Origin returns the address's scheme, host and port.
func (*Browser) Origin() string { return text(location("origin")) }

// Host returns the address's host without the port.
func (*Browser) Host() string { return text(location("hostname")) }

// Path returns the address's path below the gateway's, escaped.
func (*Browser) Path() string { return text(path()) }

// TakeFragment returns what follows the #, and removes it from the address and from the
// history.
func (b *Browser) TakeFragment() string {
	fragment := shared.TrimPrefix(text(location("hash")), "#")
	if fragment != "" {
		b.Replace(b.Path() + text(location("search")))
	}
	return fragment
}

// Push changes the path and adds an entry to the history. If a page does that too often,
// the browser refuses, and the address stays.
func (*Browser) Push(path string) { setAddress("pushState", path) }

// Replace changes the path of the current entry of the history.
func (*Browser) Replace(path string) { setAddress("replaceState", path) }

// Leave loads the page at another path.
func (*Browser) Leave(path string) { load(path) }

// Reload loads this page again.
func (*Browser) Reload() { load("") }

//go:wasmimport gatehouse page_location
func location(part string) int32

//go:wasmimport gatehouse page_path
func path() int32

//go:wasmimport gatehouse page_set_address
func setAddress(method, path string)

//go:wasmimport gatehouse page_load
func load(path string)
