//go:build js

package dom

import "github.com/gatehouse-chat/gatehouse/wasm/internal/view"

// Open returns the browser that runs this program.
func Open() *Browser { return &Browser{} }

// ByID returns the element with that id, or nil.
func (*Browser) ByID(id string) view.Element { return wrap(byID(id)) }

// Clone returns a copy of the first element in the template with that id, or nil.
func (*Browser) Clone(template string) view.Element { return wrap(clone(template)) }

//go:wasmimport gatehouse dom_by_id
func byID(id string) int32

//go:wasmimport gatehouse dom_clone
func clone(template string) int32
