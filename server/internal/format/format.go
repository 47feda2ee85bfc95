// Package format turns the markdown of messages into HTML that is safe to put
// into a page: whole messages with [Blocks], answers that are still being
// written with [Stream].
//
// The dialect is CommonMark with GitHub's tables, strikethrough, task lists and
// bare links, and with these differences. Emphasis and links work in scripts without
// spaces, too, and a single tilde is a tilde. A star between digits is a star, names in
// code keep their underscores, and "**Note:**text" has a bold start. Raw HTML is no markup but shown as the
// text it is, except line breaks, sub, sup, kbd and mark without attributes. There are
// no link reference definitions ("[label]: url"), because one at the end of a text would
// change what was shown at its start.
//
// Formulas in TeX's notation, between \(…\), \[…\], $…$ or $$…$$, become MathML. What a
// dollar sign means follows from what is around it: prices stay as they are.
//
// The headings of a message start below the page's own and skip no level. What may scroll
// (code and tables) is reached by the keyboard and has a name, as buttons and boxes have.
//
// The output contains only these elements: p, h2 to h6, ul, ol, li, blockquote,
// hr, br, em, strong, del, sub, sup, kbd, mark, code, pre, a, table and its parts, a
// disabled checkbox, the div, span and button of a code block or a table, and the elements
// of MathML that package mathml writes. It contains
// no style, no id and no event handler, and only classes and attributes that this package
// has written. So it is valid under a Content-Security-Policy without inline scripts or
// styles. Links lead only to http, https and mailto; any other link becomes its
// text. An image becomes a link to the image.
//
// Hostile text costs no more than its length: nesting, the length of a paragraph
// with formatting, and the size of a table from little text are bounded. Text
// beyond a bound is shown without formatting.
//
// All functions are pure functions of the text, with one exception: a code block
// whose highlighting takes too long is shown without colours.
//
// Terms:
//
//   - block: one HTML element at the top level of a message.
//   - piece: a part of an answer, as the model sends it.
//   - patch: what a piece changes in the blocks that a reader has.
//   - segment: a run of whole lines that is formatted on its own; see split.go.
//     The last segment of a text that is still being written is the open one.
package format

// Blocks formats a whole message. Each string is one block: exactly one HTML
// element, without text around it, so that blocks can be inserted and replaced one
// by one. Blank text has no blocks.
//
// NUL and bytes that are not UTF-8 become U+FFFD.
func Blocks(markdown string) []string {
	return (*Page)(nil).Blocks(markdown)
}

// A Patch is a change to the blocks of an answer: either blocks are replaced, or text
// is appended to the last one.
type Patch struct {
	// From is how many blocks are kept. All others are removed.
	From int
	// Blocks are added after them.
	Blocks []string
	// Append, if not empty, is text (not HTML) to append to the code of the last block,
	// which is a code block with exactly one code element. Then From is the number of all
	// blocks, and Blocks is empty.
	Append string
}

// Empty reports whether the patch changes nothing.
func (p Patch) Empty() bool { return len(p.Blocks) == 0 && p.Append == "" }
