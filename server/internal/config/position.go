package config

// A position is a place in a file, both 1-based; columns count characters.
// The zero position is no place.
type position struct{ line, column int }

// A cursor turns offsets into positions. It only moves forward, so that
// placing everything in a file is one pass over it.
type cursor struct {
	data []byte
	off  int
	at   position
}

func newCursor(data []byte) *cursor { return &cursor{data: data, at: position{1, 1}} }

// moveTo returns the position of offset off, which is at most len(data) and
// not before an earlier call's.
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
