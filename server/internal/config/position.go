package config

// A position is a line and a column in a file, both 1-based. Columns count
// characters. The zero position means that there is none.
type position struct{ line, column int }

// A cursor turns offsets into positions. It only moves forward, so that finding the
// positions of everything in a file is one pass over it.
type cursor struct {
	data []byte
	off  int
	at   position
}

func newCursor(data []byte) *cursor { return &cursor{data: data, at: position{1, 1}} }

// moveTo returns the position of an offset, which must be at most len(data) and not
// smaller than that of an earlier call.
func (c *cursor) moveTo(off int) position {
	for ; c.off < off; c.off++ {
		switch b := c.data[c.off]; {
		case b == '\n':
			c.at = position{c.at.line + 1, 1}
		case b&0xC0 != 0x80: // not the continuation of a UTF-8 sequence
			c.at.column++
		}
	}
	return c.at
}

// locate returns the position of one offset.
func locate(data []byte, off int) position { return newCursor(data).moveTo(off) }
