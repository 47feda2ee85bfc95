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
	// maxHighlight is the size, in bytes, from which code is not highlighted.
	maxHighlight = 64 << 10
	// maxHighlightTime bounds the time for all the code of one text; the rest is shown
	// without colours. Chroma's expressions backtrack: for most lexers there are texts of
	// a few kilobytes that take minutes.
	maxHighlightTime = time.Second
)

// A Page formats several texts that are shown together. They share maxHighlightTime. The
// zero Page is ready to use; with a nil Page each text has a time of its own. A Page is
// not safe for concurrent use.
type Page struct{ spent time.Duration }

// Blocks formats a text of the page, like the function Blocks.
func (p *Page) Blocks(markdown string) []string {
	s := p.Stream()
	return append(s.feed(s.in.next(markdown)), s.end()...)
}

// Stream returns a Stream for a text of the page.
func (p *Page) Stream() *Stream { return &Stream{highlighter: highlighter{page: p}} }

// TimeIsUp reports whether code may be without colours because the time for the page's
// code is used up.
func (p *Page) TimeIsUp() bool { return p.left() <= 0 }

// Fresh reports whether none of the time for the page's code is used up.
func (p *Page) Fresh() bool { return p.spent == 0 }

// highlighted are the names of the lexers that are used. A lexer stays in memory after
// its first use: these take 8 MB together, all of chroma's 297 would take 32 MB.
var highlighted = strings.Fields(`
	Bash Batchfile C C# C++ Clojure CMake CSS Dart Diff Docker Elixir Elm Erlang Fish FSharp Go GraphQL Groovy
	Haskell HCL HTML HTTP INI Java JavaScript JSON Julia Kotlin Lua Makefile markdown Matlab Nim Nix
	Objective-C OCaml Perl PHP PowerShell Prolog Python R react Ruby Rust Scala SCSS SQL Svelte Swift SYSTEMD
	Tcl Terraform TeX TOML TypeScript VimL vue XML YAML Zig console`)

// lexersByName maps names, aliases and file name extensions to lexers. It is cheap, since
// each lexer is compiled when it is used first.
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

// lexer returns the lexer for a language, or nil. It does not guess.
func lexer(lang string) chroma.Lexer { return lexersByName()[lang] }

// A highlighter highlights the code of one text.
type highlighter struct {
	page *Page // whose time is used; nil: own
	own  Page
	// cache has the HTML of the code in the open segment, which is formatted again and
	// again.
	cache map[codeKey]string
}

type codeKey struct{ lang, code string }

// html returns code as HTML: its text, in spans with chroma's classes.
func (h *highlighter) html(lang, code string) string {
	lexer := lexer(lang)
	budget := h.budget()
	if lexer == nil || len(code) >= maxHighlight || budget.left() <= 0 {
		return escape(code)
	}
	key := codeKey{lang, code}
	if html, ok := h.cache[key]; ok {
		return html
	}
	compile(lexer)
	html, ok := budget.tokens(lexer, code)
	if !ok {
		html = escape(code)
	}
	if h.cache == nil {
		h.cache = map[codeKey]string{}
	}
	h.cache[key] = html
	return html
}

// budget returns the Page whose time is used.
func (h *highlighter) budget() *Page {
	if h.page == nil {
		return &h.own
	}
	return h.page
}

// left returns the remaining time.
func (p *Page) left() time.Duration { return maxHighlightTime - p.spent }

// tokens calls the function tokens with the remaining time, and subtracts what it took.
func (p *Page) tokens(lexer chroma.Lexer, code string) (html string, ok bool) {
	start := time.Now()
	defer func() { p.spent += time.Since(start) }()
	return tokens(lexer, code, p.left())
}

// compile makes sure that a lexer is compiled. On a busy machine that takes so long that
// it must not count as the time of the code.
func compile(lexer chroma.Lexer) {
	defer func() { _ = recover() }() // tokens will panic and recover, too
	_, _ = lexer.Tokenise(&chroma.TokeniseOptions{State: "root"}, "")
}

// tokens returns code as HTML, highlighted by the lexer. It returns false if that takes
// too long, if the lexer panics (some do), or if its tokens are not exactly the code.
func tokens(lexer chroma.Lexer, code string, within time.Duration) (html string, ok bool) {
	defer func() {
		if recover() != nil {
			html, ok = "", false
		}
	}()
	// Some lexers need a line end after the last line, and some add one. What they return
	// after the end of the code is ignored.
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

// class returns the CSS class of a token type, "" for a type without a colour.
func class(t chroma.TokenType) string {
	switch t {
	case chroma.TextWhitespace, chroma.Punctuation, chroma.Operator, chroma.Name,
		chroma.NameOther, chroma.Other, chroma.Literal, chroma.Generic:
		return ""
	}
	for ; t > 0; t = t.Parent() {
		if class, ok := chroma.StandardTypes[t]; ok {
			return class
		}
	}
	return ""
}
