//go:build js

package dom

import (
	"unsafe"

	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// element is a view.Element: the number that JavaScript gave to a node. The number does not
// keep the node alive. A node that has left the document can be garbage collected after the
// current call of an export; the methods of its element do nothing then.
type element int32

func wrap(number int32) view.Element {
	if number == 0 {
		return nil
	}
	return element(number)
}

func unwrap(e view.Element) int32 {
	if e == nil {
		return 0
	}
	return int32(e.(element))
}

func (e element) Attr(name string) string { return text(attr(int32(e), name)) }

func (e element) SetAttr(name, value string) { setAttr(int32(e), name, value) }

func (e element) Flag(name string) bool { return flag(int32(e), name) }

func (e element) SetFlag(name string, on bool) { setFlag(int32(e), name, on) }

func (e element) Text() string { return text(get(int32(e), "textContent")) }

func (e element) SetText(text string) { set(int32(e), "textContent", text) }

func (e element) Children() []view.Element { return list(children(int32(e))) }

func (e element) Find(attr, value string) []view.Element {
	return list(find(int32(e), attr, value))
}

func (e element) Closest(attr string) view.Element { return wrap(closest(int32(e), attr)) }

func (e element) Insert(child, before view.Element) {
	insert(int32(e), unwrap(child), unwrap(before))
}

func (e element) Remove() { do(int32(e), "remove") }

func (e element) Value() string { return text(get(int32(e), "value")) }

func (e element) SetValue(value string) { set(int32(e), "value", value) }

func (e element) SetChecked(on bool) { check(int32(e), on) }

func (e element) Focus() { do(int32(e), "focus") }

func (e element) Select() { do(int32(e), "select") }

func (e element) Open() { do(int32(e), "open") }

func (e element) Close() { do(int32(e), "close") }

// SetBlocks is one of the two places in the client where text is parsed as HTML; the
// other one is Browser.Refresh. The HTML is what the gateway's formatter made of a
// message, sent over the authenticated connection: it has no scripts, no event handlers,
// and no URLs but http, https and mailto. Scripts in it would not run anyway (HTML
// §4.12.1.1, fragment parsing), and the page's Content-Security-Policy forbids inline
// scripts.
func (e element) SetBlocks(from int, html []string) {
	all := ""
	for _, block := range html {
		all += block
	}
	setBlocks(int32(e), int32(from), all)
}

func (e element) AppendCode(text string) { appendCode(int32(e), text) }

// list returns the elements whose numbers JavaScript has just passed.
func list(count int32) []view.Element {
	if count == 0 {
		return nil
	}
	numbers := make([]int32, count)
	copyResult(unsafe.Pointer(unsafe.SliceData(numbers)))
	out := make([]view.Element, count)
	for i, n := range numbers {
		out[i] = element(n)
	}
	return out
}

//go:wasmimport gatehouse dom_attr
func attr(e int32, name string) int32

//go:wasmimport gatehouse dom_set_attr
func setAttr(e int32, name, value string)

//go:wasmimport gatehouse dom_flag
func flag(e int32, name string) bool

//go:wasmimport gatehouse dom_set_flag
func setFlag(e int32, name string, on bool)

//go:wasmimport gatehouse dom_property
func get(e int32, property string) int32

//go:wasmimport gatehouse dom_set_property
func set(e int32, property, text string)

//go:wasmimport gatehouse dom_set_checked
func check(e int32, on bool)

//go:wasmimport gatehouse dom_children
func children(e int32) int32

//go:wasmimport gatehouse dom_find
func find(e int32, attr, value string) int32

//go:wasmimport gatehouse dom_closest
func closest(e int32, attr string) int32

//go:wasmimport gatehouse dom_insert
func insert(e, child, before int32)

//go:wasmimport gatehouse dom_do
func do(e int32, action string)

//go:wasmimport gatehouse dom_set_blocks
func setBlocks(e, from int32, html string)

//go:wasmimport gatehouse dom_append_code
func appendCode(e int32, text string)
