package format

import (
	"bytes"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// What the parser does in more than linear time, or makes more of than it was
// given, is bounded here.
const (
	// Lists and quotes nest this deep; further markers are text.
	maxNesting = 16
	// A paragraph, heading or cell of more bytes has no formatting.
	maxInline = 16 << 10
	// After so many marks (stars, brackets, backticks …) in one of them the
	// rest are text.
	maxMarks = 1000
	// A table has at most so many cells and two for each byte it is written in.
	// (Cells that a row leaves out are made up.)
	freeCells = 1000
	// After so many escaped bars in one segment no more tables are made.
	maxEscapedBars = 500
	// Longer runs of backticks do not start code.
	maxBackticks = 64
)

// nested keeps lists and quotes from nesting too deep.
type nested struct{ parser.BlockParser }

func (n nested) Open(parent ast.Node, reader text.Reader, pc parser.Context) (ast.Node, parser.State) {
	// Right inside a list no list opens, but its parser has to see the line.
	if parent.Kind() != ast.KindList && nesting(parent) >= maxNesting {
		return nil, parser.NoChildren
	}
	return n.BlockParser.Open(parent, reader, pc)
}

func nesting(node ast.Node) int {
	depth := 0
	for ; node != nil; node = node.Parent() {
		if k := node.Kind(); k == ast.KindList || k == ast.KindBlockquote {
			depth++
		}
	}
	return depth
}

// A leaf is what has been seen of the paragraph, heading or cell whose
// formatting is being parsed.
type leaf struct {
	node  ast.Node
	size  int // bytes
	marks int
	// ticks[n] is where in the source the last run of n backticks starts.
	ticks [maxBackticks + 1]int
}

var leafKey = parser.NewContextKey()

func leafOf(node ast.Node, source []byte, pc parser.Context) *leaf {
	if l, ok := pc.Get(leafKey).(*leaf); ok && l.node == node {
		return l
	}
	l := &leaf{node: node}
	lines := node.Lines()
	for i := range lines.Len() {
		line := lines.At(i)
		l.size += line.Len()
		l.countTicks(source[line.Start:line.Stop], line.Start)
	}
	pc.Set(leafKey, l)
	return l
}

func (l *leaf) countTicks(line []byte, start int) {
	for i := 0; i < len(line); i++ {
		run := i
		for i < len(line) && line[i] == '`' {
			i++
		}
		if n := i - run; n > 0 && n <= maxBackticks {
			l.ticks[n] = start + run
		}
	}
}

// bounded parses a mark as long as there are not too many.
type bounded struct{ parser.InlineParser }

func (b bounded) Parse(parent ast.Node, block text.Reader, pc parser.Context) ast.Node {
	l := leafOf(parent, block.Source(), pc)
	l.marks++
	if l.size > maxInline || l.marks > maxMarks {
		return nil
	}
	return b.InlineParser.Parse(parent, block, pc)
}

// boundedLinks also passes on the end of a leaf, which the link parser needs.
type boundedLinks struct {
	bounded
	parser.CloseBlocker
}

func newBoundedLinks() boundedLinks {
	links := parser.NewLinkParser()
	return boundedLinks{bounded{links}, links.(parser.CloseBlocker)}
}

// codeSpans looks for the end of a code span only where there is one.
type codeSpans struct{ parser.InlineParser }

func (c codeSpans) Parse(parent ast.Node, block text.Reader, pc parser.Context) ast.Node {
	line, at := block.PeekLine()
	run := len(line) - len(bytes.TrimLeft(line, "`"))
	if run > maxBackticks || leafOf(parent, block.Source(), pc).ticks[run] <= at.Start {
		block.Advance(run)
		return ast.NewTextSegment(at.WithStop(at.Start + run))
	}
	return c.InlineParser.Parse(parent, block, pc)
}

// tables keeps little text from making many cells.
type tables struct{ parser.ParagraphTransformer }

var escapedBarsKey = parser.NewContextKey()

func (t tables) Transform(node *ast.Paragraph, reader text.Reader, pc parser.Context) {
	lines := node.Lines()
	columns, size := 0, 0
	escapedBars, _ := pc.Get(escapedBarsKey).(int)
	for i := range lines.Len() {
		segment := lines.At(i)
		line := segment.Value(reader.Source())
		size += len(line)
		escapedBars += bytes.Count(line, []byte(`\|`))
		if len(bytes.Trim(line, "|:- \t\n")) == 0 {
			columns = max(columns, bytes.Count(line, []byte("|"))+1)
		}
	}
	pc.Set(escapedBarsKey, escapedBars)
	if columns == 0 || columns*lines.Len() > freeCells+2*size || escapedBars > maxEscapedBars {
		return
	}
	t.ParagraphTransformer.Transform(node, reader, pc)
}
