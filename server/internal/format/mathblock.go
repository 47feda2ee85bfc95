package format

import (
	"bytes"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"github.com/gatehouse-chat/gatehouse/server/internal/mathml"
)

// A mathBlock is a display formula on lines of its own. Its lines are no markdown, so it
// is a block: as part of a paragraph a line such as "- b" would start a list.
type mathBlock struct {
	ast.BaseBlock
	open, shut string
	alone      bool // the opening mark has a line of its own
	level      int  // see mathEnd
	complete   bool // the closing mark has come
}

var kindMathBlock = ast.NewNodeKind("MathBlock")

func (*mathBlock) Kind() ast.NodeKind { return kindMathBlock }

func (*mathBlock) IsRaw() bool { return true }

func (m *mathBlock) Dump(source []byte, level int) { ast.DumpHelper(m, source, level, nil, nil) }

// opensDisplay reports whether a line starts a display formula, if that ends as it should.
func opensDisplay(body []byte) (m mathBlock, rest []byte, ok bool) {
	m.open, m.shut = mathMarks(body)
	if m.open == "" || !isDisplay(m.open) {
		return m, nil, false
	}
	rest = body[len(m.open):]
	m.alone = len(m.open) == 2 && isBlank(bytes.TrimSuffix(rest, []byte("\n")))
	return m, rest, true
}

// mathBlocks parses them. The end of a formula is looked for when its start is read: a
// mark without an end is text. In a formula whose opening mark is alone on its line, at
// the top level, there may be blank lines.
type mathBlocks struct{}

func (mathBlocks) Trigger() []byte { return []byte{'\\', '$'} }

func (mathBlocks) CanInterruptParagraph() bool { return true }

func (mathBlocks) CanAcceptIndentedLine() bool { return false }

func (mathBlocks) Open(parent ast.Node, reader text.Reader, pc parser.Context) (ast.Node,
	parser.State) {
	line, at := reader.PeekLine()
	offset := pc.BlockOffset()
	if offset < 0 {
		return nil, parser.NoChildren
	}
	m, rest, ok := opensDisplay(line[offset:])
	if !ok {
		return nil, parser.NoChildren
	}
	m.alone = m.alone && parent.Kind() == ast.KindDocument
	if end := mathEnd(rest, m.open, m.shut, &m.level); end >= 0 {
		m.complete = true
		ok = end > 0 && endsDisplay(rest[end+len(m.shut):])
	} else {
		ok = lookAheadTries(pc) && m.endsIn(reader.Source()[at.Stop:], rest, pc)
	}
	if !ok {
		return nil, parser.NoChildren
	}
	m.Lines().Append(at.WithStart(at.Start + offset - at.Padding))
	return &m, parser.NoChildren
}

// endsDisplay reports whether nothing but a punctuation mark follows a formula.
func endsDisplay(rest []byte) bool {
	rest = bytes.TrimSpace(rest)
	return len(rest) == 0 || len(rest) == 1 && bytes.IndexByte([]byte(".,;:"), rest[0]) >= 0
}

// maxLookAheads is how often a formula's end can be looked for in vain in a segment.
const maxLookAheads = 100

var lookAheadsKey = parser.NewContextKey()

func lookAheadTries(pc parser.Context) bool {
	n, _ := pc.Get(lookAheadsKey).(int)
	pc.Set(lookAheadsKey, n+1)
	return n < maxLookAheads
}

// endsIn reports whether the formula ends in the source after its first line, or may end
// after the source. A fence ends the search: code is not part of a formula.
func (m *mathBlock) endsIn(source, first []byte, pc parser.Context) bool {
	level := m.level
	for size := len(first); size <= maxDisplay; {
		if isBlank(bytes.TrimSuffix(source, []byte("\n"))) {
			return pc.Get(atEndKey) != nil && (m.alone || mayBeUnfinished(m.open, string(first)+" "))
		}
		line := source[:bytes.IndexByte(source, '\n')+1] // the source ends with a line end
		source = source[len(line):]
		size += len(line)
		content := bytes.TrimLeft(line, " \t>")
		switch {
		case bytes.HasPrefix(content, []byte("```")), bytes.HasPrefix(content, []byte("~~~")):
			return false
		case len(bytes.TrimSpace(content)) == 0 && !m.alone:
			return false
		}
		if end := mathEnd(line, m.open, m.shut, &level); end >= 0 {
			n, _ := pc.Get(lookAheadsKey).(int)
			pc.Set(lookAheadsKey, n-1)
			return endsDisplay(line[end+len(m.shut):])
		}
	}
	return false
}

func (mathBlocks) Continue(node ast.Node, reader text.Reader, _ parser.Context) parser.State {
	m := node.(*mathBlock)
	line, at := reader.PeekLine()
	if m.complete || util.IsBlank(line) && !m.alone {
		return parser.Close
	}
	m.Lines().Append(at)
	m.complete = mathEnd(line, m.open, m.shut, &m.level) >= 0
	reader.AdvanceToEOL()
	return parser.Continue | parser.NoChildren
}

func (mathBlocks) Close(ast.Node, text.Reader, parser.Context) {}

// formula returns the block's formula. A punctuation mark after it becomes part of it.
func (m *mathBlock) formula(source []byte) formula {
	all := strings.TrimSpace(string(m.Lines().Value(source)))
	f := formula{source: all, tex: all, display: true, open: !m.complete}
	if m.complete && len(m.open) == 2 {
		end := strings.LastIndex(all, m.shut)
		f.tex = all[len(m.open):end] + strings.TrimSpace(all[end+len(m.shut):])
	}
	return f
}

// displayMath returns the block of a display formula; name is that of its region.
func displayMath(name, html string) string {
	return `<div class="math"` + region(name) + ">" + html + "</div>"
}

// setMath renders all display formulas of the document and keeps their HTML in an
// attribute, as setCode does with code.
func setMath(doc ast.Node, source []byte, o *outline) {
	_ = ast.Walk(doc, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		m, ok := node.(*mathBlock)
		if !ok || !entering {
			return ast.WalkContinue, nil
		}
		f := m.formula(source)
		block := `<p class="tex"><code>` + escape(f.source) + "</code></p>"
		if html, ok := f.html(); ok {
			block = displayMath(o.nextFormula(), html)
		}
		node.SetAttribute(codeHTML, block)
		return ast.WalkContinue, nil
	})
}

// mathLanguage is the language of code blocks that are formulas.
const mathLanguage = "math"

// fencedMath returns the block of a formula in a code block. It returns false if the code
// is shown as code.
func fencedMath(lang, code string, o *outline) (block string, ok bool) {
	if lang != mathLanguage {
		return "", false
	}
	html, ok := mathml.Convert(code, true)
	if !ok {
		return "", false
	}
	return displayMath(o.nextFormula(), html), true
}

// fenceClosed reports whether a fenced code block that has content is closed: the line
// after its content is its closing fence.
func fenceClosed(node ast.Node, source []byte) bool {
	lines := node.Lines()
	if lines.Len() == 0 {
		return false
	}
	rest := bytes.TrimLeft(source[lines.At(lines.Len()-1).Stop:], " \t>")
	return bytes.HasPrefix(rest, []byte("```")) || bytes.HasPrefix(rest, []byte("~~~"))
}
