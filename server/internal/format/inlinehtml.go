package format

import (
	"regexp"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// Of HTML only a few tags are markup: those that models write because markdown has no
// other way, most of all a line break in a table's cell. A tag with an attribute is text,
// as all other HTML is.
var tagPattern = regexp.MustCompile(`(?i)^<(?:(br)\s*/?|(/?)(sub|sup|kbd|mark))\s*>`)

// maxTag is the length in bytes above which a tag is text.
const maxTag = 16

// htmlTags parses those tags.
type htmlTags struct{}

func (htmlTags) Trigger() []byte { return []byte{'<'} }

func (htmlTags) Parse(_ ast.Node, block text.Reader, _ parser.Context) ast.Node {
	line, at := block.PeekLine()
	match := tagPattern.FindSubmatch(line[:min(len(line), maxTag)])
	if match == nil {
		return nil
	}
	block.Advance(len(match[0]))
	return &htmlTag{
		name:    strings.ToLower(string(match[1]) + string(match[3])),
		closing: len(match[2]) > 0,
		source:  at.WithStop(at.Start + len(match[0])),
	}
}

// An htmlTag is a tag in a text: a line break, or the start of an element if it has a
// parent for the children that follow, or else text.
type htmlTag struct {
	ast.BaseInline
	name    string
	closing bool
	source  text.Segment
	paired  bool // its children are the element's
}

var kindHTMLTag = ast.NewNodeKind("HTMLTag")

func (*htmlTag) Kind() ast.NodeKind { return kindHTMLTag }

func (t *htmlTag) Dump(source []byte, level int) { ast.DumpHelper(t, source, level, nil, nil) }

// pairTags makes elements of the tags that open and close in the same place.
type pairTags struct{}

func (pairTags) Transform(doc *ast.Document, _ text.Reader, _ parser.Context) {
	_ = ast.Walk(doc, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering { // after its children, which stay as they are
			pairTagsIn(node)
		}
		return ast.WalkContinue, nil
	})
}

func pairTagsIn(parent ast.Node) {
	var open []*htmlTag
	for node := parent.FirstChild(); node != nil; {
		next := node.NextSibling()
		tag, ok := node.(*htmlTag)
		switch {
		case !ok || tag.name == "br" || tag.paired:
		case !tag.closing:
			open = append(open, tag)
		case len(open) > 0 && open[len(open)-1].name == tag.name:
			opener := open[len(open)-1]
			open = open[:len(open)-1]
			opener.paired = true
			for child := opener.NextSibling(); child != tag; child = opener.NextSibling() {
				opener.AppendChild(opener, child)
			}
			parent.RemoveChild(parent, tag)
		}
		node = next
	}
}

func renderTag(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	switch tag := node.(*htmlTag); {
	case tag.paired && entering:
		_, _ = w.WriteString("<" + tag.name + ">")
	case tag.paired:
		_, _ = w.WriteString("</" + tag.name + ">")
	case !entering:
	case tag.name == "br":
		_, _ = w.WriteString("<br>")
	default:
		_, _ = w.WriteString(escape(string(tag.source.Value(source))))
	}
	return ast.WalkContinue, nil
}
