package format

import (
	"path"
	"strings"
	"sync"
	"time"

	"github.com/alecthomas/chroma/v2"
	"github.com/alecthomas/chroma/v2/lexers"
)

const (
	// Code of this many bytes or more is not highlighted.
	maxHighlight = 64 << 10
	// All the code of one text is highlighted in this time; what is left then
	// is shown plain. Chroma's expressions backtrack: with most lexers a few
	// kilobytes can be made up that take minutes.
	maxHighlightTime = time.Second
)

// A Page formats texts that are shown together: all the code in them is
// highlighted in the time of one text, however many there are. The zero Page is
// ready; with a nil one each text has time of its own. It is not safe for
// concurrent use.
type Page struct{ spent time.Duration }

// Blocks is the function Blocks for a text of the page.
func (p *Page) Blocks(markdown string) []string {
	s := p.Stream()
	return append(s.feed(s.in.next(markdown)), s.end()...)
}

// Stream begins a text of the page.
func (p *Page) Stream() *Stream { return &Stream{highlighter: highlighter{page: p}} }

// highlighted are the names of the lexers in use. Every lexer that was used
// once stays compiled: these take 8 MB together, chroma's 297 take 32 MB.
var highlighted = strings.Fields(`
	Bash Batchfile C C# C++ Clojure CMake CSS Dart Diff Docker Elixir Elm Erlang Fish FSharp Go GraphQL Groovy
	Haskell HCL HTML HTTP INI Java JavaScript JSON Julia Kotlin Lua Makefile markdown Matlab Nim Nix
	Objective-C OCaml Perl PHP PowerShell Prolog Python R react Ruby Rust Scala SCSS SQL Svelte Swift SYSTEMD
	Tcl Terraform TeX TOML TypeScript VimL vue XML YAML Zig console`)

// lexersByName maps names, aliases and file name extensions to lexers. Loading
// it takes no time: the lexers compile at their first use.
var lexersByName = sync.OnceValue(func() map[string]chroma.Lexer {
	byName := map[string]chroma.Lexer{}
	add := func(name string, lexer chroma.Lexer) {
		if _, taken := byName[name]; !taken {
			byName[name] = lexer
		}
	}
	var all []chroma.Lexer
	for _, name := range highlighted {
		lexer := lexers.Get(name)
		all = append(all, lexer)
		add(strings.ToLower(name), lexer)
	}
	for _, lexer := range all {
		for _, alias := range lexer.Config().Aliases {
			add(strings.ToLower(alias), lexer)
		}
	}
	for _, lexer := range all {
		for _, glob := range lexer.Config().Filenames {
			if ext := path.Ext(glob); glob == "*"+ext {
				add(strings.ToLower(strings.TrimPrefix(ext, ".")), lexer)
			}
		}
	}
	return byName
})

// lexer returns the lexer for a language, or nil. It never guesses.
func lexer(lang string) chroma.Lexer { return lexersByName()[lang] }

// A highlighter highlights the code of one text.
type highlighter struct {
	page *Page // whose time is spent; nil: own
	own  Page
	// What the latest segment needed, so that it is done once while the
	// segment is formatted again and again.
	known map[codeKey]string
}

type codeKey struct{ lang, code string }

// html returns the HTML of code: its text, with spans of chroma's classes.
func (h *highlighter) html(lang, code string) string {
	lexer := lexer(lang)
	budget := h.budget()
	if lexer == nil || len(code) >= maxHighlight || budget.left() <= 0 {
		return escape(code)
	}
	key := codeKey{lang, code}
	if html, ok := h.known[key]; ok {
		return html
	}
	compile(lexer)
	html, ok := budget.tokens(lexer, code)
	if !ok {
		html = escape(code)
	}
	if h.known == nil {
		h.known = map[codeKey]string{}
	}
	h.known[key] = html
	return html
}

// budget is whose time is spent.
func (h *highlighter) budget() *Page {
	if h.page == nil {
		return &h.own
	}
	return h.page
}

// left is the time that there still is.
func (p *Page) left() time.Duration { return maxHighlightTime - p.spent }

// tokens is the function tokens in the time that is left, of which it takes.
func (p *Page) tokens(lexer chroma.Lexer, code string) (html string, ok bool) {
	start := time.Now()
	defer func() { p.spent += time.Since(start) }()
	return tokens(lexer, code, p.left())
}

// compile compiles a lexer that was not used before, which takes a busy machine
// long enough to count for the code's own time.
func compile(lexer chroma.Lexer) {
	defer func() { _ = recover() }() // tokens finds out why
	_, _ = lexer.Tokenise(&chroma.TokeniseOptions{State: "root"}, "")
}

// tokens runs the lexer over code. It fails when that takes too long, when the
// lexer panics (some do), or when its tokens are not the code to the letter.
func tokens(lexer chroma.Lexer, code string, within time.Duration) (html string, ok bool) {
	defer func() {
		if recover() != nil {
			html, ok = "", false
		}
	}()
	// Some lexers need a last line end, and then some add one.
	next, err := lexer.Tokenise(&chroma.TokeniseOptions{State: "root"}, code+"\n")
	if err != nil {
		return "", false
	}
	var out strings.Builder
	rest, open := code, ""
	for deadline := time.Now().Add(within); rest != ""; {
		token := next()
		value := token.Value
		if token == chroma.EOF || time.Now().After(deadline) {
			return "", false
		}
		value = value[:min(len(value), len(rest))]
		if !strings.HasPrefix(rest, value) {
			return "", false
		}
		rest = rest[len(value):]
		if class := class(token.Type); class != open && value != "" {
			if open != "" {
				out.WriteString("</span>")
			}
			if class != "" {
				out.WriteString(`<span class="` + class + `">`)
			}
			open = class
		}
		out.WriteString(escape(value))
	}
	if open != "" {
		out.WriteString("</span>")
	}
	return out.String(), true
}

// class returns the class of a kind of token, "" for those that look like the
// text around them.
func class(t chroma.TokenType) string {
	switch t {
	case chroma.TextWhitespace, chroma.Punctuation, chroma.Operator, chroma.Name, chroma.NameOther, chroma.Other, chroma.Literal, chroma.Generic:
		return ""
	}
	for ; t > 0; t = t.Parent() {
		if class, ok := chroma.StandardTypes[t]; ok {
			return class
		}
	}
	return ""
}
