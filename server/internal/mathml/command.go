package mathml

import (
	"regexp"
	"strings"
)

// commanded reads a command with its arguments. It returns false if that shows nothing.
func (p *parser) commanded() (atom, bool) {
	name := p.command()
	p.read(name)
	if !p.enter() {
		return atom{}, false
	}
	defer p.leave()
	if a, ok := symbols()[name]; ok {
		return a, true
	}
	if s, ok := letterSymbols()[name]; ok {
		f := p.font
		if s.upright && f == italic {
			f = upright
		}
		return element(f.identifier(s.letter)), true
	}
	if width, ok := spaces[name]; ok {
		return spacer(width), true
	}
	if knownFunctions()[name] {
		return atom{class: function, element: "<mi>" + name + "</mi>"}, true
	}
	if shown, ok := limitFunctions()[name]; ok {
		return named(shown), true
	}
	if f, ok := fontCommands[name]; ok {
		return p.inFont(f), true
	}
	if f, ok := textCommands[name]; ok {
		return element(p.text(f)), true
	}
	if a, ok := accents[name]; ok {
		return p.accented(a.sign, a.wide, a.below, a.takesLimits), true
	}
	if sign, ok := arrows[name]; ok {
		return p.arrow(sign), true
	}
	if size, ok := sizes[strings.TrimRight(name, "lrm")]; ok {
		return p.large(name, size), true
	}
	return p.structure(name)
}

// named is the name of a function that takes limits.
func named(name string) atom {
	return atom{class: bigOperator, sign: strings.ReplaceAll(name, " ", "\u00a0"), limits: inDisplay,
		attrs: movable + ` lspace="0.1667em" rspace="0.1667em"`}
}

// movable makes limits scripts where there is little room. It is the default of signs.
const movable = ` movablelimits="true"`

// structure reads a command that is neither a sign nor a font.
func (p *parser) structure(name string) (atom, bool) {
	switch name {
	case "frac", "dfrac", "tfrac", "cfrac", "binom", "dbinom", "tbinom":
		return element(fraction(name, p.argument(), p.argument())), true
	case "sqrt":
		index, ok := p.optional()
		if root := p.argument(); ok {
			return element("<mroot>" + root + index + "</mroot>"), true
		} else {
			return element("<msqrt>" + root + "</msqrt>"), true
		}
	case "left":
		return p.fenced(), true
	case "abs", "norm":
		bars := map[string]string{"abs": "|", "norm": "‖"}[name]
		return element("<mrow>" + grownFence(bars, "prefix") + p.argument() + grownFence(bars, "postfix") + "</mrow>"), true
	case "begin":
		return p.environment(), true
	case "not":
		return p.negation(), true
	case "overset", "stackrel", "underset":
		script := p.argument()
		return p.stacked(name == "underset", script), true
	case "substack":
		return p.substack(), true
	case "operatorname", "operatornamewithlimits", "DeclareMathOperator":
		return p.operatorName(name)
	case "bmod":
		return atom{class: binary, sign: "mod", attrs: ` lspace="0.2222em" rspace="0.2222em"`}, true
	case "mod":
		return element(`<mrow><mspace width="1em"></mspace><mi>mod</mi><mspace width="0.3333em"></mspace></mrow>`), true
	case "pmod", "pod":
		word := "<mi>mod</mi>" + `<mspace width="0.3333em"></mspace>`
		if name == "pod" {
			word = ""
		}
		return element(`<mrow><mspace width="1em"></mspace><mo stretchy="false">(</mo>` + word + p.argument() + `<mo stretchy="false">)</mo></mrow>`), true
	case "mathop":
		return atom{class: bigOperator, element: p.argument(), limits: inDisplay}, true
	case "mathbin", "mathrel", "mathopen", "mathclose", "mathpunct", "mathord", "mathinner":
		class := map[string]class{"mathbin": binary, "mathrel": relation, "mathopen": opening, "mathclose": closing, "mathpunct": punctuation}[name]
		return atom{class: class, element: p.argument()}, true
	}
	return p.decoration(name)
}

// decoration reads a command for how its argument looks, or for the page around it.
func (p *parser) decoration(name string) (atom, bool) {
	switch name {
	case "boxed", "fbox", "framebox":
		return element(`<mrow class="boxed">` + p.argument() + "</mrow>"), true
	case "cancel", "bcancel", "xcancel", "sout":
		return element(`<mrow class="cancel">` + p.argument() + "</mrow>"), true
	case "phantom":
		return element("<mphantom>" + p.argument() + "</mphantom>"), true
	case "hphantom":
		return element(`<mpadded height="0" depth="0"><mphantom>` + p.argument() + "</mphantom></mpadded>"), true
	case "vphantom":
		return element(`<mpadded width="0"><mphantom>` + p.argument() + "</mphantom></mpadded>"), true
	case "smash", "mathstrut", "strut":
		if name == "smash" {
			return element(p.argument()), true
		}
		return atom{}, false
	case "textcolor", "colorbox": // pages have colours of their own
		p.raw()
		return element(p.argument()), true
	case "color":
		p.raw()
		return atom{}, false
	case "tag":
		starred := p.take("*")
		if number := p.raw(); starred {
			return tag(number), true
		} else {
			return tag("(" + number + ")"), true
		}
	case "label", "notag", "nonumber", "allowbreak", "nobreak", "hline", "displaylimits":
		if name == "label" {
			p.raw()
		}
		return atom{}, false
	case "hspace", "hskip", "mspace", "kern", "mkern":
		return p.length(), true
	}
	p.fail()
	return atom{}, false
}

