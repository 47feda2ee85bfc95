package mathml

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// A parser reads a formula once, from the left. After a fault it has failed, is at the
// end of its source, and what it returns is not used.
type parser struct {
	source string
	at     int
	failed bool
	depth  int
	font   font
	cells  int // how many tables the parser is in
	option int // how many optional arguments, which end at "]"
}

func (p *parser) fail() {
	p.failed = true
	p.at = len(p.source)
}

// formula reads all of the source. Line breaks outside of a table make a table.
func (p *parser) formula() string {
	var lines []string
	for {
		atoms := p.row()
		if p.done() && (len(lines) == 0 || len(atoms) > 0) {
			lines = append(lines, joined(atoms, false))
		}
		if p.done() {
			break
		}
		if !p.lineBreak() {
			p.fail()
			break
		}
		lines = append(lines, joined(atoms, false))
	}
	if len(lines) == 1 {
		return "<mrow>" + lines[0] + "</mrow>"
	}
	var b strings.Builder
	b.WriteString(`<mtable class="lines" displaystyle="true">`)
	for _, line := range lines {
		b.WriteString("<mtr><mtd>" + line + "</mtd></mtr>")
	}
	b.WriteString("</mtable>")
	return b.String()
}

func (p *parser) done() bool { return p.at >= len(p.source) }

// peek returns the next character, or 0 at the end.
func (p *parser) peek() rune {
	if p.done() {
		return 0
	}
	r, _ := utf8.DecodeRuneInString(p.source[p.at:])
	return r
}

func (p *parser) skipSpaces() {
	for !p.done() {
		r, size := utf8.DecodeRuneInString(p.source[p.at:])
		if !unicode.IsSpace(r) {
			return
		}
		p.at += size
	}
}

// take reads a text that may be next.
func (p *parser) take(text string) bool {
	if !strings.HasPrefix(p.source[p.at:], text) {
		return false
	}
	p.at += len(text)
	return true
}

// command returns the name of the command that is next without reading it, "" if there is
// none. A name is letters or one other character.
func (p *parser) command() string {
	if p.peek() != '\\' {
		return ""
	}
	rest := p.source[p.at+1:]
	n := 0
	for n < len(rest) && (rest[n] >= 'a' && rest[n] <= 'z' || rest[n] >= 'A' && rest[n] <= 'Z') {
		n++
	}
	if n == 0 && rest != "" {
		_, n = utf8.DecodeRuneInString(rest)
	}
	return rest[:n]
}

