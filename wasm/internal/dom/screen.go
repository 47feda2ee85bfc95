//go:build js

package dom

import "github.com/gatehouse-chat/gatehouse/shared/markup"

// SetTitle sets what the browser's tab is called.
func (*Browser) SetTitle(title string) { setTitle(title) }

// Frame calls f before the next picture is drawn; on a page that cannot be
// seen, soon. One f waits at a time.
func (*Browser) Frame(f func()) {
	handlers.frame = f
	frame()
}

// ToLatest scrolls the transcript to its end.
func (*Browser) ToLatest() { do(byID(markup.IDTranscript), "latest") }

// HideSidebar closes the list of chats where it covers the page.
func (*Browser) HideSidebar() { do(byID(markup.IDSidebar), "hide") }

//go:wasmimport gatehouse page_set_title
func setTitle(title string)

//go:wasmimport gatehouse page_frame
func frame()

// framed also runs when the page is hidden or seen again, in the place of the
// frame that will not come, or come late.
//
//lint:ignore U1000 JavaScript calls it
//go:wasmexport page_framed
func framed() {
	if f := handlers.frame; f != nil {
		handlers.frame = nil
		f()
	}
}
