package format

import (
	"cmp"
	"strings"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/util"
)

// nodes renders what goldmark's own renderers do not render as this package needs it.
type nodes struct{}

func (nodes) RegisterFuncs(reg renderer.NodeRendererFuncRegisterer) {
	reg.Register(ast.KindLink, link)
	reg.Register(ast.KindImage, image)
	reg.Register(ast.KindAutoLink, autoLink)
	reg.Register(ast.KindCodeBlock, code)
	reg.Register(ast.KindFencedCodeBlock, code)
	reg.Register(ast.KindText, words)
	reg.Register(extast.KindTable, table)
	reg.Register(extast.KindTaskCheckBox, checkBox)
	reg.Register(kindHTMLTag, renderTag)
	reg.Register(kindMathSpan, renderMathSpan)
	reg.Register(kindMathBlock, code)
}

func words(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	n := node.(*ast.Text)
	html.DefaultWriter.Write(w, n.Segment.Value(source))
	switch {
	case n.HardLineBreak():
		_, _ = w.WriteString("<br>\n")
	case n.SoftLineBreak() && !joinsLines(n, source):
		_ = w.WriteByte('\n')
	}
	return ast.WalkContinue, nil
}

// table renders the frame in which a wide table scrolls.
func table(w util.BufWriter, _ []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		_, _ = w.WriteString("</table></div>\n")
		return ast.WalkContinue, nil
	}
	name, _ := node.Attribute(regionName)
	_, _ = w.WriteString(`<div class="table-frame"` + region(name.(string)) + ">\n<table>\n")
	return ast.WalkContinue, nil
}

// maxLabel bounds the name of a checkbox, in characters.
const maxLabel = 100

// checkBox renders the box of a task. Its name is the task.
func checkBox(w util.BufWriter, source []byte, node ast.Node,
	entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	checked := ""
	if node.(*extast.TaskCheckBox).IsChecked {
		checked = ` checked=""`
	}
	label := []rune(strings.TrimSpace(plainText(node.Parent(), source)))
	if len(label) > maxLabel {
		label = append(label[:maxLabel-1], '…')
	}
	name := cmp.Or(string(label), "Task")
	_, _ = w.WriteString("<input" + checked + ` disabled="" type="checkbox" aria-label="` +
		escape(name) + `"> `)
	return ast.WalkContinue, nil
}

func link(w util.BufWriter, _ []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	if href := safeURL(util.URLEscape(node.(*ast.Link).Destination, true)); href != "" &&
		!inLink(node) {
		anchor(w, href, entering)
	}
	return ast.WalkContinue, nil
}

// image renders a link to the image. The browser must not load images from other sites.
func image(w util.BufWriter, _ []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	href := safeURL(util.URLEscape(node.(*ast.Image).Destination, true))
	if href == "" || inLink(node) {
		return ast.WalkContinue, nil
	}
	anchor(w, href, entering)
	if entering && !node.HasChildren() {
		_, _ = w.WriteString(href)
	}
	return ast.WalkContinue, nil
}

func autoLink(w util.BufWriter, source []byte, node ast.Node,
	entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	n := node.(*ast.AutoLink)
	url := n.URL(source)
	if n.AutoLinkType == ast.AutoLinkEmail {
		url = append([]byte("mailto:"), url...)
	}
	label := escape(string(n.Label(source)))
	switch href := safeURL(util.URLEscape(url, false)); {
	case inLink(node):
		_, _ = w.WriteString(label)
	case href == "":
		_, _ = w.WriteString("&lt;" + label + "&gt;")
	default:
		anchor(w, href, true)
		_, _ = w.WriteString(label)
		anchor(w, href, false)
	}
	return ast.WalkContinue, nil
}

func anchor(w util.BufWriter, href string, entering bool) {
	if entering {
		_, _ = w.WriteString(`<a href="` + href +
			`" rel="noopener noreferrer nofollow ugc" target="_blank">`)
	} else {
		_, _ = w.WriteString("</a>")
	}
}

// inLink reports whether a node is inside a link or an image, which is a link, too.
func inLink(node ast.Node) bool {
	for n := node.Parent(); n != nil; n = n.Parent() {
		if k := n.Kind(); k == ast.KindLink || k == ast.KindImage {
			return true
		}
	}
	return false
}

// safeURL returns the value of an href, or "" if the URL is not an absolute http, https
// or mailto URL. In escaped, everything except printable ASCII must be percent-encoded:
// safeURL checks the same bytes that the browser will read.
func safeURL(escaped []byte) string {
	url := string(escaped)
	for _, scheme := range []string{"http://", "https://", "mailto:"} {
		if len(url) > len(scheme) && strings.EqualFold(url[:len(scheme)], scheme) {
			return escape(url)
		}
	}
	return ""
}

var codeHTML = []byte("html")

// setCode renders all code blocks of the document and keeps their HTML in an attribute.
// block returns the element for a name, a language and the HTML of the code. If open is
// true, code at the end of the document is not highlighted.
func setCode(
	doc ast.Node, source []byte, open bool, h *highlighter, o *outline,
	block func(name, lang, inner string) string,
) {
	last := doc
	for last.LastChild() != nil {
		last = last.LastChild()
	}
	_ = ast.Walk(doc, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		lang := ""
		switch n := node.(type) {
		case *ast.FencedCodeBlock:
			lang = language(string(n.Language(source)))
		case *ast.CodeBlock:
		default:
			return ast.WalkContinue, nil
		}
		if !entering {
			return ast.WalkContinue, nil
		}
		content := strings.TrimSuffix(string(node.Lines().Value(source)), "\n")
		if math, ok := fencedMath(lang, content, o); ok && fenceClosed(node, source) {
			node.SetAttribute(codeHTML, math)
			return ast.WalkContinue, nil
		}
		inner := ""
		if open && node == last {
			inner = escape(content)
		} else {
			inner = h.html(lang, content)
		}
		node.SetAttribute(codeHTML, block(o.nextCode(lang), lang, inner))
		return ast.WalkContinue, nil
	})
}

func code(w util.BufWriter, _ []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	if html, ok := node.Attribute(codeHTML); ok && entering {
		_, _ = w.WriteString(html.(string) + "\n")
	}
	return ast.WalkSkipChildren, nil
}
