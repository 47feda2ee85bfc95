//go:build js

package dom

import "syscall/js"

// SetTitle sets what the browser's tab is called.
func (b *Browser) SetTitle(title string) { b.document.Set("title", title) }

// unseenFrame is how long, in milliseconds, a page that cannot be seen waits
// before it draws. The browser gives it no animation frames.
const unseenFrame = 100

// Frame calls f before the next picture is drawn; on a page that cannot be
// seen, soon. One f waits at a time.
func (b *Browser) Frame(f func()) {
	b.framed = f
	if b.document.Get("hidden").Bool() {
		b.window.Call("setTimeout", b.frame, unseenFrame)
	} else {
		b.window.Call("requestAnimationFrame", b.frame)
	}
}

// draw also runs when the page is hidden or seen again, in the place of the frame
// that will not come, or come late.
func (b *Browser) draw() {
	if f := b.framed; f != nil {
		b.framed = nil
		f()
	}
}

// OnScroll calls f, when the transcript is scrolled, with the distances in pixels
// that are left below and above what is seen. It is laid out bottom up, so its
// scrollTop is 0 at the latest message and negative above.
func (b *Browser) OnScroll(f func(below, above int)) {
	b.on(b.transcript, "scroll", func(js.Value) {
		below := -b.transcript.Get("scrollTop").Int()
		f(below, b.transcript.Get("scrollHeight").Int()-b.transcript.Get("clientHeight").Int()-below)
	})
}

// ToLatest scrolls the transcript to its end.
func (b *Browser) ToLatest() {
	if b.transcript.Truthy() {
		b.transcript.Set("scrollTop", 0)
	}
}

// HideSidebar closes the list of chats where it covers the page.
func (b *Browser) HideSidebar() {
	if b.sidebar.Truthy() && b.sidebar.Call("matches", ":popover-open").Bool() {
		b.sidebar.Call("hidePopover")
	}
}
