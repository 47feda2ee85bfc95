package format

import (
	"strconv"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
)

// An outline is what a segment has to know of the segments before it: the headings that
// its own headings are below, and how much code and how many tables and
// display formulas there were.
type outline struct {
	levels [6]int // as written, of the headings that contain this place
	depth  int    // how many of levels there are
	code   int
	tables int
	math   int
}

// pageHeadings is how many levels of headings a page has above those of a message: the
// title of the chat.
const pageHeadings = 1

// heading returns the level for a heading that was written with a level from 1 to 6. The
// levels of a message start below the page's own and skip none.
func (o *outline) heading(written int) int {
	for o.depth > 0 && o.levels[o.depth-1] >= written {
		o.depth--
	}
	o.levels[o.depth] = written // levels grow, so there are at most 6
	o.depth++
	return min(pageHeadings+o.depth, 6)
}

// nextCode returns the name of the next block of code.
func (o *outline) nextCode(lang string) string {
	o.code++
	name := numbered("Code", o.code)
	if lang != "" {
		name += ", " + lang
	}
	return name
}

// nextTable returns the name of the next table.
func (o *outline) nextTable(columns int) string {
	o.tables++
	name := numbered("Table", o.tables)
	if columns == 1 {
		return name + ", 1 column"
	}
	return name + ", " + strconv.Itoa(columns) + " columns"
}

// nextFormula returns the name of the next display formula.
func (o *outline) nextFormula() string {
	o.math++
	return numbered("Formula", o.math)
}

// numbered numbers all things of a kind but the first, which is often the only one.
func numbered(kind string, n int) string {
	if n == 1 {
		return kind
	}
	return kind + " " + strconv.Itoa(n)
}

// regionName is the attribute of a node that has the name of its region.
var regionName = []byte("region-name")

// place gives headings their levels and tables their names.
func (o *outline) place(doc ast.Node) {
	_ = ast.Walk(doc, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := node.(type) {
		case *ast.Heading:
			n.Level = o.heading(n.Level)
		case *extast.Table:
			n.SetAttribute(regionName, o.nextTable(len(n.Alignments)))
		}
		return ast.WalkContinue, nil
	})
}

// region returns the attributes of an element that may scroll: by them the keyboard
// reaches it, and its name is read out. It is a group and no region of the page: a chat
// has too many of them to be landmarks.
func region(name string) string {
	return ` tabindex="0" role="group" aria-label="` + escape(name) + `"`
}
