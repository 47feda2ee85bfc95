//go:build js

package dom

import (
	"syscall/js"

	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// element is a view.Element.
type element struct {
	v js.Value
}

func wrap(v js.Value) view.Element {
	if !v.Truthy() {
		return nil
	}
	return &element{v}
}

func unwrap(e view.Element) js.Value {
	if e == nil {
		return js.Null()
	}
	return e.(*element).v
}

func (e *element) Attr(name string) string {
	if v := e.v.Call("getAttribute", name); v.Type() == js.TypeString {
		return v.String()
	}
	return ""
}

func (e *element) SetAttr(name, value string) { e.v.Call("setAttribute", name, value) }

func (e *element) Flag(name string) bool { return e.v.Call("hasAttribute", name).Bool() }

func (e *element) SetFlag(name string, on bool) { e.v.Call("toggleAttribute", name, on) }

func (e *element) Text() string { return e.v.Get("textContent").String() }

func (e *element) SetText(text string) { e.v.Set("textContent", text) }

func (e *element) Children() []view.Element { return wrapAll(e.v.Get("children")) }

func (e *element) Find(attr, value string) []view.Element {
	return wrapAll(e.v.Call("querySelectorAll", "["+attr+"="+quote(value)+"]"))
}

func (e *element) Closest(attr string) view.Element {
	return wrap(e.v.Call("closest", "["+attr+"]"))
}

func (e *element) Insert(child, before view.Element) {
	e.v.Call("insertBefore", unwrap(child), unwrap(before))
}

func (e *element) Remove() { e.v.Call("remove") }

func (e *element) Value() string { return e.v.Get("value").String() }

func (e *element) SetValue(value string) { e.v.Set("value", value) }

func (e *element) SetChecked(on bool) { e.v.Set("checked", on) }

func (e *element) Focus() { e.v.Call("focus") }

func (e *element) Open() {
	if !e.v.Get("open").Truthy() {
		e.v.Call("showModal")
	}
}

func (e *element) Close() {
	if e.v.Get("open").Truthy() {
		e.v.Call("close")
	}
}

func wrapAll(nodes js.Value) []view.Element {
	out := make([]view.Element, nodes.Length())
	for i := range out {
		out[i] = &element{nodes.Index(i)}
	}
	return out
}

// quote makes a string of a selector (CSS Syntax §4.3.5). Attribute values that
// are looked for are names of package markup, or keys and codes of the gateway.
func quote(s string) string {
	const hex = "0123456789abcdef"
	out := make([]byte, 0, len(s)+2)
	out = append(out, '"')
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c == 0x7f {
			out = append(out, '\\', hex[c>>4], hex[c&15], ' ')
		} else {
			out = append(out, c)
		}
	}
	return string(append(out, '"'))
}
