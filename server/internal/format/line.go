package format

import (
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// maxLineSource limits the beginning of a message in which Line looks, in bytes.
const maxLineSource = 4 << 10

// Line returns the first line of a message that has words, without markdown. It is for
// titles. A formula is in it as TeX, without its marks. The line is "" if there is none in the first 4 KiB.
func Line(message string) (line string) {
	message = strings.ToValidUTF8(message[:min(len(message), maxLineSource)], "")
	defer func() {
		if recover() != nil { // no text may crash the gateway
			line, _, _ = strings.Cut(strings.TrimSpace(message), "\n")
		}
	}()
	source := withNewline([]byte((&input{}).clean(message)))
	doc := markdown().Parser().Parse(text.NewReader(source))
	_ = ast.Walk(doc, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering || node.Type() != ast.TypeBlock {
			return ast.WalkContinue, nil
		}
		switch node.Kind() {
		case ast.KindCodeBlock, ast.KindFencedCodeBlock:
			line = firstLine(string(node.Lines().Value(source)))
		case kindMathBlock:
			f := node.(*mathBlock).formula(source)
			line = firstLine(f.tex)
		default:
			if c := node.FirstChild(); c != nil && c.Type() == ast.TypeInline {
				line = firstLine(lines(node, source))
			}
		}
		if line != "" {
			return ast.WalkStop, nil
		}
		return ast.WalkContinue, nil
	})
	return line
}

// firstLine returns the first line of text that is not blank, with single spaces.
func firstLine(text string) string {
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); len(words) > 0 {
			return strings.Join(words, " ")
		}
	}
	return ""
}

// lines returns the text of a block without its formatting, in lines.
func lines(block ast.Node, source []byte) string {
	var b strings.Builder
	_ = ast.Walk(block, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := node.(type) {
		case *ast.Text:
			if value := n.Value(source); n.Parent().Kind() == ast.KindCodeSpan {
				b.Write(value)
			} else {
				b.Write(unescape(value))
			}
			if n.SoftLineBreak() || n.HardLineBreak() {
				b.WriteByte('\n')
			}
		case *ast.AutoLink:
			b.Write(n.Label(source))
		case *mathSpan:
			b.WriteString(n.tex)
		case *htmlTag:
			if n.name == "br" {
				b.WriteByte(' ')
			}
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}

// unescape resolves the backslash escapes and entities in a text.
func unescape(text []byte) []byte {
	text = util.ResolveNumericReferences(text)
	text = util.ResolveEntityNames(text)
	return util.UnescapePunctuations(text)
}
