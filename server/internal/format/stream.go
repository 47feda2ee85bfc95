package format

import (
	"slices"
	"strings"
)

const (
	// alwaysFormat is the size, in bytes, up to which the open segment is formatted with
	// every piece. Formatting a larger one costs credit.
	alwaysFormat = 4 << 10
	// creditPerByte is how many bytes may be formatted for each byte that is written. So
	// the time and traffic of a stream are proportional to its length, and readers lag at
	// most a 64th behind in a large open block.
	creditPerByte = 64
	// maxCredit bounds the saved credit, unless the open segment needs more.
	maxCredit = 256 << 10
)

// A Stream formats an answer while it is being written. The zero Stream is ready to use.
// It is not safe for concurrent use.
//
// However the text is cut into pieces, all patches applied in order give exactly [Blocks]
// of the whole text. After each Write they give Blocks of the text so far, with two
// exceptions:
//
//   - code at the very end of the text is not highlighted while it is open, and
//   - while the text ends in an open list, table, quote or paragraph of more than 4 KiB, a
//     Write may leave its change to a later one.
//
// A reader may join in the middle: Blocks of the text so far, and the patches from there,
// give the same blocks in the end. (They may differ before the end if a piece ends inside
// a rune.)
type Stream struct {
	in input

	text  []byte // the open segment
	head  int    // the offset of its last line, which has no line end yet
	ended bool   // all of the text is there
	at    scan   // the state of the splitter at head

	before outline // of the finished segments

	done     int      // the number of blocks of finished segments
	shown    []string // the blocks of the open segment, as readers have them
	stale    bool     // readers lack a change, or may have other blocks than shown
	codeOpen bool     // the last of shown is open code; its string is not kept
	codeSent int      // how many bytes of that code readers have
	credit   int      // how many bytes may be formatted

	// Caches about text[:head]. They are valid if head is the named offset.
	askedAt     int
	closed      bool // whether a blank line closes all blocks, at askedAt
	formattedAt int
	formatted   []string // the blocks, at formattedAt
	after       outline  // the outline with these blocks, at formattedAt

	highlighter highlighter
}

// Write adds the next piece of the text and returns the change that it makes.
func (s *Stream) Write(piece string) Patch {
	finished := s.feed(s.in.next(piece))
	s.credit = min(s.credit+creditPerByte*len(piece), max(maxCredit, len(s.text)))
	next, cut := s.lookAhead()
	if len(finished) == 0 {
		if p, ok := s.appendCode(next); ok {
			return p
		}
		if !s.spendCredit(cut) {
			s.stale = true
			return s.unchanged()
		}
	}
	open := s.open(next, cut)
	p := s.change(append(finished, open...))
	s.done += len(finished)
	s.shown = open
	// If the last line closes the block so far, the block may be shown as a formula, to which
	// nothing can be appended.
	formula := next.closed && s.at.fence.lang == mathLanguage
	if s.codeOpen = s.at.kind == fenced && s.at.fence.indent == 0 && !formula; s.codeOpen {
		s.codeSent = len(next.content(s.text))
		s.shown[len(s.shown)-1] = ""
	}
	return p
}

// Done is the number of blocks that no further text changes.
func (s *Stream) Done() int { return s.done }

// Open returns the blocks after those, as they are if the text ended here. Readers of the
// patches so far have these blocks, unless the Stream is Behind.
func (s *Stream) Open() []string { return s.open(s.lookAhead()) }

// Behind reports whether a change was left to a later patch, or Restate was called
// since the last patch.
func (s *Stream) Behind() bool { return s.stale }

// Restate makes the next patch contain all blocks of the open segment. Call it when a
// reader has joined whose blocks may be from another Stream.
func (s *Stream) Restate() { s.stale = true }

// Close ends the text and returns the last change. After that the Stream is ready for
// another text.
func (s *Stream) Close() Patch {
	p := s.change(s.end())
	*s = Stream{}
	return p
}

// feed reads text and returns the blocks of the segments that the text finishes.
func (s *Stream) feed(text string) (finished []string) {
	for text != "" {
		n := len(text)
		if i := strings.IndexByte(text, '\n'); i >= 0 {
			n = i + 1
		}
		s.text = append(s.text, text[:n]...)
		if text[n-1] == '\n' {
			finished = append(finished, s.endLine()...)
		}
		text = text[n:]
	}
	return finished
}

// end finishes the text and returns the blocks that were not finished yet.
func (s *Stream) end() (finished []string) {
	finished = s.feed(s.in.end())
	if s.head < len(s.text) {
		finished = append(finished, s.feed("\n")...)
	}
	s.formattedAt = -1 // what was formatted was not the end
	s.ended = true
	return append(finished, s.finish()...)
}

