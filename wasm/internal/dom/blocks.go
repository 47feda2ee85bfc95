//go:build js

package dom

// SetBlocks is the one place in the client where text is read as HTML. What
// comes here is what the gateway's own formatter made of a message, sent over
// the authenticated socket: it holds no script, no event handler and no URL but
// http, https and mailto. Scripts in it would not run anyway (HTML §4.12.1.1,
// fragment parsing), and the page's Content-Security-Policy forbids inline ones.
func (e *element) SetBlocks(from int, html []string) {
	old := e.v.Get("children")
	if from == 0 {
		e.v.Set("textContent", "") // plain text goes too
	}
	for n := old.Length(); n > from; n-- {
		e.v.Get("lastElementChild").Call("remove")
	}
	if len(html) == 0 {
		return
	}
	t := e.v.Get("ownerDocument").Call("createElement", "template")
	all := html[0]
	for _, block := range html[1:] {
		all += block
	}
	t.Set("innerHTML", all)
	e.v.Call("append", t.Get("content"))
}

// AppendCode adds text, as text, to the code of the last block.
func (e *element) AppendCode(text string) {
	last := e.v.Get("lastElementChild")
	if last.IsNull() {
		return
	}
	code := last.Call("querySelector", "code")
	if code.IsNull() {
		code = last
	}
	if end := code.Get("lastChild"); end.Truthy() && end.Get("nodeType").Int() == textNode {
		end.Call("appendData", text)
		return
	}
	code.Call("append", text)
}

const textNode = 3 // DOM §4.4
