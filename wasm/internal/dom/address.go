//go:build js

package dom

import (
	"syscall/js"

	"github.com/gatehouse-chat/gatehouse/shared/text"
)

func (b *Browser) location(part string) string { return b.window.Get("location").Get(part).String() }

// SocketURL is the address of the gateway's WebSocket: ws for http, wss for
// https.
func (b *Browser) SocketURL() string {
	return "ws" + text.TrimPrefix(b.location("origin"), "http") + "/ws"
}

// Host is the address's host without the port.
func (b *Browser) Host() string { return b.location("hostname") }

// Path is the address's path as it stands there, escaped.
func (b *Browser) Path() string { return b.location("pathname") }

// TakeFragment gives what follows the # and removes it from the address and the
// history.
func (b *Browser) TakeFragment() string {
	fragment := text.TrimPrefix(b.location("hash"), "#")
	if fragment != "" {
		b.Replace(b.location("pathname") + b.location("search"))
	}
	return fragment
}

// Push shows another path as a new entry of the history. Browsers allow that only
// so often; past it the address stays.
func (b *Browser) Push(path string) { b.state("pushState", path) }

// Replace shows another path in the place of this one.
func (b *Browser) Replace(path string) { b.state("replaceState", path) }

func (b *Browser) state(method, path string) {
	attempt(func() { b.window.Get("history").Call(method, nil, "", path) })
}

// Leave loads another page in the place of this one.
func (b *Browser) Leave(path string) { b.window.Get("location").Call("replace", path) }

// Reload loads this page again.
func (b *Browser) Reload() { b.window.Get("location").Call("reload") }

// OnNavigate calls f when the user went back or forth in the history.
func (b *Browser) OnNavigate(f func()) {
	b.on(b.window, "popstate", func(js.Value) { f() })
}

// OnWake calls f when the page is seen or used again.
func (b *Browser) OnWake(f func()) {
	wake := func(js.Value) {
		if !b.document.Get("hidden").Bool() {
			f()
		}
	}
	b.on(b.window, "focus", wake)
	b.on(b.window, "pageshow", wake)
	b.on(b.document, "visibilitychange", wake)
	b.on(b.document, "resume", wake) // it was frozen
}

// OnRest calls f when the page is no longer seen, after which it may be left or
// ended without another word.
func (b *Browser) OnRest(f func()) {
	b.on(b.window, "pagehide", func(js.Value) { f() })
	b.on(b.document, "visibilitychange", func(js.Value) {
		if b.document.Get("hidden").Bool() {
			f()
		}
	})
}

// OnNetwork calls f when the browser has found or lost the network.
func (b *Browser) OnNetwork(f func(up bool)) {
	b.on(b.window, "online", func(js.Value) { f(true) })
	b.on(b.window, "offline", func(js.Value) { f(false) })
}
