package format

import "bytes"

// The splitter cuts a text into segments, runs of whole lines that are
// formatted each on its own. It reads every line once, and where it cuts
// depends only on the lines up to there. That is why a stream and a whole text
// agree, whatever the parser does inside a segment.
//
// It cuts only where CommonMark has closed every block: before and after a
// fenced code block, and at an unindented line after a blank one. Where that is
// in doubt (a list may go on, or hold the fence) it does not cut, so a segment
// may hold several blocks.

type segmentKind uint8

const (
	nothing segmentKind = iota // blank lines only
	prose                      // anything that a blank line ends
	list                       // holds a list: blank lines may lie inside it
	fenced                     // a top-level fenced code block and nothing else
)

// A scan is what the lines of the open segment say so far.
type scan struct {
	kind  segmentKind
	blank bool // the last line was blank
	doubt bool // list: it has a fence that is in the list, or is not
	// list: below this length of the segment settled is not asked again, which
	// bounds what asking costs.
	askFrom int

	// fenced: the block, where its content starts and, once closed, ends.
	fence  fence
	body   int
	end    int
	closed bool
}

// step reads the next line, which comes without its "\n", and returns the scan
// after it. cut says that the line starts a new segment. length is that of the
// open segment before the line. settled reports whether the parser finds all
// its blocks closed by a blank line; it is asked only in doubt.
func (s scan) step(line []byte, length int, settled func() bool) (next scan, cut bool) {
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
	switch {
	case s.kind == prose:
		cut = isFence || s.blank && indent < 4
	case indent > 0 || mayBeItem(body): // the list may go on
	case !s.doubt:
		cut = isFence || s.blank
	case s.blank && length >= s.askFrom:
		cut = settled()
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
		s.doubt = true
	}
	return s, false
}

// begin returns the scan of a segment whose first line, not blank, is line.
func begin(line []byte) scan {
	if opener, ok := openingFence(line); ok {
		return scan{kind: fenced, fence: opener, body: len(line) + 1}
	}
	if indent, body := indentation(line); indent < 4 && mayBeItem(body) {
		return scan{kind: list}
	}
	return scan{kind: prose}
}

// content returns the code in text, the open segment of kind fenced, without
// its last line end. While the block has no indentation, the content of a
// longer text starts with that of a shorter one until the fence closes.
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
	indent int // 0 to 3 columns, which every line of the block may have too
	lang   string
}

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
	return fence{char: body[0], length: length, indent: indent, lang: language(string(info[:min(len(info), maxInfo)]))}, true
}

func (f fence) closedBy(line []byte) bool {
	indent, body := indentation(line)
	if indent > 3 || len(body) == 0 || body[0] != f.char {
		return false
	}
	rest := bytes.TrimLeft(body, string(rune(f.char)))
	return len(body)-len(rest) >= f.length && isBlank(rest)
}

// indentation returns the columns of white space before the first other
// character, with tab stops of 4, and the line from that character on.
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

// mayBeItem reports whether the body of a line, not blank, starts with a list
// marker, or may yet grow into one: where it says no, it says no of every longer
// line.
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
