//go:build js

package dom

import (
	"syscall/js"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/text"
)

// Online is false when the browser knows that there is no network.
func (b *Browser) Online() bool { return b.window.Get("navigator").Get("onLine").Bool() }

// Locale is the language that the user prefers (BCP 47).
func (b *Browser) Locale() string { return b.window.Get("navigator").Get("language").String() }

// Copy puts text on the clipboard. Pages that did not come by a secure context,
// such as http in a local network, have only the old way.
func (b *Browser) Copy(text string, done func(ok bool)) {
	clipboard := b.window.Get("navigator").Get("clipboard")
	if !clipboard.Truthy() {
		done(b.copySelected(text))
		return
	}
	settle(clipboard.Call("writeText", text), func(_ js.Value, ok bool) {
		done(ok || b.copySelected(text))
	})
}

func (b *Browser) copySelected(text string) bool {
	area := b.document.Call("createElement", "textarea")
	area.Set("value", text)
	area.Set("readOnly", true)
	area.Set("className", "visually-hidden")
	place := b.document.Call("querySelector", "dialog[open]")
	if place.IsNull() {
		place = b.document.Get("body")
	}
	focused := b.document.Get("activeElement")
	place.Call("append", area)
	area.Call("select")
	ok := b.document.Call("execCommand", "copy").Bool()
	area.Call("remove")
	if focused.Truthy() {
		focused.Call("focus")
	}
	return ok
}

// Random fills p with random bytes fit for secrets.
func (b *Browser) Random(p []byte) {
	bytes := b.window.Get("Uint8Array").New(len(p))
	b.window.Get("crypto").Call("getRandomValues", bytes)
	js.CopyBytesToGo(p, bytes)
}

// Clock puts a moment into the words of the reader's place: the time of day, and
// the day if it is not today.
func (b *Browser) Clock(at protocol.Time) string {
	date := b.window.Get("Date")
	then := date.New(float64(at))
	format := b.day
	if then.Call("toDateString").Equal(date.New().Call("toDateString")) {
		format = b.time
	}
	return format.Call("format", then).String()
}

// Matches reports whether a label holds what is looked for, in capital or small
// letters of whatever script.
func (b *Browser) Matches(label, sought string) bool {
	lower := b.window.Get("String").Get("prototype").Get("toLocaleLowerCase")
	return text.Contains(lower.Call("call", label).String(), lower.Call("call", sought).String())
}

// Recall gives what Keep kept for this tab, "" for nothing.
func (b *Browser) Recall(name string) (value string) {
	attempt(func() {
		if v := b.storage().Call("getItem", name); v.Type() == js.TypeString {
			value = v.String()
		}
	})
	return value
}

// Keep remembers a value for as long as the tab lives, if the user lets it.
func (b *Browser) Keep(name, value string) {
	attempt(func() { b.storage().Call("setItem", name, value) })
}

// storage throws where it is forbidden, which only a call survives.
func (b *Browser) storage() js.Value {
	return b.window.Get("Reflect").Call("get", b.window, "sessionStorage")
}

// attempt runs what may throw, and goes without it then.
func attempt(f func()) {
	defer func() {
		switch r := recover().(type) {
		case nil, js.Error:
		default:
			panic(r)
		}
	}()
	f()
}
