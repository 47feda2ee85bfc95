package format

import "bytes"

// The splitter cuts a text into segments: runs of whole lines, each of which is formatted
// on its own. It reads every line once, and where it cuts depends only on the lines
// before. So a stream and a whole text are cut at the same lines and give the same
// blocks, whatever the parser does inside a segment.
//
// It cuts only where CommonMark has closed every block: before and after a fenced code
// block, and at an unindented line after a blank one. If it cannot be sure, because a list
// may continue or may contain the fence, it does not cut. So a segment may have several
// blocks.

type segmentKind uint8

const (
	nothing segmentKind = iota // blank lines only
	prose                      // blocks that a blank line ends
	list                       // contains a list, which may contain blank lines
	fenced                     // exactly one fenced code block at the top level
)

// A scan is the state of the splitter after some lines of the open segment.
type scan struct {
	kind  segmentKind
	blank bool // the last line was blank

	// list: the segment has an indented fence, which may or may not belong to the list.
	// Then only the parser knows whether a blank line closes all blocks.
	unsure bool
	// The segment has a line that may start a display formula with blank lines inside.
	// Then, too, only the parser knows.
	display bool
	// The parser is not asked again before the segment has this length. That bounds the
	// cost of asking.
	askFrom int

	// fenced: the opening line, and the offsets where the content starts and, once the
	// block is closed, ends.
	fence  fence
	body   int
	end    int
	closed bool
}

// step reads the next line, without its "\n", and returns the scan after the line. cut
// says that the line starts a new segment. length is the length of the open segment
// before the line. closed asks the parser whether a blank line closes all blocks of that
// segment; it is called only if the splitter is not sure.
func (s scan) step(line []byte, length int, closed func() bool) (next scan, cut bool) {
	if s.kind == fenced {
		if s.closed = s.fence.closedBy(line); s.closed {
			s.end = length
		}
		return s, false
	}
	if isBlank(line) {
		s.blank = true
		return s, false
	}
	if s.kind == nothing {
		return begin(line), false
	}
	indent, body := indentation(line)
	opener, isFence := openingFence(line)
	mayCut := isFence || s.blank && (s.kind == list || indent < 4)
	switch {
	case !mayCut, s.kind == list && (indent > 0 || mayBeItem(body)): // the list may continue
	case !s.unsure && (isFence || !s.display):
		cut = true
	case s.blank && length >= s.askFrom:
		cut = closed()
		s.askFrom = length + length/8
	}
	if cut {
		return begin(line), true
	}
	s.blank = false
	if indent < 4 && mayBeItem(body) {
		s.kind = list
	}
	if isFence && opener.indent > 0 {
		s.unsure = true
	}
	s.display = s.display || opensLines(body)
	return s, false
}

// begin returns the scan of a segment after its first line, which must not be blank.
func begin(line []byte) scan {
	if opener, ok := openingFence(line); ok {
		return scan{kind: fenced, fence: opener, body: len(line) + 1}
	}
	indent, body := indentation(line)
	if indent < 4 && mayBeItem(body) {
		return scan{kind: list}
	}
	return scan{kind: prose, display: opensLines(body)}
}

// opensLines reports whether a line may start a display formula with blank lines inside.
func opensLines(body []byte) bool {
	m, _, ok := opensDisplay(body)
	return ok && m.alone
}

// content returns the code in text, which is the open segment of kind fenced, without the
// last line end. If the fence is not indented, more text only appends to the content
// until the block is closed.
func (s scan) content(text []byte) []byte {
	end := len(text)
	if s.closed {
		end = s.end
	}
	code := bytes.TrimSuffix(text[min(s.body, end):end], []byte("\n"))
	if s.fence.indent == 0 {
		return code
	}
	lines := bytes.SplitAfter(code, []byte("\n"))
	for i, line := range lines {
		for n := 0; n < s.fence.indent && len(line) > 0 && line[0] == ' '; n++ {
			line = line[1:]
		}
		lines[i] = line
	}
	return bytes.Join(lines, nil)
}

// A fence is the opening line of a fenced code block (CommonMark 0.31.2, 4.5).
type fence struct {
	char   byte
	length int
	indent int // 0 to 3 columns, which are removed from every line of the block
	lang   string
}

// openingFence parses the line as an opening fence. It returns false if it is none.
func openingFence(line []byte) (fence, bool) {
	indent, body := indentation(line)
	if indent > 3 || len(body) == 0 || body[0] != '`' && body[0] != '~' {
		return fence{}, false
	}
	info := bytes.TrimLeft(body, string(body[:1]))
	length := len(body) - len(info)
	if length < 3 || body[0] == '`' && bytes.IndexByte(info, '`') >= 0 {
		return fence{}, false
	}
	lang := language(string(info[:min(len(info), maxInfo)]))
	return fence{char: body[0], length: length, indent: indent, lang: lang}, true
}

// closedBy reports whether the line closes the block.
func (f fence) closedBy(line []byte) bool {
	indent, body := indentation(line)
	if indent > 3 || len(body) == 0 || body[0] != f.char {
		return false
	}
	rest := bytes.TrimLeft(body, string(rune(f.char)))
	return len(body)-len(rest) >= f.length && isBlank(rest)
}

// indentation returns how many columns of white space the line starts with, with tab stops
// of 4, and the rest of the line.
func indentation(line []byte) (columns int, body []byte) {
	for i, c := range line {
		switch c {
		case ' ':
			columns++
		case '\t':
			columns += 4 - columns%4
		default:
			return columns, line[i:]
		}
	}
	return columns, nil
}

func isBlank(line []byte) bool {
	_, body := indentation(line)
	return len(body) == 0
}

// mayBeItem reports whether the body of a line, which must not be blank, starts with a
// list marker, or with what more text can make one. If it returns false, it does so for
// every longer line that starts the same.
func mayBeItem(body []byte) bool {
	rest := body[1:]
	switch c := body[0]; {
	case c == '-' || c == '+' || c == '*':
	case c >= '0' && c <= '9':
		rest = bytes.TrimLeft(rest, "0123456789")
		if len(rest) == 0 {
			return true
		}
		if rest[0] != '.' && rest[0] != ')' {
			return false
		}
		rest = rest[1:]
	default:
		return false
	}
	return len(rest) == 0 || rest[0] == ' ' || rest[0] == '\t'
}