// read reads a command of that name, and the spaces after it.
func (p *parser) read(name string) {
	p.at += len(`\`) + len(name)
	p.skipSpaces()
}

// lineBreak reads a line break with its options, if one is next.
func (p *parser) lineBreak() bool {
	switch name := p.command(); name {
	case `\`, "newline", "cr":
		p.read(name)
		p.take("*")
		if p.peek() == '[' {
			if end := strings.IndexByte(p.source[p.at:], ']'); end > 0 && isLength(p.source[p.at+1:p.at+end]) {
				p.at += end + 1
			}
		}
		return true
	}
	return false
}

// enter and leave count the depth. Enter returns false if it is too deep.
func (p *parser) enter() bool {
	p.depth++
	if p.depth > maxDepth {
		p.fail()
	}
	return !p.failed
}

func (p *parser) leave() { p.depth-- }

// row reads atoms up to the end of the source, of the group or of the cell, whichever is
// next. It does not read what ends it.
func (p *parser) row() []atom {
	if !p.enter() {
		return nil
	}
	defer p.leave()
	defer func(f font) { p.font = f }(p.font)
	var atoms []atom
	for {
		p.skipSpaces()
		if p.endsRow() {
			return atoms
		}
		switch name := p.command(); name {
		case "over", "choose", "atop", "brace", "brack":
			p.read(name)
			return []atom{element(fraction(name, wrapped(atoms), wrapped(p.row())))}
		case "displaystyle", "textstyle", "scriptstyle", "scriptscriptstyle":
			p.read(name)
			return append(atoms, element(styled(name, joined(p.row(), len(atoms) > 0))))
		default:
			if f, ok := fontSwitches[name]; ok {
				p.read(name)
				p.font = f
				continue
			}
			if a, ok := p.scripted(); ok {
				atoms = append(atoms, a)
			}
		}
	}
}

func (p *parser) endsRow() bool {
	if p.done() {
		return true
	}
	switch p.peek() {
	case '}':
		return true
	case '&':
		if p.cells == 0 {
			p.fail()
		}
		return true
	case ']':
		return p.option > 0
	case '\\':
		switch p.command() {
		case `\`, "newline", "cr", "end", "right", "middle":
			return true
		}
	}
	return false
}

func styled(name, row string) string {
	level, display := "0", "false"
	switch name {
	case "displaystyle":
		display = "true"
	case "scriptstyle":
		level = "1"
	case "scriptscriptstyle":
		level = "2"
	}
	return `<mstyle displaystyle="` + display + `" scriptlevel="` + level + `">` + row + "</mstyle>"
}

// scripted reads an atom with its scripts. It returns false if there is nothing to show.
func (p *parser) scripted() (atom, bool) {
	base, shown := p.nucleus()
	if p.failed {
		return atom{}, false
	}
	for {
		p.skipSpaces()
		switch p.command() {
		case "limits":
			p.read("limits")
			base.limits = always
			base.attrs = strings.Replace(base.attrs, movable, "", 1) + ` movablelimits="false"`
			continue
		case "nolimits":
			p.read("nolimits")
			base.limits = asScripts
			continue
		}
		break
	}
	sub, sup := p.scripts()
	return withScripts(base, sub, sup), shown || sub != "" || sup != ""
}

// scripts reads the scripts that are next, each at most once.
func (p *parser) scripts() (sub, sup string) {
	primes := 0
	var above string
	for {
		p.skipSpaces()
		switch p.peek() {
		case '\'', '’':
			p.at += len(string(p.peek()))
			primes++
			continue
		case '^':
			if above != "" {
				p.fail()
			}
			p.at++
			above = p.argument()
			continue
		case '_':
			if sub != "" {
				p.fail()
			}
			p.at++
			sub = p.argument()
			continue
		}
		break
	}
	if primes == 0 {
		return sub, above
	}
	signs := strings.Repeat("⁗", primes/4) + []string{"", "′", "″", "‴"}[primes%4]
	sup = "<mo>" + signs + "</mo>"
	if above != "" {
		sup = "<mrow>" + sup + above + "</mrow>"
	}
	return sub, sup
}

// argument reads what a command or a script is about, as one element: a group, a command
// with its arguments, or one character.
func (p *parser) argument() string {
	p.skipSpaces()
	if p.failed || p.done() || !p.enter() {
		p.fail()
		return ""
	}
	defer p.leave()
	switch r := p.peek(); {
	case r == '{':
		return wrapped(p.group())
	case r >= '0' && r <= '9':
		p.at++
		return p.font.number(string(r))
	case r == '}' || r == '&' || r == '^' || r == '_' || r == '\'':
		p.fail()
		return ""
	}
	a, shown := p.nucleus()
	if !shown {
		return "<mrow></mrow>"
	}
	return wrapped([]atom{a})
}

// group reads a row in braces.
func (p *parser) group() []atom {
	if !p.take("{") {
		p.fail()
		return nil
	}
	cells, option := p.cells, p.option
	p.cells, p.option = 0, 0
	atoms := p.row()
	p.cells, p.option = cells, option
	if !p.take("}") {
		p.fail()
	}
	return atoms
}

// optional reads a row in brackets if there is one, as one element.
func (p *parser) optional() (string, bool) {
	p.skipSpaces()
	if !p.take("[") {
		return "", false
	}
	cells, option := p.cells, p.option
	p.cells, p.option = 0, 1
	row := wrapped(p.row())
	p.cells, p.option = cells, option
	if !p.take("]") {
		p.fail()
	}
	return row, true
}

// raw reads an argument as it is written, without its braces.
func (p *parser) raw() string {
	p.skipSpaces()
	if p.peek() != '{' {
		p.fail()
		return ""
	}
	open := 0
	for i := p.at; i < len(p.source); i++ {
		switch p.source[i] {
		case '\\':
			i++
		case '{':
			open++
		case '}':
			if open--; open == 0 {
				text := p.source[p.at+1 : i]
				p.at = i + 1
				return text
			}
		}
	}
	p.fail()
	return ""
}

// nucleus reads an atom without scripts. It returns false if that shows nothing.
func (p *parser) nucleus() (atom, bool) {
	p.skipSpaces()
	if p.done() {
		p.fail()
		return atom{}, false
	}
	r, size := utf8.DecodeRuneInString(p.source[p.at:])
	switch {
	case r == '\\':
		return p.commanded()
	case r == '{':
		atoms := p.group()
		if len(atoms) == 1 { // its class is lost, as in TeX
			return element(atoms[0].html()), true
		}
		return element(wrapped(atoms)), len(atoms) > 0
	case r == '^' || r == '_' || r == '\'' || r == '’':
		return atom{}, false // scripts of nothing
	case r >= '0' && r <= '9':
		return element(p.font.number(p.digits())), true
	case r == '~':
		p.at++
		return spacer(spaces[" "]), true
	case r == '#' || r == '$':
		p.fail()
		return atom{}, false
	case isLetter(r):
		p.at += size
		return element(p.font.identifier(string(r))), true
	}
	if a, ok := bySign()[r]; ok {
		p.at += size
		return a, true
	}
	return p.words(), true
}

// digits reads a number.
func (p *parser) digits() string {
	start := p.at
	digit := func(i int) bool {
		return i < len(p.source) && p.source[i] >= '0' && p.source[i] <= '9'
	}
	for digit(p.at) || p.at < len(p.source) && p.source[p.at] == '.' && digit(p.at+1) {
		p.at++
	}
	return p.source[start:p.at]
}

// words reads characters that are no formula, such as Chinese.
func (p *parser) words() atom {
	start := p.at
	for !p.done() {
		r, size := utf8.DecodeRuneInString(p.source[p.at:])
		if r < utf8.RuneSelf || isLetter(r) || unicode.IsSpace(r) {
			break
		}
		if _, ok := bySign()[r]; ok {
			break
		}
		p.at += size
	}
	if p.at == start {
		p.fail()
	}
	return element("<mtext>" + escape(p.source[start:p.at]) + "</mtext>")
}

func spacer(width string) atom {
	return atom{class: space, element: `<mspace width="` + width + `"></mspace>`}
}
