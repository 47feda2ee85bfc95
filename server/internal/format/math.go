package format

import (
	"bytes"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"github.com/gatehouse-chat/gatehouse/server/internal/mathml"
)

// Formulas are in TeX's notation, between the marks that models write: \(…\) and $…$ for
// a formula in a line, \[…\] and $$…$$ for a display formula, which may also be an
// environment (\begin{align}…\end{align}) or a code block of the language math. Nothing
// inside a formula is markdown.
//
// A formula that package mathml refuses is shown as its source, and so is one at the end
// of the text whose end has not come yet.

const (
	// maxDisplay bounds a display formula, maxInlineMath one in a line, in bytes.
	maxDisplay    = mathml.MaxSource
	maxInlineMath = 2 << 10
)

var (
	beginMark = regexp.MustCompile(`^\\begin\{(align|alignat|aligned|cases|eqnarray|equation|gather|gathered|multline|split|flalign|` +
		`array|[pbBvV]?matrix|dcases|displaymath)(\*?)\}`)
	command = regexp.MustCompile(`\\[a-zA-Z]`)
)

// mathMarks returns the marks around a formula that starts here, "" if none does.
func mathMarks(line []byte) (open, shut string) {
	switch {
	case bytes.HasPrefix(line, []byte(`\(`)):
		return `\(`, `\)`
	case bytes.HasPrefix(line, []byte(`\[`)):
		return `\[`, `\]`
	case bytes.HasPrefix(line, []byte("$$")):
		return "$$", "$$"
	case bytes.HasPrefix(line, []byte("$")):
		return "$", "$"
	}
	if match := beginMark.Find(line[:min(len(line), 32)]); match != nil {
		return string(match), `\end` + string(match[len(`\begin`):])
	}
	return "", ""
}

// isDisplay reports whether an opening mark starts a display formula.
func isDisplay(open string) bool { return open != "$" && open != `\(` }

// mathEnd returns where the closing mark is in a line of the formula, or -1. level counts
// environments of the same name inside each other; nil for other formulas.
func mathEnd(line []byte, open, shut string, level *int) int {
	for i := 0; i < len(line); i++ {
		switch rest := line[i:]; {
		case bytes.HasPrefix(rest, []byte(shut)):
			if *level == 0 {
				return i
			}
			*level--
		case rest[0] == '\\':
			if len(open) > 2 && bytes.HasPrefix(rest, []byte(open)) {
				*level++
			}
			i++
		}
	}
	return -1
}

// A formula is the source of a formula and how it stands in the text.
type formula struct {
	source  string // with its marks
	tex     string
	display bool
	open    bool // its end has not come yet
}

// html returns the formula as MathML, or false if it is shown as its source.
func (f *formula) html() (string, bool) {
	if f.open {
		return "", false
	}
	return mathml.Convert(f.tex, f.display)
}

// A mathSpan is a formula among the words of a paragraph, heading or cell.
type mathSpan struct {
	ast.BaseInline
	formula
}

var kindMathSpan = ast.NewNodeKind("MathSpan")

func (*mathSpan) Kind() ast.NodeKind { return kindMathSpan }

func (m *mathSpan) Dump(source []byte, level int) { ast.DumpHelper(m, source, level, nil, nil) }

// mathSpans parses them.
type mathSpans struct{}

func (mathSpans) Trigger() []byte { return []byte{'\\', '$'} }

func (mathSpans) Parse(parent ast.Node, block text.Reader, pc parser.Context) ast.Node {
	line, _ := block.PeekLine()
	open, shut := mathMarks(line)
	switch {
	case open == "":
		return nil
	case open == "$" && !mayOpenDollar(block.PrecendingCharacter(), line):
		return nil
	case open == "$$" && (block.PrecendingCharacter() == '$' || bytes.HasPrefix(line, []byte("$$$"))):
		return nil // "$$$" is what a restaurant costs
	}
	span := &mathSpan{formula: formula{display: isDisplay(open)}}
	lineNumber, position := block.Position()
	block.Advance(len(open))
	content, closed := readMath(block, open, shut)
	switch {
	case closed:
		span.source, span.tex = open+content+shut, content
	case mayBeUnfinished(open, content) && isAtEnd(parent, block.Source(), pc):
		span.source, span.open = open+content, true
	default:
		block.SetPosition(lineNumber, position)
		return nil
	}
	if len(open) > 2 {
		span.tex = span.source
	}
	if parent.Kind() == extast.KindTableCell { // where a bar is escaped, as in all text of a cell
		span.tex = strings.ReplaceAll(span.tex, `\|`, "|")
		span.source = strings.ReplaceAll(span.source, `\|`, "|")
	}
	return span
}

