// Package format turns the markdown of messages into HTML that is safe to put
// into a page: whole messages with [Blocks], answers that are still being
// written with [Stream].
//
// The dialect is CommonMark with GitHub's tables, strikethrough, task lists and
// bare links, and without two things. Raw HTML is no markup: it is shown as the
// text it is. There are no link reference definitions ("[label]: url"), because
// one at the end of a text would change what was shown at its start.
//
// What comes out holds only these elements: p, h1 to h6, ul, ol, li, blockquote,
// hr, br, em, strong, del, code, pre, a, table and its parts, a disabled
// checkbox, and the div, span and button of a code block. There is no style, no
// id and no event handler in it, and a class or attribute only where this
// package wrote it, so it is valid under a Content-Security-Policy without
// inline script or style. Links lead to http, https and mailto alone, other
// links are their text; an image is a link to it.
//
// Hostile text costs no more than its length: nesting, the length of one
// paragraph with formatting, and the size of a table made from little text are
// bounded, and what lies beyond a bound is shown without formatting.
//
// Everything here is a pure function of the text, with one exception: a code
// block whose highlighting takes unreasonably long is shown plain.
package format

// Blocks formats a whole message. Each string is one block: exactly one HTML
// element, with nothing around it, so that blocks can be placed and replaced
// one by one. Text that is empty or blank has none.
//
// Bytes that are not UTF-8, and NUL, become U+FFFD.
func Blocks(markdown string) []string {
	return (*Page)(nil).Blocks(markdown)
}

// A Patch is a change to the blocks of an answer.
type Patch struct {
	// From is how many of the answer's blocks stay; all after them go.
	From int
	// Blocks are put in their place.
	Blocks []string
	// Append, if not empty, is the whole change: text (not HTML) to add at the
	// end of the code element of the last block, which is a code block and
	// holds exactly one. From then counts all blocks and Blocks is empty.
	Append string
}

// Empty reports whether the patch changes nothing.
func (p Patch) Empty() bool { return len(p.Blocks) == 0 && p.Append == "" }
