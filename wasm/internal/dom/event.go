//go:build js

package dom

import (
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// OnAction sets the function that is called with each action of the user, and with the
// element that has the action. Package markup says which event starts an element's
// action.
func (*Browser) OnAction(act func(action string, target view.Element)) { handlers.action = act }

// OnScroll sets the function that is called when the transcript is scrolled, with how
// many pixels are below and above its visible part.
func (*Browser) OnScroll(f func(below, above int)) { handlers.scroll = f }

// OnNavigate sets the function that is called when the user went back or forth in the
// history.
func (*Browser) OnNavigate(f func()) { handlers.navigate = f }

// OnVisible sets the function that is called when the page is visible or used again.
func (*Browser) OnVisible(f func()) { handlers.visible = f }

// OnHidden sets the function that is called when the page is hidden. The page may end
// without further notice then.
func (*Browser) OnHidden(f func()) { handlers.hidden = f }

// OnNetwork sets the function that is called when the browser has found or lost the
// network.
func (*Browser) OnNetwork(f func(up bool)) { handlers.network = f }

// OnPrint sets the function that is called when the user wants to print a transcript that
// the page has only a part of.
func (*Browser) OnPrint(f func()) { handlers.print = f }

// Listen starts to call the functions that were set.
func (*Browser) Listen() { listen(markup.AttrAction, markup.ActionStopRun, markup.IDTranscript) }

//go:wasmimport gatehouse page_listen
func listen(action, stop, transcript string)

// acted is called with an action of an element; length is that of the action's name.
//
//lint:ignore U1000 JavaScript calls it
//go:wasmexport page_action
func acted(e, length int32) { handlers.action(text(length), wrap(e)) }

//lint:ignore U1000 JavaScript calls it
//go:wasmexport page_scrolled
func scrolled(below, above int32) { handlers.scroll(int(below), int(above)) }

//lint:ignore U1000 JavaScript calls it
//go:wasmexport page_navigated
func navigated() { handlers.navigate() }

//lint:ignore U1000 JavaScript calls it
//go:wasmexport page_visible
func pageVisible() { handlers.visible() }

//lint:ignore U1000 JavaScript calls it
//go:wasmexport page_hidden
func pageHidden() { handlers.hidden() }

//lint:ignore U1000 JavaScript calls it
//go:wasmexport page_print_wanted
func printWanted() { handlers.print() }

//lint:ignore U1000 JavaScript calls it
//go:wasmexport page_network
func network(up bool) { handlers.network(up) }
