//go:build js

package dom

import (
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// OnAction calls act with every action that the user asks for, and with the
// element that carries it. Which event asks for one follows from the element, as
// package markup says.
func (*Browser) OnAction(act func(action string, target view.Element)) { handlers.action = act }

// OnScroll calls f, when the transcript is scrolled, with the distances in pixels
// that are left below and above what is seen.
func (*Browser) OnScroll(f func(below, above int)) { handlers.scroll = f }

// OnNavigate calls f when the user went back or forth in the history.
func (*Browser) OnNavigate(f func()) { handlers.navigate = f }

// OnWake calls f when the page is seen or used again.
func (*Browser) OnVisible(f func()) { handlers.wake = f }

// OnRest calls f when the page is no longer seen, after which it may be left or
// ended without another word.
func (*Browser) OnHidden(f func()) { handlers.rest = f }

// OnNetwork calls f when the browser has found or lost the network.
func (*Browser) OnNetwork(f func(up bool)) { handlers.network = f }

// Listen begins to call what the On… functions were given.
func (*Browser) Listen() { listen(markup.AttrAction, markup.IDComposerInput, markup.IDTranscript) }

//go:wasmimport gatehouse page_listen
func listen(action, composer, transcript string)

// acted tells an action of an element; its name is handed over.
//
//lint:ignore U1000 JavaScript calls it
//go:wasmexport page_acted
func acted(e, length int32) { handlers.action(text(length), wrap(e)) }

//lint:ignore U1000 JavaScript calls it
//go:wasmexport page_scrolled
func scrolled(below, above int32) { handlers.scroll(int(below), int(above)) }

//lint:ignore U1000 JavaScript calls it
//go:wasmexport page_navigated
func navigated() { handlers.navigate() }

//lint:ignore U1000 JavaScript calls it
//go:wasmexport page_woke
func pageVisible() { handlers.wake() }

//lint:ignore U1000 JavaScript calls it
//go:wasmexport page_rests
func pageHidden() { handlers.rest() }

//lint:ignore U1000 JavaScript calls it
//go:wasmexport page_network
func network(up bool) { handlers.network(up) }
