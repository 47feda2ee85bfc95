//go:build js

package dom

import "github.com/gatehouse-chat/gatehouse/shared/markup"

// SetTitle sets the title of the browser's tab.
func (*Browser) SetTitle(title string) { setTitle(title) }

// Frame calls f before the browser draws the next frame; soon, if the page is hidden. If an
// earlier f has not run yet, the new f replaces it.
func (*Browser) Frame(f func()) {
	handlers.frame = f
	requestFrame()
}

// ToLatest scrolls the transcript to its end.
func (*Browser) ToLatest() { do(byID(markup.IDTranscript), "latest") }

// HideSidebar closes the list of chats on screens where it covers the page.
func (*Browser) HideSidebar() { do(byID(markup.IDSidebar), "hide") }

// Print opens the browser's dialog for printing.
func (*Browser) Print() { openPrint() }

// FocusComposer moves the keyboard's focus to the composer, unless the user is busy in a
// dialog or another field, or the main pointer is a finger: then the keyboard on the screen
// would cover the transcript.
func (*Browser) FocusComposer() { focusComposer() }

// EnterKey returns what the user has chosen that Enter does in the composer: a markup.Enter…
// value.
func (*Browser) EnterKey() string { return text(enterKey()) }

// SetEnterKey sets what Enter does, for all tabs of this browser, past their end.
func (*Browser) SetEnterKey(choice string) { setEnterKey(choice) }

//go:wasmimport gatehouse page_print
func openPrint()

//go:wasmimport gatehouse page_focus_composer
func focusComposer()

//go:wasmimport gatehouse page_enter_key
func enterKey() int32

//go:wasmimport gatehouse page_set_enter_key
func setEnterKey(choice string)

//go:wasmimport gatehouse page_set_title
func setTitle(title string)

//go:wasmimport gatehouse page_request_frame
func requestFrame()

// frameDue is called before the browser draws a frame. It is also called when the page
// becomes hidden or visible: then the requested frame may come late, or never.
//
//lint:ignore U1000 JavaScript calls it
//go:wasmexport page_frame_due
func frameDue() {
	if f := handlers.frame; f != nil {
		handlers.frame = nil
		f()
	}
}
