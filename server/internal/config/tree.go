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

// A node is a value with its position in the file.
type node struct {
	shape   shape
	at      position
	text    string   // a text without quotes; a number or boolean as it was written
	number  float64  // NaN if the number is no float64, such as 1e999
	members []member // of an object
	items   []node   // of a list
}

// A member is a key of an object, with its position and value.
type member struct {
	key   string
	at    position
	value node
}

// describe returns the value as a message shows it after "got".
func (n node) describe() string {
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

// A problem is a fault without its key and file. A caller that knows them makes a Fault
// of the problem.
type problem struct {
	at     position
	suffix string // to append to the key, such as [2]
	text   string
}

// parseTree parses JSON5, with or without a byte order mark. It returns the value
// or, if the text is not JSON5, why not.
//
// The JSON5 library decides what is JSON5 and decodes texts and numbers, but reports
// no positions. So parseTree reads the accepted text once more to find the positions.
func parseTree(data []byte) (node, []problem) {
	if len(data) > maxFileBytes {
		return node{}, []problem{{text: fmt.Sprintf(
			"is larger than %d bytes, the most a configuration may have", maxFileBytes)}}
	}
	if bytes.HasPrefix(data, []byte{0xFE, 0xFF}) || bytes.HasPrefix(data, []byte{0xFF, 0xFE}) {
		return node{}, []problem{{text: "is UTF-16; save it as UTF-8"}}
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if off := invalidUTF8(data); off >= 0 {
		return node{}, []problem{{at: locate(data, off), text: fmt.Sprintf(
			"byte 0x%02X is not UTF-8; save the file as UTF-8", data[off])}}
	}
	clean, unclosed, lexical := blank(data)
	if problems := syntaxProblems(data, clean, unclosed, lexical); problems != nil {
		return node{}, problems
	}
	b := builder{clean: clean, cursor: newCursor(data)}
	return b.value(), nil
}

// invalidUTF8 returns the offset of the first byte that is not UTF-8, or -1.
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

// syntaxProblems returns why the text is not JSON5, or nil. The library sees the text
// up to the first lexical fault. If it finds a syntax error there, only that error is
// reported, since the lexical faults may be consequences of it.
func syntaxProblems(data, clean []byte, unclosed int, lexical []lexicalFault) []problem {
	at := func(off int, text string) []problem {
		return []problem{{at: locate(data, off), text: text}}
	}
	readable := clean
	if len(lexical) > 0 {
		readable = clean[:lexical[0].off]
	}
	off, message := syntaxError(readable)
	switch {
	case message == "" && len(lexical) == 0:
		return nil
	case message != "" && off < len(readable):
		r, _ := utf8.DecodeRune(data[off:])
		return at(off, fmt.Sprintf("syntax error: unexpected %q: %s", r, expectation(message)))
	case len(lexical) > 0:
		return lexicalProblems(data, lexical)
	case unclosed >= 0:
		opened := locate(data, unclosed)
		return at(len(data), fmt.Sprintf(
			"syntax error: the file ends before the %c of line %d, column %d is closed",
			data[unclosed], opened.line, opened.column))
	case len(bytes.TrimSpace(clean)) == 0:
		return at(len(data), "the file has no content; the least is {}")
	}
	return at(len(data), "syntax error: the file ends too early: "+expectation(message))
}

func lexicalProblems(data []byte, lexical []lexicalFault) []problem {
	problems := make([]problem, len(lexical))
	for i, s := range lexical {
		problems[i] = problem{at: locate(data, s.off), text: s.problem}
	}
	return problems
}

// syntaxError returns the offset and message of the library's syntax error. The
// offset is len(clean) if the text ends too early. The message is empty if the text
// is JSON5, even if a number in the text does not fit into a float64.
func syntaxError(clean []byte) (off int, message string) {
	// The added line feed ends a word or number at the end of the text. Without it an
	// error about the last character looks like one about the end.
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

// expectation translates the library's message into what must stand there instead.
func expectation(message string) string {
	for _, e := range []struct{ context, sentence string }{
		{"looking for beginning of value", "a value must stand here: text in quotes, a number, " +
			"true, false, a list in [ ] or an object in { }"},
		{"looking for beginning of object key", "a key or } must stand here"},
		{"in key literal", "a key of other characters than letters, " +
			"digits, _ and $ must be in quotes"},
		{"after object key:value pair", "a comma or } must stand here"},
		{"after object key", "a colon must stand between the key and its value"},
		{"after array element", "a comma or ] must stand here"},
		{"after top-level value", "nothing may follow the closing brace"},
		{"in string literal", "a text may hold no control character; " +
			"write it as an escape such as \\t"},
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

// A builder turns blanked text, which the library has accepted, into nodes.
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

// skip skips white space, and c if it follows. It reports whether c did.
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

// word reads a bare key, a number or a literal.
func (b *builder) word() string {
	start := b.off
	for b.off < len(b.clean) && strings.IndexByte(",:]} \t\r\n", b.clean[b.off]) < 0 {
		b.off++
	}
	return string(b.clean[start:b.off])
}

// quoted reads a quoted text and returns it decoded.
func (b *builder) quoted() string {
	literal := b.clean[b.off : b.off+textLength(b.clean[b.off:])]
	b.off += len(literal)
	var s string
	if err := json5.Unmarshal(literal, &s); err != nil {
		return string(literal) // cannot happen: the library has accepted the text
	}
	return s
}

// decodeNumber returns NaN for a literal that the library's grammar accepts and that
// is no float64, such as 1e999 or a lone point.
func decodeNumber(literal string) float64 {
	var f float64
	if err := json5.Unmarshal([]byte(literal), &f); err != nil {
		return math.NaN()
	}
	return f
}
