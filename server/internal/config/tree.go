package config

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/titanous/json5"
)

// maxFileBytes bounds a configuration file.
const maxFileBytes = 1 << 20

// A shape is the JSON5 type of a value.
type shape int

const (
	shapeObject shape = iota
	shapeList
	shapeText
	shapeNumber
	shapeBoolean
	shapeNull
)

// A node is a value with its place in the file.
type node struct {
	shape   shape
	at      position
	text    string  // of a text what it says, of a number or boolean how it was written
	number  float64 // NaN if it was written as no float64 can be
	members []member
	items   []node
}

// A member is a key of an object, with its place, and its value.
type member struct {
	key   string
	at    position
	value node
}

// got describes the value for a message.
func (n node) got() string {
	switch n.shape {
	case shapeObject:
		return "an object"
	case shapeList:
		return "a list"
	case shapeText:
		return quote(n.text)
	case shapeNull:
		return "null (leave the key out for its default)"
	}
	return shorten(n.text)
}

// A problem is a fault whose key and file are known to the caller alone.
type problem struct {
	at     position
	suffix string // of the key, such as [2]
	text   string
}

// parseTree reads JSON5 with a byte order mark or without. It returns the
// value or, if the text is not JSON5, why not.
//
// The library decides what is JSON5 and decodes every text and number. The
// rest is about positions: what it accepts is walked once more to place every
// key and value.
func parseTree(data []byte) (node, []problem) {
	if len(data) > maxFileBytes {
		return node{}, []problem{{text: fmt.Sprintf("is larger than %d bytes, the most a configuration may have", maxFileBytes)}}
	}
	if bytes.HasPrefix(data, []byte{0xFE, 0xFF}) || bytes.HasPrefix(data, []byte{0xFF, 0xFE}) {
		return node{}, []problem{{text: "is UTF-16; save it as UTF-8"}}
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if off := invalidUTF8(data); off >= 0 {
		return node{}, []problem{{at: locate(data, off), text: fmt.Sprintf("byte 0x%02X is not UTF-8; save the file as UTF-8", data[off])}}
	}
	clean, unclosed, slips := blank(data)
	if problems := syntaxProblems(data, clean, unclosed, slips); problems != nil {
		return node{}, problems
	}
	b := builder{clean: clean, cursor: newCursor(data)}
	return b.value(), nil
}

func invalidUTF8(data []byte) int {
	for off := 0; off < len(data); {
		r, n := utf8.DecodeRune(data[off:])
		if r == utf8.RuneError && n == 1 {
			return off
		}
		off += n
	}
	return -1
}

// syntaxProblems returns what keeps the text from being JSON5. The library
// judges the text before the first slip; a syntax error in there comes first
// and hides the slips, which may well follow from it.
func syntaxProblems(data, clean []byte, unclosed int, slips []slip) []problem {
	judged := clean
	if len(slips) > 0 {
		judged = clean[:slips[0].off]
	}
	off, message := syntaxError(judged)
	switch {
	case message == "" && len(slips) == 0:
		return nil
	case message != "" && off < len(judged):
		r, _ := utf8.DecodeRune(data[off:])
		return []problem{{at: locate(data, off), text: fmt.Sprintf("syntax error: unexpected %q: %s", r, expectation(message))}}
	case len(slips) > 0:
		return slipProblems(data, slips)
	case unclosed >= 0:
		at := locate(data, unclosed)
		return []problem{{at: locate(data, len(data)), text: fmt.Sprintf(
			"syntax error: the file ends before the %c of line %d, column %d is closed", data[unclosed], at.line, at.column)}}
	case len(bytes.TrimSpace(clean)) == 0:
		return []problem{{at: locate(data, len(data)), text: "the file has no content; the least is {}"}}
	}
	return []problem{{at: locate(data, len(data)), text: "syntax error: the file ends too early: " + expectation(message)}}
}

func slipProblems(data []byte, slips []slip) []problem {
	problems := make([]problem, len(slips))
	for i, s := range slips {
		problems[i] = problem{at: locate(data, s.off), text: s.problem}
	}
	return problems
}

// syntaxError returns the offset and message of the library's syntax error;
// the offset is len(clean) if the text ends too early. An empty message means
// that the text is JSON5, though a number in it may still be none.
func syntaxError(clean []byte) (int, string) {
	// The line feed ends a word or number at the end of the text, so that an
	// error about its last character is told from one about its end.
	ended := append(bytes.Clone(clean), '\n')
	var ignored any
	err := json5.Unmarshal(ended, &ignored)
	var syntax *json5.SyntaxError
	var unfit *json5.UnmarshalTypeError
	switch {
	case err == nil || errors.As(err, &unfit):
		return 0, ""
	case errors.As(err, &syntax):
		return min(int(syntax.Offset)-1, len(clean)), syntax.Error()
	}
	return 0, err.Error()
}

// expectation says what must stand where the library found something else.
func expectation(message string) string {
	for _, e := range []struct{ context, sentence string }{
		{"looking for beginning of value", "a value must stand here: text in quotes, a number, true, false, a list in [ ] or an object in { }"},
		{"looking for beginning of object key", "a key or } must stand here"},
		{"in key literal", "a key of other characters than letters, digits, _ and $ must be in quotes"},
		{"after object key:value pair", "a comma or } must stand here"},
		{"after object key", "a colon must stand between the key and its value"},
		{"after array element", "a comma or ] must stand here"},
		{"after top-level value", "nothing may follow the closing brace"},
		{"in string literal", "a text may hold no control character; write it as an escape such as \\t"},
		{"in string escape code", `after a backslash stands one of b f n r t / " ' \ or u with four hex digits; write \\ for a backslash`},
		{"hexadecimal character escape", "four hex digits must follow \\u"},
		{"in literal", "the words without quotes are true, false and null; text must be in quotes"},
		{"numeric literal", "this is not a number; text must be in quotes"},
		{"hex number", "hex digits must follow 0x"},
		{"potentially starting comment", "a comment is // to the end of the line, or /* … */"},
	} {
		if strings.Contains(message, e.context) {
			return e.sentence
		}
	}
	return message
}

// A builder makes nodes from blanked text that the library accepted.
type builder struct {
	clean  []byte
	off    int
	cursor *cursor
}

// peek skips white space and returns the next byte.
func (b *builder) peek() byte {
	for strings.IndexByte(" \t\r\n", b.clean[b.off]) >= 0 {
		b.off++
	}
	return b.clean[b.off]
}

// skip passes c, and white space before it, if it comes next.
func (b *builder) skip(c byte) bool {
	if b.peek() != c {
		return false
	}
	b.off++
	return true
}

func (b *builder) value() node {
	c := b.peek()
	n := node{at: b.cursor.moveTo(b.off)}
	switch c {
	case '{':
		n.shape = shapeObject
		for b.off++; !b.skip('}'); b.skip(',') {
			n.members = append(n.members, b.member())
		}
	case '[':
		n.shape = shapeList
		for b.off++; !b.skip(']'); b.skip(',') {
			n.items = append(n.items, b.value())
		}
	case '"', '\'':
		n.shape, n.text = shapeText, b.quoted()
	case 't', 'f':
		n.shape, n.text = shapeBoolean, b.word()
	case 'n':
		n.shape, n.text = shapeNull, b.word()
	default:
		n.shape, n.text = shapeNumber, b.word()
		n.number = decodeNumber(n.text)
	}
	return n
}

func (b *builder) member() member {
	c := b.peek()
	m := member{at: b.cursor.moveTo(b.off)}
	if c == '"' || c == '\'' {
		m.key = b.quoted()
	} else {
		m.key = b.word()
	}
	b.skip(':')
	m.value = b.value()
	return m
}

// word passes a bare key, number or literal.
func (b *builder) word() string {
	start := b.off
	for b.off < len(b.clean) && strings.IndexByte(",:]} \t\r\n", b.clean[b.off]) < 0 {
		b.off++
	}
	return string(b.clean[start:b.off])
}

// quoted passes a quoted text and returns what it says.
func (b *builder) quoted() string {
	literal := b.clean[b.off : b.off+textLength(b.clean[b.off:])]
	b.off += len(literal)
	var s string
	if err := json5.Unmarshal(literal, &s); err != nil {
		return string(literal) // cannot be: the library has accepted it
	}
	return s
}

// decodeNumber returns NaN for what the library's grammar lets pass but is no
// float64, such as 1e999 or a lone point.
func decodeNumber(literal string) float64 {
	var f float64
	if err := json5.Unmarshal([]byte(literal), &f); err != nil {
		return math.NaN()
	}
	return f
}
