package upstream

import (
	"encoding/json"

	"github.com/gatehouse-chat/gatehouse/shared/text"
)

// Joiner decodes the JSON strings of a stream's pieces. A character that is cut between
// two pieces, between its bytes or between the halves of its surrogate pair, comes out
// whole with the later piece.
type Joiner struct {
	held []byte // the beginning of a character, as it is inside a JSON string
}

// Add returns the text of the next piece as valid UTF-8, and what earlier pieces have
// held back. It returns "" if raw is not a JSON string.
func (j *Joiner) Add(raw json.RawMessage) string {
	if len(raw) < 2 || raw[0] != '"' {
		return ""
	}
	inside := raw[1 : len(raw)-1]
	if len(inside) == 0 {
		return ""
	}
	if len(j.held) > 0 {
		inside = append(j.held, inside...)
	}
	cut := len(inside) - partialLen(inside)
	// A copy, since the caller may use the memory of raw again.
	j.held = append([]byte(nil), inside[cut:]...)
	return decodeInside(inside[:cut])
}

// Rest returns what is held back, with U+FFFD for the character that stayed incomplete.
// Call it at the end of the stream.
func (j *Joiner) Rest() string {
	held := j.held
	j.held = nil
	return decodeInside(held)
}

// decodeInside decodes the inside of a JSON string.
func decodeInside(inside []byte) string {
	if len(inside) == 0 {
		return ""
	}
	quoted := make([]byte, 0, len(inside)+2)
	quoted = append(append(append(quoted, '"'), inside...), '"')
	var s string
	if json.Unmarshal(quoted, &s) != nil {
		return "" // the caller has checked the JSON
	}
	return s
}

// partialLen returns the length of the incomplete character at the end of the inside of a
// JSON string: some of a character's bytes, or the escape of a high surrogate.
func partialLen(inside []byte) int {
	if n := text.PartialRune(inside); n > 0 {
		return n
	}
	const escape = len(`\ud83d`)
	if len(inside) < escape {
		return 0
	}
	last := inside[len(inside)-escape:]
	if last[0] != '\\' || last[1] != 'u' || last[2]|0x20 != 'd' || !isHigh(last[3]) {
		return 0
	}
	backslashes := 0
	for i := len(inside) - escape - 1; i >= 0 && inside[i] == '\\'; i-- {
		backslashes++
	}
	if backslashes%2 == 1 { // the backslash of the escape is escaped itself
		return 0
	}
	return escape
}

// isHigh reports whether d is the digit after the d of a high surrogate: 8, 9, a or b.
func isHigh(d byte) bool {
	return d == '8' || d == '9' || d|0x20 == 'a' || d|0x20 == 'b'
}
