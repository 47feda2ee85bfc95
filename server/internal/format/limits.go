package format

import (
	"bytes"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// The parser needs more than linear time for some texts, or makes much output from
// little text. The limits bound both.
const (
	// maxNesting is how deep lists and quotes can nest; further markers are text.
	maxNesting = 16
	// maxInline is the size, in bytes, above which a paragraph, heading or table cell has
	// no formatting.
	maxInline = 16 << 10
	// maxMarks is how many marks (stars, brackets, backticks …) count as formatting in a
	// paragraph, heading or cell; the rest are text.
	maxMarks = 1000
	// freeCells is how many cells a table can have, in addition to two for each of its
	// bytes. The parser adds the cells that are missing in a row.
	freeCells = 1000
	// maxEscapedBars is the number of escaped bars in a segment after which there are no
	// more tables.
	maxEscapedBars = 500
	// maxBackticks is how many backticks in a row can start code.
	maxBackticks = 64
)

// nested is a parser of lists or quotes that enforces maxNesting.
type nested struct{ parser.BlockParser }

func (n nested) Open(parent ast.Node, reader text.Reader, pc parser.Context) (ast.Node,
	parser.State) {
	// No list opens directly in a list, but the list parser has to see the line.
	if parent.Kind() != ast.KindList && nesting(parent) >= maxNesting {
		return nil, parser.NoChildren
	}
	return n.BlockParser.Open(parent, reader, pc)
}

// nesting returns how many lists and quotes a node is in.
func nesting(node ast.Node) int {
	depth := 0
	for ; node != nil; node = node.Parent() {
		if k := node.Kind(); k == ast.KindList || k == ast.KindBlockquote {
			depth++
		}
	}
	return depth
}

// A leaf counts the marks of the paragraph, heading or cell that is being parsed.
type leaf struct {
	node  ast.Node
	size  int // in bytes
	marks int // that were parsed so far
	// ticks[n] is the offset in the source where the last run of n backticks starts.
	ticks [maxBackticks + 1]int
}

var leafKey = parser.NewContextKey()

// leafOf returns the leaf of a node. The context keeps the leaf until another node is
// parsed.
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

// bounded is a parser of marks that enforces maxInline and maxMarks.
type bounded struct{ parser.InlineParser }

func (b bounded) Parse(parent ast.Node, block text.Reader, pc parser.Context) ast.Node {
	l := leafOf(parent, block.Source(), pc)
	l.marks++
	if l.size > maxInline || l.marks > maxMarks {
		return nil
	}
	return b.InlineParser.Parse(parent, block, pc)
}

// boundedLinks is bounded for links. The link parser must also know when a leaf ends.
type boundedLinks struct {
	bounded
	parser.CloseBlocker
}

func newBoundedLinks() boundedLinks {
	links := parser.NewLinkParser()
	return boundedLinks{bounded{links}, links.(parser.CloseBlocker)}
}

// codeSpans is a parser of code spans that searches for the end of a span only if there
// is one. Otherwise a text of many backtick runs would take quadratic time.
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

// tables is a parser of tables that enforces freeCells and maxEscapedBars.
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