// tag is the number of a formula.
func tag(number string) atom {
	return element(`<mrow><mspace width="2em"></mspace>` + textElement(number, upright) + "</mrow>")
}

func fraction(name, above, below string) string {
	bar := ""
	open, end := "", ""
	switch name {
	case "binom", "dbinom", "tbinom", "choose":
		bar, open, end = ` linethickness="0"`, "(", ")"
	case "brace":
		bar, open, end = ` linethickness="0"`, "{", "}"
	case "brack":
		bar, open, end = ` linethickness="0"`, "[", "]"
	case "atop":
		bar = ` linethickness="0"`
	}
	html := "<mfrac" + bar + ">" + above + below + "</mfrac>"
	if open != "" {
		html = `<mrow><mo stretchy="true">` + open + "</mo>" + html + `<mo stretchy="true">` + end + "</mo></mrow>"
	}
	switch name {
	case "dfrac", "cfrac", "dbinom":
		return styled("displaystyle", html)
	case "tfrac", "tbinom":
		return styled("textstyle", html)
	}
	return html
}

// inFont reads an argument in a font. Letters and digits beside each other are a name.
func (p *parser) inFont(f font) atom {
	p.skipSpaces()
	if p.peek() == '{' && f != italic {
		if end := strings.IndexByte(p.source[p.at:], '}'); end > 1 {
			if name := p.source[p.at+1 : p.at+end]; namePattern.MatchString(name) {
				p.at += end + 1
				return element(f.identifier(name))
			}
		}
	}
	defer func(old font) { p.font = old }(p.font)
	p.font = f
	return element(p.argument())
}

var namePattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*$`)

// text reads an argument that is words, with formulas between dollar signs.
func (p *parser) text(f font) string {
	raw := p.raw()
	if !p.enter() {
		return ""
	}
	defer p.leave()
	parts := dollars(raw)
	if len(parts)%2 == 0 {
		p.fail()
		return ""
	}
	var b strings.Builder
	for i, part := range parts {
		switch {
		case i%2 == 1:
			inner := &parser{source: part, depth: p.depth}
			b.WriteString(inner.formula())
			if inner.failed {
				p.fail()
			}
		case part != "":
			words, ok := unescapeText(part)
			if !ok {
				p.fail()
			}
			b.WriteString(textElement(words, f))
		}
	}
	return "<mrow>" + b.String() + "</mrow>"
}

// dollars cuts words at the dollar signs that are not escaped.
func dollars(words string) []string {
	var parts []string
	start := 0
	for i := 0; i < len(words); i++ {
		switch words[i] {
		case '\\':
			i++
		case '$':
			parts = append(parts, words[start:i])
			start = i + 1
		}
	}
	return append(parts, words[start:])
}

// unescapeText returns words without TeX's escapes and braces. It returns false if they
// have a command.
func unescapeText(words string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(words); i++ {
		switch c := words[i]; c {
		case '{', '}':
		case '~':
			b.WriteByte(' ')
		case '\\':
			if i++; i == len(words) || strings.IndexByte(" $%&#_{},;:!", words[i]) < 0 {
				return "", false
			}
			if strings.IndexByte(",;:! ", words[i]) >= 0 {
				b.WriteByte(' ')
			} else {
				b.WriteByte(words[i])
			}
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), true
}

const textSpaces = " \t\r\n"

// textElement returns words. Spaces at their ends would be lost.
func textElement(words string, f font) string {
	fields := strings.Fields(words)
	text := strings.Join(fields, " ")
	if len(fields) == 0 {
		return "<mtext>\u00a0</mtext>"
	}
	if strings.IndexByte(textSpaces, words[0]) >= 0 {
		text = "\u00a0" + text
	}
	if strings.IndexByte(textSpaces, words[len(words)-1]) >= 0 {
		text += "\u00a0"
	}
	if f == bold || f == mono || f == sans {
		text = strings.Map(f.in, text)
	}
	return "<mtext>" + escape(text) + "</mtext>"
}

// accented reads an argument under or over a sign.
func (p *parser) accented(sign string, wide, below, takesLimits bool) atom {
	tag, attr := "mover", "accent"
	if below {
		tag, attr = "munder", "accentunder"
	}
	stretchy := "false"
	if wide {
		stretchy = "true"
	}
	html := "<" + tag + " " + attr + `="true">` + p.argument() + `<mo stretchy="` + stretchy + `">` + sign + "</mo></" + tag + ">"
	if takesLimits {
		return atom{element: html, limits: always}
	}
	return element(html)
}

// arrow reads what is under (optional) and over an arrow.
func (p *parser) arrow(sign string) atom {
	below, ok := p.optional()
	const gap = `<mspace width="0.4em"></mspace>`
	above := "<mrow>" + gap + p.argument() + gap + "</mrow>"
	base := `<mo stretchy="true">` + sign + "</mo>"
	if ok {
		return atom{class: relation, element: "<munderover>" + base + "<mrow>" + gap + below + gap + "</mrow>" + above + "</munderover>"}
	}
	return atom{class: relation, element: "<mover>" + base + above + "</mover>"}
}

// delimiter reads a delimiter of \left and the like; "" is none.
func (p *parser) delimiter() string {
	p.skipSpaces()
	key := string(p.peek())
	if name := p.command(); name != "" {
		key = `\` + name
	}
	sign, ok := delimiters()[key]
	if !ok || p.done() {
		p.fail()
		return ""
	}
	p.at += len(key)
	return sign
}

// fenced reads a row between delimiters that grow with it.
func (p *parser) fenced() atom {
	if !p.enter() {
		return atom{}
	}
	defer p.leave()
	grown := func(sign, form string) string {
		if sign == "" {
			return ""
		}
		return `<mo fence="true" stretchy="true" form="` + form + `">` + escape(sign) + "</mo>"
	}
	cells, option := p.cells, p.option
	p.cells, p.option = 0, 0
	html := "<mrow>" + grown(p.delimiter(), "prefix")
	for {
		html += "<mrow>" + joined(p.row(), false) + "</mrow>"
		switch p.command() {
		case "middle":
			p.read("middle")
			html += `<mo fence="true" stretchy="true" lspace="0.2em" rspace="0.2em">` + escape(p.delimiter()) + "</mo>"
			continue
		case "right":
			p.read("right")
			p.cells, p.option = cells, option
			return element(html + grown(p.delimiter(), "postfix") + "</mrow>")
		}
		p.fail()
		return atom{}
	}
}

// large reads a delimiter of a given size.
func (p *parser) large(name, size string) atom {
	sign := p.delimiter()
	c, attrs := ordinary, ` lspace="0em" rspace="0em"`
	switch name[len(name)-1] {
	case 'l':
		c = opening
	case 'r':
		c = closing
	case 'm':
		c, attrs = relation, ` lspace="0.2778em" rspace="0.2778em"`
	}
	return atom{class: c, sign: sign, attrs: ` stretchy="true" minsize="` + size + `" maxsize="` + size + `"` + attrs}
}

// negation reads the atom after \not.
func (p *parser) negation() atom {
	a, shown := p.nucleus()
	if !shown || a.sign == "" {
		p.fail()
		return atom{}
	}
	if sign, ok := negated[a.sign]; ok {
		a.sign = sign
	} else {
		a.sign += "\u0338"
	}
	a.class = relation
	return a
}

// stacked reads an argument that has a script right over or under it.
func (p *parser) stacked(below bool, script string) atom {
	p.skipSpaces()
	c := ordinary
	base := ""
	if p.peek() == '{' {
		atoms := p.group()
		base = wrapped(atoms)
		if len(atoms) == 1 {
			c = atoms[0].class
		}
	} else if p.done() {
		p.fail()
	} else if a, shown := p.nucleus(); shown {
		c, base = a.class, wrapped([]atom{a})
	}
	if base == "" {
		base = "<mrow></mrow>"
	}
	if below {
		return atom{class: c, element: "<munder>" + base + script + "</munder>"}
	}
	return atom{class: c, element: "<mover>" + base + script + "</mover>"}
}

var operatorPattern = regexp.MustCompile(`^[\p{L}0-9 \-*.,\\;:!]+$`)

// operatorName reads the name of a function.
func (p *parser) operatorName(name string) (atom, bool) {
	withLimits := p.take("*") || name == "operatornamewithlimits"
	raw := p.raw()
	shown, ok := unescapeText(raw)
	if name == "DeclareMathOperator" || !ok || !operatorPattern.MatchString(raw) {
		p.fail()
		return atom{}, false
	}
	if withLimits {
		return named(shown), true
	}
	return atom{class: function, element: upright.identifier(strings.ReplaceAll(shown, " ", "\u00a0"))}, true
}

var lengthPattern = regexp.MustCompile(`^\s*(-?[0-9]{0,3}(?:\.[0-9]{1,4})?)\s*(em|ex|mu|pt|px|cm|mm|in)\s*$`)

func isLength(text string) bool { return lengthPattern.MatchString(text) }

// length reads a space of a given width.
func (p *parser) length() atom {
	p.take("*")
	var text string
	if p.peek() == '{' {
		text = p.raw()
	} else if match := barePattern.FindString(p.source[p.at:]); match != "" {
		text = match
		p.at += len(match)
	}
	match := lengthPattern.FindStringSubmatch(text)
	if match == nil || strings.Trim(match[1], "-.") == "" {
		p.fail()
		return atom{}
	}
	if match[2] == "mu" { // an 18th of an em: thin spaces are what they are for
		return spacer(spaces[","])
	}
	return spacer(match[1] + match[2])
}

var barePattern = regexp.MustCompile(`^-?[0-9.]{1,8}\s*(?:em|ex|mu|pt|px|cm|mm|in)`)
