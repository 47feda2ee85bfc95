package format

import "strings"

const (
	// An open segment up to this many bytes is formatted with every piece.
	alwaysFormat = 4 << 10
	// A larger one is formatted when that has been earned: each byte written
	// earns this many bytes of formatting. So a stream costs time and traffic
	// in proportion to its length, and what is shown of a large block that is
	// still open is at most a 64th behind.
	earned = 64
	// No more than this many bytes of formatting are saved up, or what it takes
	// to format the open segment.
	maxCredit = 256 << 10
)

// A Stream formats an answer while it is being written. The zero Stream is
// ready. It is not safe for concurrent use.
//
// However the text was cut into pieces, the patches applied in order give in
// the end exactly [Blocks] of the whole text. On the way they give, after each
// Write, Blocks of the text so far, except that
//
//   - code at the very end of the text is not highlighted while it is open, and
//   - while the text ends in a list, table, quote or paragraph that is over
//     4 KiB long and still open, a Write may leave its change to a later one.
//
// A reader may join in the middle: Blocks of all the text written so far, and
// then the patches from there, end at the same blocks. (Only where a piece ends
// inside a rune do the two differ on the way.)
type Stream struct {
	in input

	text []byte // the open segment
	head int    // where its last, unfinished line starts
	at   scan   // what the lines before head say

	done   int      // blocks of finished segments
	shown  []string // the blocks after those, as readers have them
	stale  bool     // a change was left to a later patch
	coding bool     // the last of shown is code that grows: its string is unset
	coded  int      // and it holds this many bytes of the content
	credit int      // bytes of formatting that have been earned

	// What is known of text[:head], where head is askedAt or formattedAt.
	askedAt, formattedAt int
	settled              bool
	formatted            []string

	highlighter highlighter
}

// Write adds the next piece of the text, and returns the change it makes.
func (s *Stream) Write(piece string) Patch {
	finished := s.feed(s.in.next(piece))
	s.credit = min(s.credit+earned*len(piece), max(maxCredit, len(s.text)))
	next, cut := s.lookAhead()
	if len(finished) == 0 {
		if p, ok := s.grow(next); ok {
			return p
		}
		if !s.pay(cut) {
			s.stale = true
			return s.unchanged()
		}
	}
	open := s.open(next, cut)
	p := s.change(append(finished, open...))
	s.done += len(finished)
	s.shown = open
	if s.coding = s.at.kind == fenced && s.at.fence.indent == 0; s.coding {
		s.coded = len(next.content(s.text))
		s.shown[len(s.shown)-1] = ""
	}
	return p
}

// Behind reports whether a change was left to a later patch.
func (s *Stream) Behind() bool { return s.stale }

// Restate makes the next patch give all blocks that are not finished anew: a
// reader has joined who may have them as another Stream left them.
func (s *Stream) Restate() { s.stale = true }

// Close ends the text and returns the last change. After that the Stream is
// ready for another text.
func (s *Stream) Close() Patch {
	p := s.change(s.end())
	*s = Stream{}
	return p
}

// feed reads text and returns the blocks of the segments that it finished.
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
	return append(finished, s.finish()...)
}

// endLine takes the line at head, which has ended.
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

// lookAhead reads the unfinished line as if it ended here.
func (s *Stream) lookAhead() (next scan, cut bool) {
	if s.head == len(s.text) {
		return s.at, false
	}
	return s.step(s.text[s.head:])
}

func (s *Stream) step(line []byte) (next scan, cut bool) {
	return s.at.step(line, s.head, func() bool {
		if s.askedAt != s.head {
			s.askedAt, s.settled = s.head, settled(s.text[:s.head])
		}
		return s.settled
	})
}

// finish formats the open segment up to head; the line at head starts the next.
func (s *Stream) finish() []string {
	blocks := s.final()
	s.coding = false
	s.text = append([]byte(nil), s.text[s.head:]...)
	s.head, s.at = 0, scan{}
	s.askedAt, s.formattedAt, s.formatted, s.highlighter.known = 0, 0, nil, nil
	return blocks
}

// final returns the blocks of text[:head], a segment that ends there.
func (s *Stream) final() []string {
	if s.formattedAt != s.head {
		s.formattedAt = s.head
		s.formatted = s.format(s.at, s.text[:s.head], false)
	}
	return s.formatted
}

// open returns the blocks of the open segment as it would end here, or of the
// two that it would be.
func (s *Stream) open(next scan, cut bool) []string {
	if !cut {
		return s.format(next, s.text, true)
	}
	return append(s.final()[:len(s.final()):len(s.final())], s.format(next, s.text[s.head:], true)...)
}

// format returns the blocks of one segment. open leaves the code at its end plain.
func (s *Stream) format(is scan, segment []byte, open bool) []string {
	switch is.kind {
	case nothing:
		return nil
	case fenced:
		code := string(is.content(segment))
		if open {
			return []string{codeBlock(is.fence.lang, escape(code))}
		}
		return []string{codeBlock(is.fence.lang, s.highlighter.html(is.fence.lang, code))}
	default:
		return formatProse(segment, open, &s.highlighter)
	}
}

// grow returns the change where all there is to do is to add to an open code block.
func (s *Stream) grow(next scan) (Patch, bool) {
	if !s.coding || s.stale {
		return Patch{}, false
	}
	code := next.content(s.text)
	if len(code) < s.coded {
		return Patch{}, false
	}
	p := s.unchanged()
	p.Append = string(code[s.coded:])
	s.coded = len(code)
	return p, true
}

// pay reports whether the open segment may be formatted now.
func (s *Stream) pay(cut bool) bool {
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

// change returns the patch from what is shown to blocks.
func (s *Stream) change(blocks []string) Patch {
	same := 0
	// While shown is stale, readers who joined since have other blocks.
	for !s.stale && same < min(len(s.shown), len(blocks)) && s.shown[same] == blocks[same] {
		same++
	}
	s.stale = false
	return Patch{From: s.done + same, Blocks: blocks[same:]}
}

func (s *Stream) unchanged() Patch { return Patch{From: s.done + len(s.shown)} }
