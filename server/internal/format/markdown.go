package format

import (
	"bytes"
	"strings"
	"sync"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// The parsers are safe for concurrent use.
var (
	markdown = sync.OnceValue(newMarkdown)
	// blocksOnly does not parse the formatting inside paragraphs.
	blocksOnly = sync.OnceValue(func() parser.Parser { return parser.NewParser(blockParsers()...) })
)

func newMarkdown() goldmark.Markdown {
	return goldmark.New(
		goldmark.WithParser(parser.NewParser(append(blockParsers(), inlineParsers())...)),
		goldmark.WithRenderer(renderer.NewRenderer(renderer.WithNodeRenderers(
			util.Prioritized(nodes{}, 100),
			// Alignment is an attribute, since the Content-Security-Policy forbids styles.
			util.Prioritized(extension.NewTableHTMLRenderer(
				extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute)), 500),
			util.Prioritized(extension.NewStrikethroughHTMLRenderer(), 500),
			util.Prioritized(html.NewRenderer(), 1000),
		))),
	)
}

// blockParsers are those of CommonMark, without HTML blocks and link reference
// definitions, and GitHub's tables.
func blockParsers() []parser.Option {
	return []parser.Option{
		parser.WithBlockParsers(
			util.Prioritized(parser.NewSetextHeadingParser(), 100),
			util.Prioritized(mathBlocks{}, 150),
			util.Prioritized(parser.NewThematicBreakParser(), 200),
			util.Prioritized(nested{parser.NewListParser()}, 300),
			util.Prioritized(parser.NewListItemParser(), 400),
			util.Prioritized(parser.NewCodeBlockParser(), 500),
			util.Prioritized(parser.NewATXHeadingParser(), 600),
			util.Prioritized(parser.NewFencedCodeBlockParser(), 700),
			util.Prioritized(nested{parser.NewBlockquoteParser()}, 800),
			util.Prioritized(parser.NewParagraphParser(), 1000),
		),
		parser.WithParagraphTransformers(util.Prioritized(tables{extension.NewTableParagraphTransformer()}, 200)),
		parser.WithASTTransformers(util.Prioritized(extension.NewTableASTTransformer(), 0),
			util.Prioritized(pairTags{}, 10)),
	}
}

// inlineParsers are those of CommonMark, with few tags of HTML, and those of GitHub.
func inlineParsers() parser.Option {
	return parser.WithInlineParsers(
		util.Prioritized(tasks{extension.NewTaskCheckBoxParser()}, 0),
		util.Prioritized(bounded{codeSpans{parser.NewCodeSpanParser()}}, 100),
		util.Prioritized(bounded{mathSpans{}}, 150),
		util.Prioritized(newBoundedLinks(), 200),
		util.Prioritized(bounded{htmlTags{}}, 250),
		util.Prioritized(bounded{parser.NewAutoLinkParser()}, 300),
		util.Prioritized(bounded{emphasis{}}, 500),
		util.Prioritized(autoLinks{}, 999),
	)
}

// An ending says what follows a segment.
type ending uint8

const (
	moreFollows ending = iota // another segment
	textEnds                  // nothing
	textIsOpen                // what is not written yet
)

// formatProse returns the blocks of a segment, and adds the segment to the outline. While
// the text is open, code at its very end is not highlighted. If the parser panics, the segment becomes one block without
// formatting: no text may crash the gateway.
func formatProse(segment []byte, end ending, h *highlighter, o *outline) (blocks []string) {
	defer func() {
		if recover() != nil {
			blocks = []string{"<p>" + escape(string(segment)) + "</p>"}
		}
	}()
	return parse(segment, end, h, o)
}

func parse(segment []byte, end ending, h *highlighter, o *outline) (blocks []string) {
	source := withNewline(segment)
	doc := markdown().Parser().Parse(text.NewReader(source), contextFor(end))
	o.place(doc)
	setCode(doc, source, end == textIsOpen, h, o, codeBlock)
	setMath(doc, source, o)
	var out bytes.Buffer
	for node := doc.FirstChild(); node != nil; node = node.NextSibling() {
		out.Reset()
		if err := markdown().Renderer().Render(&out, source, node); err != nil {
			panic(err) // cannot happen: neither the renderers nor a Buffer return errors
		}
		blocks = append(blocks, strings.TrimSuffix(out.String(), "\n"))
	}
	return blocks
}

// tasks is a parser of the boxes of tasks that leaves links ("[x](…)") alone.
type tasks struct{ parser.InlineParser }

func (t tasks) Parse(parent ast.Node, block text.Reader, pc parser.Context) ast.Node {
	if line, _ := block.PeekLine(); len(line) > len("[x]") && !util.IsSpace(line[len("[x]")]) {
		return nil
	}
	return t.InlineParser.Parse(parent, block, pc)
}

func contextFor(end ending) parser.ParseOption {
	pc := parser.NewContext()
	if end != moreFollows {
		pc.Set(atEndKey, true)
	}
	return parser.WithContext(pc)
}

// closedByBlankLine reports whether a blank line after the segment closes all its blocks.
// It returns false if the parser panics.
func closedByBlankLine(segment []byte) (closed bool) {
	defer func() { _ = recover() }()
	probe := append(withNewline(segment), "\nx\n"...)
	last := blocksOnly().Parse(text.NewReader(probe), contextFor(textEnds)).LastChild()
	return last.Kind() == ast.KindParagraph && last.Lines().At(0).Start == len(probe)-2
}

// withNewline returns a copy of the segment that ends with a line end.
func withNewline(segment []byte) []byte {
	source := make([]byte, len(segment), len(segment)+4)
	copy(source, segment)
	if !bytes.HasSuffix(source, []byte("\n")) {
		source = append(source, '\n')
	}
	return source
}
