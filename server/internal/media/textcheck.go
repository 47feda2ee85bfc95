package media

import (
	"bytes"
	"unicode/utf8"

	"github.com/gatehouse-chat/gatehouse/shared/text"
)

// textCheck checks whether the bytes written to it are text: valid UTF-8 without NUL.
type textCheck struct {
	rest [utf8.UTFMax]byte // an incomplete character at the end of the last write
	n    int               // the number of bytes in rest
	bad  bool              // whether the bytes so far are not text
}

// Write checks p. It never fails.
func (c *textCheck) Write(p []byte) (int, error) {
	size := len(p)
	for c.n > 0 && len(p) > 0 && !c.bad {
		c.rest[c.n] = p[0]
		c.n++
		p = p[1:]
		if utf8.FullRune(c.rest[:c.n]) {
			c.bad = !utf8.Valid(c.rest[:c.n])
			c.n = 0
		}
	}
	if i := text.PartialRune(p); i > 0 {
		c.n = copy(c.rest[:], p[len(p)-i:])
		p = p[:len(p)-i]
	}
	c.bad = c.bad || !utf8.Valid(p) || bytes.IndexByte(p, 0) >= 0
	return size, nil
}

// ok reports whether the bytes written so far are text.
func (c *textCheck) ok() bool { return !c.bad && c.n == 0 }
