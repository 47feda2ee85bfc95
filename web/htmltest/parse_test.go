package htmltest

import (
	"strings"
	"testing"
)

// outline writes a tree as name(attributes)[children], and texts in quotes.
func outline(out *strings.Builder, n *Node) {
	if n.Type == Text {
		out.WriteString(`"` + n.Data + `"`)
		return
	}
	out.WriteString(n.Data)
	for _, a := range n.Attr {
		out.WriteString(" " + a.Key + "=" + a.Val)
	}
	out.WriteString("[")
	for _, child := range n.Children {
		if child.Parent != n {
			out.WriteString("(lost)")
		}
		outline(out, child)
	}
	out.WriteString("]")
}

func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		``: "[]",
		`<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A &amp; B</title></head></html>`: `[html lang=en[head[meta charset=utf-8[]title["A & B"]]]]`,
		`<P>one<br>two<br/></P><!-- no -->`:                                             `[p["one"br[]"two"br[]]]`,
		`<p><input type=checkbox checked data-a="&#34;&nbsp;x"></p>`:                    "[p[input type=checkbox checked=checked data-a=\"\u00a0x[]]]",
		`<svg viewBox="0 0 1 1"><use href="#a"/></svg>`:                                 `[svg viewBox=0 0 1 1[use href=#a[]]]`,
		`<p class="x"></p>`:                                                             `[p class=x[]]`,
		`<template id="t"><p>a</p></template>`:                                          `[template id=t[p["a"]]]`,
		"<pre>\n a</pre>":                                                               "[pre[\"\n a\"]]",
		`<script src="/a.js" defer></script>`:                                           `[script src=/a.js defer=defer[]]`,
		`<script>alert(1)</script>`:                                                     `[script["alert(1)"]]`,
		`<label>Name <input name="n"></label><button type="submit" disabled>x</button>`: `[label["Name "input name=n[]]button type=submit disabled=disabled["x"]]`,
	} {
		root, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var got strings.Builder
		outline(&got, root)
		if got.String() != want {
			t.Errorf("%s:\n%s, want\n%s", text, &got, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`<p>`, `<p>a<b>c</p></b>`, `</p>`, `<div/>`, `<p><div/></p>`, `<li>a<li>b`, `<p`, `<a href="x>y</a>`,
	} {
		if _, err := Parse(text); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
}

func TestDescendantsStop(t *testing.T) {
	t.Parallel()
	root, err := Parse(`<a><b><c></c></b><d></d></a>`)
	if err != nil {
		t.Fatal(err)
	}
	var all, some strings.Builder
	for n := range root.Descendants() {
		all.WriteString(n.Data)
	}
	for n := range root.Descendants() {
		if some.WriteString(n.Data); n.Data == "b" {
			break
		}
	}
	if all.String() != "abcd" || some.String() != "ab" {
		t.Errorf("all are %s, up to b %s", &all, &some)
	}
}