// readMath reads a formula after its opening mark up to its end, or to the end of the
// paragraph, heading or cell.
func readMath(block text.Reader, open, shut string) (content string, closed bool) {
	limit := maxInlineMath
	if isDisplay(open) {
		limit = maxDisplay
	}
	var b strings.Builder
	level := 0
	for b.Len() <= limit {
		line, _ := block.PeekLine()
		if line == nil {
			return b.String(), false
		}
		end := -1
		if open == "$" {
			var wrong bool
			if end, wrong = dollarEnd(line, b.Len() == 0); wrong {
				return "`", false // which no unfinished formula is
			}
		} else {
			end = mathEnd(line, open, shut, &level)
		}
		if end >= 0 {
			b.Write(line[:end])
			block.Advance(end + len(shut))
			content = b.String()
			if isText(open, content, line[end+len(shut):]) {
				return "`", false
			}
			return content, b.Len() <= limit && strings.TrimSpace(content) != ""
		}
		b.Write(line)
		block.AdvanceLine()
	}
	return "`", false
}

// A dollar sign is a mark or a sign of money. Pandoc's rule tells them apart: the opening
// one has no space after it, the closing one none before and no digit after it. Beyond
// that a mark is not beside the letters of a name ("US$", "$HOME:$PATH").

// mayOpenDollar reports whether the "$" that a line starts with may open a formula.
func mayOpenDollar(before rune, line []byte) bool {
	if before < utf8.RuneSelf &&
		(unicode.IsLetter(before) || unicode.IsDigit(before) || before == '$') {
		return false
	}
	return len(line) > 1 && !util.IsSpace(line[1])
}

// dollarEnd returns where the closing "$" is in a line of a formula, or -1. wrong says
// that the line shows that there is no formula.
func dollarEnd(line []byte, first bool) (end int, wrong bool) {
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '`':
			return -1, true
		case '$':
			if i == 0 && first || i == 0 || util.IsSpace(line[i-1]) || !mayFollowDollar(line[i+1:]) {
				return -1, true
			}
			return i, false
		}
	}
	return -1, false
}

var suffix = regexp.MustCompile(`^(?:th|st|nd|rd|s)(?:[^a-zA-Z0-9]|$)`)

// mayFollowDollar reports whether a formula may end before a text.
func mayFollowDollar(rest []byte) bool {
	if len(rest) == 0 || suffix.Match(rest[:min(len(rest), 4)]) {
		return true
	}
	return !util.IsAlphaNumeric(rest[0]) && bytes.IndexByte([]byte("_{([$"), rest[0]) < 0
}

var (
	startsAsPrice = regexp.MustCompile(`^[-+]?[0-9.]`)
	hasTeX        = regexp.MustCompile(`[\\^_={}]`)
	hasWords      = regexp.MustCompile(`[\s,;][\pL]{2,}|[\p{Han}\p{Hangul}\p{Hiragana}\p{Katakana}]`)
)

// isPrice reports whether what is between two dollar signs is a price and words after it:
// "5 or 10".
func isPrice(content string) bool {
	return startsAsPrice.MatchString(content) && !hasTeX.MatchString(content) && hasWords.MatchString(content)
}

var (
	hasFormula = regexp.MustCompile(`[\\^_={}+<>/*|0-9]`)
	isNumbers  = regexp.MustCompile(`^[0-9, –-]+$`)
)

// isText reports whether what is between two marks in a line is no formula but a part of
// the text. rest is what follows the closing mark.
func isText(open, content string, rest []byte) bool {
	switch open {
	case "$":
		return isPrice(content)
	case "$$": // "$$ to $$$", "$$ is a process, $$"
		return bytes.HasPrefix(rest, []byte("$")) ||
			strings.TrimSpace(content) != content && len(strings.TrimSpace(content)) > 1 && !hasFormula.MatchString(content)
	case `\[`: // an escaped bracket: a reference such as "\[1\]"
		return isNumbers.MatchString(content)
	}
	return false
}

// maxUnfinished bounds what may be a formula in a line that goes on, in bytes.
const maxUnfinished = 200

// mayBeUnfinished reports whether a text at the end of all may be a formula that goes on.
// A dollar sign needs more evidence than what may be a price.
func mayBeUnfinished(open, content string) bool {
	switch {
	case strings.HasPrefix(content, "`"), content == "":
		return false
	case open == "$":
		return len(content) <= maxUnfinished && !(startsAsPrice.MatchString(content) && hasWords.MatchString(content)) && (command.MatchString(content) || strings.Contains(content, "^"))
	case open == "$$":
		return !util.IsSpace(content[0]) || hasTeX.MatchString(content)
	}
	return true
}

// atEndKey is set in a context if the text ends with the source.
var atEndKey = parser.NewContextKey()

// isAtEnd reports whether the text ends with a paragraph, heading or cell.
func isAtEnd(leaf ast.Node, source []byte, pc parser.Context) bool {
	lines := leaf.Lines()
	return pc.Get(atEndKey) != nil && lines.Len() > 0 &&
		len(bytes.Trim(source[lines.At(lines.Len()-1).Stop:], " \t\n|")) == 0
}

func renderMathSpan(w util.BufWriter, _ []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	m := node.(*mathSpan)
	html, ok := m.html()
	if !ok {
		html = `<code class="tex">` + escape(m.source) + "</code>"
	}
	_, _ = w.WriteString(html)
	return ast.WalkContinue, nil
}
