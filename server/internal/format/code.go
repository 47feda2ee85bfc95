package format

import (
	"strings"

	"github.com/gatehouse-chat/gatehouse/shared/markup"
)

const (
	maxLanguage = 32  // bytes in the name of a language
	maxInfo     = 100 // bytes of a fence's info string that are read
)

// codeBlock returns the HTML of a code block; inner is the HTML of its code.
func codeBlock(name, lang, inner string) string {
	label := "Copy code"
	if lang != "" {
		label = "Copy " + lang + " code"
	}
	return `<div class="code" data-lang="` + lang + `">` +
		`<div class="code-head"><span class="code-lang">` + lang + `</span>` +
		`<button type="button" class="code-copy" aria-label="` + label + `" ` +
		markup.AttrAction + `="` + markup.ActionCopyCode + `">Copy</button></div>` +
		`<pre` + region(name) + `><code class="chroma">` + inner + `</code></pre></div>`
}

// plainCodeBlock is codeBlock without the button, for pages without scripts.
func plainCodeBlock(name, lang, inner string) string {
	return `<div class="code" data-lang="` + lang + `">` +
		`<pre` + region(name) + `><code class="chroma">` + inner + `</code></pre></div>`
}

// language returns the language in the info string of a fence, in lower case, or "" if
// there is none. The result needs no escaping in HTML.
func language(info string) string {
	name := strings.ToLower(strings.TrimLeft(info, " \t{."))
	if end := strings.IndexAny(name, " \t,:;{}"); end >= 0 {
		name = name[:end]
	}
	if len(name) > maxLanguage || strings.Trim(name,
		"abcdefghijklmnopqrstuvwxyz0123456789+-_.#") != "" {
		return ""
	}
	return name
}

// escape returns text as HTML, for an element or an attribute in double quotes.
func escape(text string) string {
	return htmlEscaper.Replace(text)
}

var htmlEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")
