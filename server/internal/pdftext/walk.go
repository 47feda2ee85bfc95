package pdftext

import (
	"math"
	"strings"

	"github.com/ledongthuc/pdf"
)

// matrix is a transformation [a b c d e f] (ISO 32000 §8.3.3).
type matrix [6]float64

var identity = matrix{1, 0, 0, 1, 0, 0}

// mul returns the transformation that applies m first, then n.
func (m matrix) mul(n matrix) matrix {
	return matrix{
		m[0]*n[0] + m[1]*n[2], m[0]*n[1] + m[1]*n[3],
		m[2]*n[0] + m[3]*n[2], m[2]*n[1] + m[3]*n[3],
		m[4]*n[0] + m[5]*n[2] + n[4], m[4]*n[1] + m[5]*n[3] + n[5],
	}
}

// state is the graphics state, as far as it moves text (ISO 32000 §8.4, §9.3).
type state struct {
	matrix     matrix // the current transformation
	font       *font
	size       float64 // of the font
	characters float64 // the spacing of characters
	words      float64 // the spacing of words
	scale      float64 // horizontal
	leading    float64
}

// walk goes through the operators of a page and collects its text.
type walk struct {
	text  strings.Builder
	fonts map[string]*font

	state
	saved []state
	line  matrix // of the current line of text
	at    matrix // of the next character

	// Where the last text ended, in the space of the page.
	endX, endY float64
	shown      bool // whether there is a last text
}

// maxForms limits forms in forms, and maxSaved the saved graphics states.
const (
	maxForms = 8
	maxSaved = 256
)

// stream interprets a content stream.
func (w *walk) stream(content, resources pdf.Value, depth int) {
	pdf.Interpret(content, func(stack *pdf.Stack, operator string) {
		args := make([]pdf.Value, min(stack.Len(), 64))
		for i := len(args) - 1; i >= 0; i-- {
			args[i] = stack.Pop()
		}
		for stack.Len() > 0 {
			stack.Pop()
		}
		if operator == "Do" {
			w.form(args, resources, depth)
			return
		}
		w.do(operator, args, resources)
	})
}

// form draws a form, a stream that several pages may share (ISO 32000 §8.10).
func (w *walk) form(args []pdf.Value, resources pdf.Value, depth int) {
	if len(args) != 1 || depth == maxForms {
		return
	}
	form := resources.Key("XObject").Key(args[0].Name())
	if form.Key("Subtype").Name() != "Form" {
		return
	}
	own := form.Key("Resources")
	if own.IsNull() {
		own = resources
	}
	outer, fonts := w.state, w.fonts
	w.fonts = map[string]*font{}
	if m := form.Key("Matrix"); m.Len() == 6 {
		w.matrix = numbers(m.Index, m.Len()).mul(w.matrix)
	}
	w.stream(form, own, depth+1)
	w.state, w.fonts = outer, fonts
}

// numbers reads up to six numbers.
func numbers(at func(int) pdf.Value, n int) (m matrix) {
	for i := range min(n, len(m)) {
		m[i] = at(i).Float64()
	}
	return m
}

// do interprets an operator (ISO 32000 annex A). Operators that move no text are ignored.
func (w *walk) do(operator string, args []pdf.Value, resources pdf.Value) {
	n := numbers(func(i int) pdf.Value { return args[i] }, len(args))
	switch operator {
	case "q":
		if len(w.saved) < maxSaved {
			w.saved = append(w.saved, w.state)
		}
	case "Q":
		if last := len(w.saved) - 1; last >= 0 {
			w.state, w.saved = w.saved[last], w.saved[:last]
		}
	case "cm":
		w.matrix = n.mul(w.matrix)
	case "BT":
		w.line, w.at = identity, identity
	case "Tf":
		if len(args) == 2 {
			w.font, w.size = w.fontNamed(args[0].Name(), resources), args[1].Float64()
		}
	case "Tc":
		w.characters = n[0]
	case "Tw":
		w.words = n[0]
	case "Tz":
		w.scale = n[0] / 100
	case "TL":
		w.leading = n[0]
	case "TD":
		w.leading = -n[1]
		w.move(n[0], n[1])
	case "Td":
		w.move(n[0], n[1])
	case "Tm":
		w.line, w.at = n, n
	case "T*":
		w.move(0, -w.leading)
	default:
		w.showWith(operator, args)
	}
}

// showWith interprets the operators that show text.
func (w *walk) showWith(operator string, args []pdf.Value) {
	if len(args) == 0 {
		return
	}
	text := args[len(args)-1]
	switch operator {
	case `"`:
		if len(args) == 3 {
			w.words, w.characters = args[0].Float64(), args[1].Float64()
		}
		fallthrough
	case "'":
		w.move(0, -w.leading)
		fallthrough
	case "Tj":
		w.show(text.RawString())
	case "TJ":
		for i := range text.Len() {
			if part := text.Index(i); part.Kind() == pdf.String {
				w.show(part.RawString())
			} else {
				w.advance(-part.Float64() / 1000 * w.size * w.scale)
			}
		}
	}
}

// move begins a line of text, relative to the last one.
func (w *walk) move(x, y float64) {
	w.line = matrix{1, 0, 0, 1, x, y}.mul(w.line)
	w.at = w.line
}

// advance moves the next character to the right.
func (w *walk) advance(x float64) { w.at = matrix{1, 0, 0, 1, x, 0}.mul(w.at) }

// show writes a text, with a line break or a space if there is one on the page.
func (w *walk) show(raw string) {
	if w.font == nil || raw == "" {
		return
	}
	start := w.at.mul(w.matrix)
	height := math.Hypot(start[2], start[3]) * math.Abs(w.size)
	if w.shown {
		w.separate(start[4]-w.endX, start[5]-w.endY, height)
	}
	w.text.WriteString(w.font.decode(raw))
	w.advance(w.font.width(raw, w.size, w.characters, w.words) * w.scale)
	end := w.at.mul(w.matrix)
	w.endX, w.endY, w.shown = end[4], end[5], true
}

// separate writes what is between the last text and the next one, which begins that far
// to the right and above, and has that height.
func (w *walk) separate(right, up, height float64) {
	const (
		line      = 0.5  // of the height: the next text is on another line
		paragraph = 1.7  // of the height: there is a blank line between them
		gap       = 0.15 // of the height: there is a space between them
		back      = 1.0  // of the height: the text goes back, as in a table or a column
	)
	switch {
	case math.Abs(up) > paragraph*height:
		w.text.WriteString("\n\n")
	case math.Abs(up) > line*height || right < -back*height:
		w.text.WriteByte('\n')
	case right > gap*height:
		w.text.WriteByte(' ')
	}
}
