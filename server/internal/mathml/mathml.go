// Package mathml turns the formulas that language models write, in TeX's notation, into
// MathML Core (https://www.w3.org/TR/mathml-core/), which browsers show by themselves.
//
// It knows what is common in answers: fractions, roots, scripts, Greek, operators and
// relations, big operators with limits, delimiters that grow, accents, words, fonts,
// cases, matrices and aligned equations. It knows neither macros nor packages. A formula
// with anything that it does not know is refused as a whole, so that nobody reads half a
// formula.
//
// The output is well-formed, and is safe as HTML and as XML: it contains the elements of
// MathML Core and text, no style, no script and no link, and only the attributes that this
// package writes. Its size and depth are bounded. The functions are pure.
//
// Terms:
//
//   - atom: a part of a formula that is spaced as a whole, as in TeX: a letter, an
//     operator, a fraction.
//   - row: atoms beside each other.
//   - script: what is above or below the line of an atom, at its side.
//   - limit: a script that is right above or below its operator.
package mathml

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// MaxSource is the size in bytes above which a formula is refused.
	MaxSource = 8 << 10
	// maxDepth is how deep groups and commands can nest.
	maxDepth = 60
)

// Convert returns a formula as a math element. A display formula stands on lines of its
// own. The element holds the source, too, as an annotation that browsers do not show but
// that other programs take when the formula is pasted. It returns false if the formula
// is refused.
func Convert(source string, display bool) (element string, ok bool) {
	if len(source) > MaxSource || strings.TrimSpace(source) == "" || strings.ContainsFunc(source, isForbidden) {
		return "", false
	}
	p := &parser{source: source}
	body := p.formula()
	if p.failed {
		return "", false
	}
	open := "<math>"
	if display {
		open = `<math display="block">`
	}
	return open + "<semantics>" + body + `<annotation encoding="application/x-tex">` +
		escape(strings.TrimSpace(source)) + "</annotation></semantics></math>", true
}

// isForbidden reports whether XML cannot have a character, or should not.
func isForbidden(r rune) bool {
	return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' || r == utf8.RuneError ||
		r == 0xfffe || r == 0xffff
}

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")

func escape(text string) string { return escaper.Replace(text) }
