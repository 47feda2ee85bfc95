package upstream

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode"
)

// Event is one server-sent event of a response, or a whole response that is JSON instead
// of a stream.
type Event struct {
	Type  string // of the event's "event" line; "" if it has none
	Data  []byte // JSON, or the text of an event without JSON
	Whole bool   // whether Data is the whole response, and not an event
}

// Done reports whether the event is the [DONE] of OpenAI's API, which ends a stream.
func (e Event) Done() bool { return bytes.HasPrefix(e.Data, []byte("[DONE]")) }

// Foreign reports whether an event that is not JSON is only a sign of life: an event of a
// type of its own, or one word such as "ping" or "keep-alive".
func (e Event) Foreign() bool {
	data := bytes.TrimSpace(e.Data)
	if bytes.HasPrefix(data, []byte("{")) || len(data) > maxSignOfLife {
		return false
	}
	return e.Type != "" && e.Type != "message" || !bytes.ContainsFunc(data, func(r rune) bool {
		return r != '-' && r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}

// maxSignOfLife limits the data of such an event, in bytes.
const maxSignOfLife = 64

// errMalformed says that an event is not JSON.
var errMalformed = errors.New("an event is not JSON")

// ReadEvents calls handle for each event in body, until body ends or handle returns false
// or an error. It reads what model servers send, and not only what the standard allows:
//
//   - a byte order mark before the first line;
//   - lines that end in LF, CRLF or CR; fields without a space after the colon; data of
//     several lines;
//   - events that no empty line separates, and a last event that none ends;
//   - one JSON value instead of a stream, whatever its content type.
//
// Comments and events without data are skipped.
func ReadEvents(body io.Reader, handle func(Event) (more bool, err error)) error {
	r := bufio.NewReaderSize(body, 4<<10)
	skipMark(r)
	whole, err := isJSON(r)
	if err != nil {
		return endOfStream(err)
	}
	if whole {
		return readWhole(r, handle)
	}
	s := eventReader{lines: lineReader{r: r}, handle: handle}
	return s.run()
}

// byteOrderMark may precede a text in UTF-8.
var byteOrderMark = []byte("\xef\xbb\xbf")

func skipMark(r *bufio.Reader) {
	if start, err := r.Peek(len(byteOrderMark)); err == nil && bytes.Equal(start, byteOrderMark) {
		_, _ = r.Discard(len(byteOrderMark))
	}
}

// isJSON skips white space, and reports whether the next byte begins a JSON value that no
// event stream begins with.
func isJSON(r *bufio.Reader) (bool, error) {
	for {
		b, err := r.ReadByte()
		if err != nil {
			return false, err
		}
		switch b {
		case ' ', '\t', '\r', '\n':
			continue
		}
		return b == '{' || b == '[', r.UnreadByte()
	}
}

func readWhole(r io.Reader, handle func(Event) (bool, error)) error {
	text, err := io.ReadAll(io.LimitReader(r, maxWholeBytes+1))
	switch {
	case err != nil:
		return err
	case len(text) > maxWholeBytes:
		return fmt.Errorf("%w: more than %d bytes of JSON", errTooLarge, maxWholeBytes)
	}
	_, err = handle(Event{Data: text, Whole: true})
	return err
}

// endOfStream returns nil for the end of a stream, and other errors as they are.
func endOfStream(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// eventReader reads events from lines.
type eventReader struct {
	lines  lineReader
	handle func(Event) (bool, error)
	kind   string
	data   []byte // the data lines of the pending event, each with a line break
	count  int    // of the data lines
}

func (s *eventReader) run() error {
	for {
		line, err := s.lines.next()
		if err != nil {
			return s.end(err)
		}
		if len(line) == 0 {
			if more, err := s.dispatch(); !more || err != nil {
				return err
			}
			continue
		}
		if err := s.field(line); err != nil {
			return err
		}
	}
}

// end handles the end of the stream. If the pending event lacks only the empty line that
// ends it, the event counts.
func (s *eventReader) end(err error) error {
	if !errors.Is(err, io.EOF) {
		return err
	}
	if data := bytes.TrimSpace(s.data); json.Valid(data) || eachIsEvent(data) {
		_, err := s.dispatch()
		return err
	}
	return nil
}

func (s *eventReader) field(line []byte) error {
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(name) {
	case "event":
		s.kind = string(value)
	case "data":
		if len(s.data)+len(value) > maxLineBytes {
			return fmt.Errorf("%w: an event of more than %d bytes", errTooLarge, maxLineBytes)
		}
		s.data = append(append(s.data, value...), '\n')
		s.count++
	}
	return nil
}

// dispatch passes the pending event on. If its data lines are JSON values of their own,
// the server has left out the empty lines between events: each line counts as an event.
func (s *eventReader) dispatch() (more bool, err error) {
	kind, data, count := s.kind, bytes.TrimSuffix(s.data, []byte("\n")), s.count
	s.kind, s.data, s.count = "", nil, 0
	if count > 1 && !json.Valid(data) && eachIsEvent(data) {
		for line := range bytes.SplitSeq(data, []byte("\n")) {
			if more, err := s.handle(Event{Type: kind, Data: line}); !more || err != nil {
				return more, err
			}
		}
		return true, nil
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return true, nil
	}
	return s.handle(Event{Type: kind, Data: data})
}

// eachIsEvent reports whether each line is JSON or [DONE].
func eachIsEvent(lines []byte) bool {
	for line := range bytes.SplitSeq(lines, []byte("\n")) {
		if !json.Valid(line) && !(Event{Data: line}).Done() {
			return false
		}
	}
	return true
}

// lineReader reads lines that end in LF, CRLF or CR. It returns a line as soon as the CR
// or LF after it has been read, and skips an LF that follows a CR.
type lineReader struct {
	r      *bufio.Reader
	skipLF bool
	line   []byte
}

// next returns the next line, valid until the next call. At the end, a line without a
// line break comes with a nil error, and the call after that returns io.EOF.
func (l *lineReader) next() ([]byte, error) {
	l.line = l.line[:0]
	for {
		b, err := l.r.ReadByte()
		if err != nil {
			if errors.Is(err, io.EOF) && len(l.line) > 0 {
				return l.line, nil
			}
			return nil, err
		}
		if l.skipLF {
			l.skipLF = false
			if b == '\n' {
				continue
			}
		}
		switch b {
		case '\r':
			l.skipLF = true
			return l.line, nil
		case '\n':
			return l.line, nil
		}
		if len(l.line) >= maxLineBytes {
			return nil, fmt.Errorf("%w: a line of more than %d bytes", errTooLarge, maxLineBytes)
		}
		l.line = append(l.line, b)
	}
}

// Decode reads the JSON of an event into v, which only needs the fields of interest. It
// leaves out fields of another type than v expects. Of a list, it reads the first element.
// It accepts what lenient servers write: control characters in strings, NaN and Infinity.
func (e Event) Decode(v any) error {
	data := firstOf(e.Data)
	err := json.Unmarshal(data, v)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		err = json.Unmarshal(repair(data), v)
	}
	var kind *json.UnmarshalTypeError
	if err == nil || errors.As(err, &kind) {
		return nil
	}
	return fmt.Errorf("%w: %w", errMalformed, err)
}

// firstOf returns the first element of a list that is not empty, and other JSON as it is.
func firstOf(data []byte) []byte {
	var list []json.RawMessage
	if json.Unmarshal(data, &list) != nil || len(list) == 0 {
		return data
	}
	return list[0]
}

// noNumbers are the values that some encoders write for numbers that JSON does not have.
var noNumbers = [][]byte{[]byte("NaN"), []byte("Infinity"), []byte("-Infinity")}

// repair returns almost-JSON with control characters in strings escaped, and with null for
// NaN and Infinity.
func repair(data []byte) []byte {
	var out []byte
	inString := false
	for i := 0; i < len(data); i++ {
		c := data[i]
		switch {
		case c == '"':
			inString = !inString
		case inString && c == '\\' && i+1 < len(data):
			out = append(out, c)
			i++
			c = data[i]
		case inString && c < ' ':
			out = fmt.Appendf(out, "\\u%04x", c)
			continue
		case !inString:
			if n := noNumberLen(data[i:]); n > 0 {
				out = append(out, "null"...)
				i += n - 1
				continue
			}
		}
		out = append(out, c)
	}
	return out
}

// noNumberLen returns the length of the NaN or Infinity at the beginning of data, or 0.
func noNumberLen(data []byte) int {
	for _, word := range noNumbers {
		if bytes.HasPrefix(data, word) {
			return len(word)
		}
	}
	return 0
}