// endLine reads the line at head, which has its line end now.
func (s *Stream) endLine() (finished []string) {
	next, cut := s.step(s.text[s.head : len(s.text)-1])
	if cut {
		finished = s.finish()
	}
	s.at = next
	s.head = len(s.text)
	if next.kind == nothing {
		s.text, s.head = s.text[:0], 0
	}
	if next.closed {
		finished = append(finished, s.finish()...)
	}
	return finished
}

// lookAhead returns the state of the splitter if the last line ended here.
func (s *Stream) lookAhead() (next scan, cut bool) {
	if s.head == len(s.text) {
		return s.at, false
	}
	return s.step(s.text[s.head:])
}

func (s *Stream) step(line []byte) (next scan, cut bool) {
	return s.at.step(line, s.head, func() bool {
		if s.askedAt != s.head {
			s.askedAt, s.closed = s.head, closedByBlankLine(s.text[:s.head])
		}
		return s.closed
	})
}

// finish ends the open segment at head and returns its blocks. The line at head starts
// the next segment.
func (s *Stream) finish() []string {
	blocks := s.final()
	s.before = s.after
	s.codeOpen = false
	s.text = append([]byte(nil), s.text[s.head:]...)
	s.head, s.at = 0, scan{}
	s.askedAt, s.formattedAt, s.formatted, s.highlighter.cache = 0, 0, nil, nil
	return blocks
}

// final returns the blocks of text[:head] as a segment that has ended.
func (s *Stream) final() []string {
	if s.formattedAt != s.head {
		s.formattedAt = s.head
		end := moreFollows
		if s.ended {
			end = textEnds
		}
		s.formatted, s.after = s.format(s.at, s.text[:s.head], end, s.before)
	}
	return s.formatted
}

// open returns the blocks of the open segment if the text ended here. If the last line
// would start a new segment, these are the blocks of both.
func (s *Stream) open(next scan, cut bool) []string {
	if !cut {
		blocks, _ := s.format(next, s.text, textIsOpen, s.before)
		return blocks
	}
	final := s.final()
	blocks, _ := s.format(next, s.text[s.head:], textIsOpen, s.after)
	return slices.Concat(final, blocks)
}

// format returns the blocks of one segment that follows an outline, and the outline with
// these blocks.
func (s *Stream) format(is scan, segment []byte, end ending, o outline) ([]string, outline) {
	switch is.kind {
	case nothing:
		return nil, o
	case fenced:
		block := s.formatFenced(is, string(is.content(segment)), end, &o)
		return []string{block}, o
	default:
		blocks := formatProse(segment, end, &s.highlighter, &o)
		return blocks, o
	}
}

func (s *Stream) formatFenced(is scan, code string, end ending, o *outline) string {
	lang := is.fence.lang
	if is.closed {
		if block, ok := fencedMath(lang, code, o); ok {
			return block
		}
	}
	html := escape(code)
	if end != textIsOpen {
		html = s.highlighter.html(lang, code)
	}
	return codeBlock(o.nextCode(lang), lang, html)
}

// appendCode returns a patch that appends to an open code block. It returns false if the
// change is more than that.
func (s *Stream) appendCode(next scan) (Patch, bool) {
	if !s.codeOpen || s.stale {
		return Patch{}, false
	}
	code := next.content(s.text)
	if len(code) < s.codeSent {
		return Patch{}, false
	}
	p := s.unchanged()
	p.Append = string(code[s.codeSent:])
	s.codeSent = len(code)
	return p, true
}

// spendCredit reports whether the open segment may be formatted now, and subtracts the
// cost from the credit.
func (s *Stream) spendCredit(cut bool) bool {
	cost := len(s.text)
	if cut && s.formattedAt == s.head {
		cost -= s.head
	}
	if cost > alwaysFormat {
		if s.credit < cost {
			return false
		}
		s.credit -= cost
	}
	return true
}

// change returns the patch that replaces the shown blocks by blocks.
func (s *Stream) change(blocks []string) Patch {
	same := 0
	// If shown is stale, some readers may have other blocks: send all.
	for !s.stale && same < min(len(s.shown), len(blocks)) && s.shown[same] == blocks[same] {
		same++
	}
	s.stale = false
	return Patch{From: s.done + same, Blocks: blocks[same:]}
}

func (s *Stream) unchanged() Patch { return Patch{From: s.done + len(s.shown)} }
