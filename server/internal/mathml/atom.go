package mathml

import "strings"

// A class decides what spaces are around an atom.
type class uint8

const (
	ordinary class = iota
	bigOperator
	binary
	relation
	opening
	closing
	punctuation
	function // a name such as "sin"
	space
)

// An atom is either an operator, whose form depends on its neighbours, or an element.
type atom struct {
	class   class
	element string // an element; "" for an operator
	sign    string // the text of an operator
	attrs   string // the attributes of an operator
	// limits says that scripts are limits: always, or in display formulas alone.
	limits limits
}

type limits uint8

const (
	asScripts limits = iota
	inDisplay
	always
)

// html returns the atom as an element.
func (a atom) html() string {
	if a.element != "" || a.sign == "" {
		return a.element
	}
	return "<mo" + a.attrs + ">" + escape(a.sign) + "</mo>"
}

func element(html string) atom { return atom{element: html} }

func operator(c class, sign string) atom { return atom{class: c, sign: sign} }

// wrapped returns atoms as exactly one element.
func wrapped(atoms []atom) string {
	if len(atoms) == 1 && atoms[0].class != space {
		return atoms[0].html()
	}
	return "<mrow>" + joined(atoms, false) + "</mrow>"
}

// joined returns the elements of a row. With continued, the row goes on from another
// cell, so that an operator at its start has two sides.
func joined(atoms []atom, continued bool) string {
	var b strings.Builder
	for i, a := range atoms {
		before := punctuation // nothing before counts as a start
		if last := beforeSpaces(atoms[:i]); last >= 0 {
			before = atoms[last].class
		} else if continued {
			before = ordinary
		}
		switch {
		case a.class == binary && isStart(before):
			a.attrs += ` form="prefix"`
			atoms[i].class = ordinary
		case i == 0 && continued && (a.class == binary || a.class == relation):
			a.attrs += ` form="infix"`
		}
		if a.class == function && i > 0 && atoms[i-1].class != space && (before == ordinary || before == closing || before == function) {
			b.WriteString(thinSpace)
		}
		b.WriteString(a.html())
		if a.class == function && i+1 < len(atoms) {
			b.WriteString("<mo>\u2061</mo>")
			if next := atoms[i+1].class; next == ordinary || next == bigOperator {
				b.WriteString(thinSpace)
			}
		}
	}
	return b.String()
}

// beforeSpaces returns the index of the last atom that is no space, or -1.
func beforeSpaces(atoms []atom) int {
	i := len(atoms) - 1
	for i >= 0 && atoms[i].class == space {
		i--
	}
	return i
}

const thinSpace = `<mspace width="0.1667em"></mspace>`

// isStart reports whether an operator after that class has no left side.
func isStart(c class) bool {
	switch c {
	case binary, relation, opening, punctuation, bigOperator, function:
		return true
	}
	return false
}

// withScripts puts scripts ("" for none) at an atom.
func withScripts(a atom, sub, sup string) atom {
	if sub == "" && sup == "" {
		return a
	}
	base := a.html()
	if base == "" {
		base = "<mrow></mrow>"
	}
	first, second := "msub", "msup"
	if a.limits != asScripts {
		first, second = "munder", "mover"
	}
	switch {
	case sup == "":
		base = "<" + first + ">" + base + sub + "</" + first + ">"
	case sub == "":
		base = "<" + second + ">" + base + sup + "</" + second + ">"
	default:
		both := first + strings.TrimPrefix(second, "m")
		base = "<" + both + ">" + base + sub + sup + "</" + both + ">"
	}
	return atom{class: a.class, element: base}
}
