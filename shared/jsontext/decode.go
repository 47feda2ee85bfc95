package jsontext

import (
	"math"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxDepth is how deep arrays and objects may nest. A Decoder fails beyond it.
const MaxDepth = 64

// MaxItems is how many elements of an array, or members of a map, may be decoded, since
// a few bytes of text can take much memory once decoded. Skipped values may have any
// number.
const MaxItems = 10_000

// Error says what a Decoder could not decode and where.
type Error struct {
	Offset int    // byte at which reading stopped
	Path   string // of the value, such as media[0].path; empty for the outermost value
	What   string // what is wrong, or what is accepted
	Syntax bool   // the text is not JSON; false: the value is of the wrong type
	Deep   bool   // the text nests deeper than MaxDepth
}

// Error names the place and what is wrong there.
func (e *Error) Error() string {
	if e.Syntax {
		return e.What + " at byte " + strconv.Itoa(e.Offset)
	}
	if e.Path == "" {
		return e.What
	}
	return e.Path + " " + e.What
}

// level is an array or an object that the Decoder has entered and not left.
type level struct {
	key   []byte // the current member's name; nil in an array
	index int    // of the current element or member; -1 before the first
	array bool
	begun bool // an element or member was read
}

// A Decoder reads one JSON text. After the first error every method does nothing and
// returns a zero value, so callers check Err once, at the end. Strings that it returns
// are copies; Raw values share the text's memory.
type Decoder struct {
	data    []byte
	pos     int
	depth   int
	deepest int // level of stack that was used since Borrow
	stack   [MaxDepth + 1]level
	err     *Error
}

// Borrow returns a pooled Decoder at the start of data, which must not change while the
// Decoder is in use. The caller gives the Decoder back with Return.
func Borrow(data []byte) *Decoder {
	d := borrow()
	d.data, d.pos, d.depth, d.err = data, 0, 0, nil
	return d
}

// Return puts the Decoder back into the pool. Neither the Decoder nor a key that it
// returned may be used afterwards.
func (d *Decoder) Return() {
	d.data = nil
	clear(d.stack[:min(d.deepest+1, len(d.stack))])
	d.deepest = 0
	giveBack(d)
}

// Read decodes text with read, and fails unless text is exactly one value.
func Read(text []byte, read func(*Decoder)) error {
	d := Borrow(text)
	defer d.Return()
	read(d)
	return d.End()
}

// Err returns the first error, or nil.
func (d *Decoder) Err() error {
	if d.err == nil {
		return nil
	}
	return d.err
}

// End returns the first error, or an error if anything but white space is left.
func (d *Decoder) End() error {
	if d.err == nil {
		d.space()
		if d.pos < len(d.data) {
			d.syntax("unexpected text after the value")
		}
	}
	return d.Err()
}

// Fail records an error about the value that was read last.
func (d *Decoder) Fail(what string) { d.fail(what, false) }

func (d *Decoder) syntax(what string) { d.fail(what, true) }

func (d *Decoder) fail(what string, syntax bool) {
	if d.err == nil {
		d.err = &Error{Offset: d.pos, Path: d.path(), What: what, Syntax: syntax}
	}
}

func (d *Decoder) path() string {
	var p []byte
	for i := 1; i <= d.depth; i++ {
		l := &d.stack[i]
		switch {
		case l.array:
			p = append(p, '[')
			p = strconv.AppendInt(p, int64(l.index), 10)
			p = append(p, ']')
		case l.key != nil:
			if len(p) > 0 {
				p = append(p, '.')
			}
			p = append(p, l.key[:min(len(l.key), 64)]...)
		}
	}
	return string(p)
}

func (d *Decoder) space() {
	for d.pos < len(d.data) {
		switch d.data[d.pos] {
		case ' ', '\t', '\n', '\r':
			d.pos++
		default:
			return
		}
	}
}

// peek returns the first byte of the next token, or 0 at the end of the text and after
// an error.
func (d *Decoder) peek() byte {
	if d.err != nil {
		return 0
	}
	d.space()
	if d.pos >= len(d.data) {
		d.syntax("unexpected end")
		return 0
	}
	return d.data[d.pos]
}

// Null consumes a null and reports whether there was one.
func (d *Decoder) Null() bool {
	if d.peek() != 'n' {
		return false
	}
	d.literal("null")
	return d.err == nil
}

// literal consumes word, which the caller recognized by its first byte.
func (d *Decoder) literal(word string) {
	if len(d.data)-d.pos < len(word) || string(d.data[d.pos:d.pos+len(word)]) != word {
		d.syntax("invalid value")
		return
	}
	d.pos += len(word)
}

// begin enters an array or an object and reports whether there was one.
func (d *Decoder) begin(open byte, array bool, want string) bool {
	b := d.peek()
	if d.err != nil {
		return false
	}
	if b != open {
		d.mismatch(want)
		return false
	}
	if d.depth >= MaxDepth {
		d.syntax("nested deeper than " + strconv.Itoa(MaxDepth) + " levels")
		d.err.Deep = true
		return false
	}
	d.pos++
	d.depth++
	d.deepest = max(d.deepest, d.depth)
	d.stack[d.depth] = level{array: array, index: -1}
	return true
}

// mismatch fails with what is wanted, or with a syntax error if the text is not a JSON
// value at all.
func (d *Decoder) mismatch(want string) {
	at := d.pos
	d.Skip()
	if d.err == nil {
		d.pos = at
		d.Fail("must be " + want)
	}
}

// BeginObject enters an object; Key then returns its members.
func (d *Decoder) BeginObject() bool { return d.begin('{', false, "an object") }

// BeginArray enters an array; More then moves through its elements.
func (d *Decoder) BeginArray() bool { return d.begin('[', true, "an array") }

// next consumes the comma before the next element, or the closing byte, and reports
// whether there is another element.
func (d *Decoder) next(closing byte) bool {
	b := d.peek()
	if d.err != nil {
		return false
	}
	l := &d.stack[d.depth]
	if b == closing {
		d.pos++
		d.depth--
		return false
	}
	if l.begun {
		if b != ',' {
			d.syntax("expected a comma")
			return false
		}
		d.pos++
		if b = d.peek(); d.err == nil && b == closing {
			d.syntax("expected a value after the comma")
			return false
		}
	}
	l.begun = true
	l.index++
	return d.err == nil
}

// More reports whether the array has another element, and moves to it.
func (d *Decoder) More() bool { return d.err == nil && d.next(']') }

// fits reports whether another element may be kept, and fails if MaxItems are.
func (d *Decoder) fits() bool {
	if d.err == nil && d.stack[d.depth].index >= MaxItems {
		d.Fail("is too much: at most " + strconv.Itoa(MaxItems) + " are taken")
	}
	return d.err == nil
}

// Key returns the object's next name, or false at the object's end. The bytes are valid
// until the next call.
func (d *Decoder) Key() ([]byte, bool) {
	if d.err != nil || !d.next('}') {
		return nil, false
	}
	if d.peek() != '"' {
		d.syntax("expected a name in double quotes")
		return nil, false
	}
	key := d.stringBytes()
	if d.err == nil && d.peek() != ':' {
		d.syntax("expected a colon")
	}
	if d.err != nil {
		return nil, false
	}
	d.pos++
	d.stack[d.depth].key = key
	return key, true
}

// String reads a string.
func (d *Decoder) String() string {
	if d.peek() != '"' {
		if d.err == nil {
			d.mismatch("a string")
		}
		return ""
	}
	return string(d.stringBytes())
}

// Bool reads true or false.
func (d *Decoder) Bool() bool {
	switch d.peek() {
	case 't':
		d.literal("true")
		return d.err == nil
	case 'f':
		d.literal("false")
	default:
		if d.err == nil {
			d.mismatch("true or false")
		}
	}
	return false
}

// Int reads a whole number of at most 64 bits.
func (d *Decoder) Int() int64 {
	b := d.peek()
	if d.err != nil {
		return 0
	}
	if b != '-' && (b < '0' || b > '9') {
		d.mismatch("a whole number")
		return 0
	}
	start := d.pos
	d.number()
	if d.err != nil {
		return 0
	}
	n, ok := parseInt(d.data[start:d.pos])
	if !ok {
		d.pos = start
		d.Fail("must be a whole number of at most 64 bits")
		return 0
	}
	return n
}

// parseInt parses text that number has checked. strconv.ParseInt would add 8 KB to the
// browser's download for its error texts.
func parseInt(text []byte) (n int64, ok bool) {
	negative := text[0] == '-'
	if negative {
		text = text[1:]
	}
	for _, c := range text { // n is negative, since -MinInt64 does not fit into an int64
		if c < '0' || c > '9' || n < (math.MinInt64+int64(c-'0'))/10 {
			return 0, false
		}
		n = n*10 - int64(c-'0')
	}
	if negative {
		return n, true
	}
	return -n, n != math.MinInt64
}

// Raw checks a value of any type and returns its text, which shares the Decoder's
// memory.
func (d *Decoder) Raw() Raw {
	d.peek()
	start := d.pos
	d.Skip()
	if d.err != nil {
		return nil
	}
	return Raw(d.data[start:d.pos:d.pos])
}

// Skip checks a value of any type and moves past it.
func (d *Decoder) Skip() {
	switch b := d.peek(); b {
	case 0:
		if d.err == nil {
			d.syntax("invalid value")
		}
	case '{':
		d.BeginObject()
		for {
			if _, ok := d.Key(); !ok {
				return
			}
			d.Skip()
		}
	case '[':
		d.BeginArray()
		for d.More() {
			d.Skip()
		}
	case '"':
		d.stringBytes()
	case 't':
		d.literal("true")
	case 'f':
		d.literal("false")
	case 'n':
		d.literal("null")
	default:
		d.number()
	}
}

// number checks a number (RFC 8259 §6) and moves past it.
func (d *Decoder) number() {
	if d.pos < len(d.data) && d.data[d.pos] == '-' {
		d.pos++
	}
	first := d.pos
	n := d.digits()
	if n == 0 || n > 1 && d.data[first] == '0' {
		d.syntax("invalid value")
		return
	}
	if d.pos < len(d.data) && d.data[d.pos] == '.' {
		d.pos++
		if d.digits() == 0 {
			d.syntax("invalid number")
			return
		}
	}
	if d.pos < len(d.data) && (d.data[d.pos] == 'e' || d.data[d.pos] == 'E') {
		d.pos++
		if d.pos < len(d.data) && (d.data[d.pos] == '+' || d.data[d.pos] == '-') {
			d.pos++
		}
		if d.digits() == 0 {
			d.syntax("invalid number")
		}
	}
}

// digits moves past decimal digits and returns their number.
func (d *Decoder) digits() int {
	start := d.pos
	for d.pos < len(d.data) && d.data[d.pos] >= '0' && d.data[d.pos] <= '9' {
		d.pos++
	}
	return d.pos - start
}

// stringBytes reads the string at d.pos. If it is ASCII without escapes, the result
// shares the text's memory.
func (d *Decoder) stringBytes() []byte {
	d.pos++
	start := d.pos
	for d.pos < len(d.data) {
		switch b := d.data[d.pos]; {
		case b == '"':
			s := d.data[start:d.pos]
			d.pos++
			return s
		case b == '\\' || b >= utf8.RuneSelf:
			return d.unescape(start)
		case b < 0x20:
			d.syntax("a control character in a string must be escaped")
			return nil
		}
		d.pos++
	}
	d.syntax("unexpected end in a string")
	return nil
}

// unescape reads the rest of a string that has escapes or characters beyond ASCII.
func (d *Decoder) unescape(start int) []byte {
	buf := append(make([]byte, 0, len(d.data[start:d.pos])+32), d.data[start:d.pos]...)
	for d.pos < len(d.data) {
		b := d.data[d.pos]
		switch {
		case b == '"':
			d.pos++
			return buf
		case b == '\\':
			buf = d.escape(buf)
			if d.err != nil {
				return nil
			}
		case b < 0x20:
			d.syntax("a control character in a string must be escaped")
			return nil
		case b < utf8.RuneSelf:
			buf = append(buf, b)
			d.pos++
		default:
			r, size := utf8.DecodeRune(d.data[d.pos:])
			if r == utf8.RuneError && size == 1 {
				d.syntax("text is not valid UTF-8")
				return nil
			}
			buf = append(buf, d.data[d.pos:d.pos+size]...)
			d.pos += size
		}
	}
	d.syntax("unexpected end in a string")
	return nil
}

func (d *Decoder) escape(buf []byte) []byte {
	if d.pos+1 >= len(d.data) {
		d.syntax("unexpected end in a string")
		return buf
	}
	c := d.data[d.pos+1]
	switch c {
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		return d.escapeUnicode(buf)
	default:
		d.syntax("invalid escape in a string")
		return buf
	}
	d.pos += 2
	return append(buf, c)
}

// escapeUnicode reads \uXXXX, or two of them if they are a surrogate pair. A lone
// surrogate becomes U+FFFD, as with encoding/json.
func (d *Decoder) escapeUnicode(buf []byte) []byte {
	r := d.hex4(d.pos + 2)
	if r < 0 {
		d.syntax("invalid escape in a string")
		return buf
	}
	d.pos += 6
	if utf16.IsSurrogate(r) {
		if d.pos+1 < len(d.data) && d.data[d.pos] == '\\' && d.data[d.pos+1] == 'u' {
			if pair := utf16.DecodeRune(r, d.hex4(d.pos+2)); pair != utf8.RuneError {
				d.pos += 6
				return utf8.AppendRune(buf, pair)
			}
		}
		r = utf8.RuneError
	}
	return utf8.AppendRune(buf, r)
}

// hex4 returns the value of the four hexadecimal digits at a position, or -1.
func (d *Decoder) hex4(at int) rune {
	if at+4 > len(d.data) {
		return -1
	}
	var r rune
	for _, c := range d.data[at : at+4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}
