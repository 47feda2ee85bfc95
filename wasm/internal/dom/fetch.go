//go:build js

package dom

import "syscall/js"

// fetchTimeout bounds every request, in milliseconds.
const fetchTimeout = 15_000

// Fetch makes a same-origin request with a JSON body ("" for none), and tells
// done the status and the answer's text; status 0 when there was no answer
// within 15 s.
func (b *Browser) Fetch(method, path, body string, done func(status int, text string)) {
	options := b.object(`{"credentials":"same-origin","cache":"no-store","redirect":"error","headers":{"Content-Type":"application/json"}}`)
	options.Set("method", method)
	options.Set("signal", b.window.Get("AbortSignal").Call("timeout", fetchTimeout))
	if body != "" {
		options.Set("body", body)
	}
	settle(b.window.Call("fetch", path, options), func(response js.Value, ok bool) {
		if !ok {
			done(0, "")
			return
		}
		status := response.Get("status").Int()
		settle(response.Call("text"), func(text js.Value, ok bool) {
			if !ok {
				done(0, "")
				return
			}
			done(status, text.String())
		})
	})
}

// settle calls done once with what a promise came to.
func settle(promise js.Value, done func(value js.Value, ok bool)) {
	var kept, broken js.Func
	settled := func(ok bool) func(js.Value, []js.Value) any {
		return func(_ js.Value, args []js.Value) any {
			kept.Release()
			broken.Release()
			value := js.Undefined()
			if len(args) > 0 {
				value = args[0]
			}
			done(value, ok)
			return nil
		}
	}
	kept, broken = js.FuncOf(settled(true)), js.FuncOf(settled(false))
	promise.Call("then", kept, broken)
}
