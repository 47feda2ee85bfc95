package session

import (
	"strconv"
	"strings"
)

// Position is a session's position in a list.
type Position struct {
	Pinned    bool
	UpdatedAt int64 // milliseconds since 1970
	ID        int64
}

func (r Record) position() *Position {
	return &Position{Pinned: r.Pinned, UpdatedAt: r.UpdatedAt.UnixMilli(), ID: r.ID}
}

// Cursor returns the position as a text, for clients; empty for nil. It is no cursor of a
// log.
func (p *Position) Cursor() string {
	if p == nil {
		return ""
	}
	pinned := "0"
	if p.Pinned {
		pinned = "1"
	}
	return pinned + "." + strconv.FormatInt(p.UpdatedAt, 36) + "." + strconv.FormatInt(p.ID, 36)
}

// ParseListCursor parses a text from Cursor. ok is false if the text is not valid.
// The empty text is valid: its position is nil, the beginning of the list.
func ParseListCursor(text string) (position *Position, ok bool) {
	if text == "" {
		return nil, true
	}
	parts := strings.Split(text, ".")
	if len(parts) != 3 || parts[0] != "0" && parts[0] != "1" {
		return nil, false
	}
	updated, err1 := strconv.ParseInt(parts[1], 36, 64)
	id, err2 := strconv.ParseInt(parts[2], 36, 64)
	position = &Position{Pinned: parts[0] == "1", UpdatedAt: updated, ID: id}
	return position, err1 == nil && err2 == nil
}
