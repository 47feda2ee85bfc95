package format

import (
	"bytes"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// A Document is a text of the product's own, such as a page of the manual,
// formatted as messages are, with these differences: headings have ids, links may
// lead to other pages, lines that are an HTML comment are left out, and code
// blocks have no button.
type Document struct {
	Blocks   []string // as of the function Blocks
	Headings []Heading
}

// Heading is a heading of a [Document].
type Heading struct {
	Level int    // 1 to 6
	ID    string // the element's id, unique in the document; as GitHub makes anchors
	Text  string // without formatting
}

// NewDocument formats a text that is trusted not to be hostile. link gives the
// address for the destination of a link; for "" the link is shown as its text.
func NewDocument(page string, link func(destination string) string) Document {
	source := []byte(withoutComments(page))
	doc := markdown().Parser().Parse(text.NewReader(source))
	var o outline
	setCode(doc, source, false, &highlighter{}, &o, plainCodeBlock)
	setMath(doc, source, &o)
	var d Document
	ids := map[string]int{}
	_ = ast.Walk(doc, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := node.(type) {
		case *ast.Heading:
			h := Heading{Level: n.Level, Text: plainText(n, source)}
			h.ID = uniqueID(Anchor(h.Text), ids)
			n.SetAttribute(headingID, h.ID)
			d.Headings = append(d.Headings, h)
		case *extast.Table:
			n.SetAttribute(regionName, o.nextTable(len(n.Alignments)))
		case *ast.Link:
			n.SetAttribute(linkTarget, link(string(n.Destination)))
		}
		return ast.WalkContinue, nil
	})
	var out bytes.Buffer
	for node := doc.FirstChild(); node != nil; node = node.NextSibling() {
		out.Reset()
		if err := documentRenderer().Render(&out, source, node); err != nil {
			panic(err) // neither our nodes nor a Buffer return errors
		}
		d.Blocks = append(d.Blocks, strings.TrimSuffix(out.String(), "\n"))
	}
	return d
}

// Anchor gives the anchor that GitHub makes of a heading's text: lower case,
// hyphens for spaces, nothing of other punctuation than "-" and "_".
func Anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r):
			return unicode.ToLower(r)
		}
		return -1
	}, strings.TrimSpace(heading))
}

func uniqueID(id string, taken map[string]int) string {
	n := taken[id]
	taken[id]++
	if n == 0 {
		return id
	}
	return id + "-" + strconv.Itoa(n)
}

// withoutComments leaves out the lines that hold an HTML comment and nothing
// else, save those in fenced code.
func withoutComments(page string) string {
	var kept strings.Builder
	var open *fence
	for line := range strings.Lines(page) {
		bare := []byte(strings.TrimRight(line, "\r\n"))
		if open != nil {
			if open.closedBy(bare) {
				open = nil
			}
		} else if f, is := openingFence(bare); is {
			open = &f
		} else if bytes.HasPrefix(bare, []byte("<!--")) && bytes.HasSuffix(bare, []byte("-->")) {
			continue
		}
		kept.WriteString(line)
	}
	return kept.String()
}

// plainText is a node's text without its formatting.
func plainText(node ast.Node, source []byte) string {
	var b strings.Builder
	_ = ast.Walk(node, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		switch n := n.(type) {
		case *ast.Text:
			if entering {
				b.Write(n.Value(source))
			}
		case *mathSpan:
			if entering {
				b.WriteString(n.tex)
			}
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}

var (
	headingID  = []byte("document-id")
	linkTarget = []byte("document-link")
)

// documentRenderer is that of messages, but for headings and links. It is safe for
// concurrent use.
var documentRenderer = sync.OnceValue(func() renderer.Renderer {
	return renderer.NewRenderer(renderer.WithNodeRenderers(
		util.Prioritized(documentNodes{}, 50),
		util.Prioritized(nodes{}, 100),
		util.Prioritized(extension.NewTableHTMLRenderer(
			extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute)), 500),
		util.Prioritized(extension.NewStrikethroughHTMLRenderer(), 500),
		util.Prioritized(html.NewRenderer(), 1000),
	))
})

// documentNodes renders what a document shows otherwise than a message.
type documentNodes struct{}

func (documentNodes) RegisterFuncs(reg renderer.NodeRendererFuncRegisterer) {
	reg.Register(ast.KindHeading, documentHeading)
	reg.Register(ast.KindLink, documentLink)
}

func documentHeading(w util.BufWriter, _ []byte, node ast.Node,
	entering bool) (ast.WalkStatus, error) {
	n := node.(*ast.Heading)
	level := strconv.Itoa(n.Level)
	id, _ := n.Attribute(headingID)
	anchor := escape(id.(string))
	if entering {
		_, _ = w.WriteString("<h" + level + ` id="` + anchor + `">`)
		return ast.WalkContinue, nil
	}
	if n.Level > 1 {
		_, _ = w.WriteString(` <a class="anchor" href="#` + anchor +
			`" aria-label="Link to this section">#</a>`)
	}
	_, _ = w.WriteString("</h" + level + ">\n")
	return ast.WalkContinue, nil
}

func documentLink(w util.BufWriter, _ []byte, node ast.Node,
	entering bool) (ast.WalkStatus, error) {
	to, _ := node.Attribute(linkTarget)
	href, _ := to.(string)
	switch {
	case href == "":
	case entering:
		_, _ = w.WriteString(`<a href="` + escape(href) + `">`)
	default:
		_, _ = w.WriteString("</a>")
	}
	return ast.WalkContinue, nil
}
