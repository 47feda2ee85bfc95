package session

import (
	"strconv"
	"strings"
)

// ListCursor returns the session's position in a list as a text, for clients. It is no
// cursor of a log.
func (r Record) ListCursor() string {
	pinned := "0"
	if r.Pinned {
		pinned = "1"
	}
	return pinned + "." + strconv.FormatInt(r.UpdatedAt.UnixMilli(), 36) + "." +
		strconv.FormatInt(r.ID, 36)
}

// ParseListCursor parses a text from ListCursor. ok is false if the text is not valid.
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
