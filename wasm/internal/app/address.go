package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/text"
)

// sessionKeyOf returns the key of the session whose page has that path, escaped as in a
// URL; "" if the path is no session's.
func sessionKeyOf(path string) string {
	escaped, ok := text.CutPrefix(path, markup.SessionPrefix)
	if !ok {
		return ""
	}
	key := make([]byte, 0, len(escaped))
	for i := 0; i < len(escaped); i++ {
		if escaped[i] == '%' && i+2 < len(escaped) {
			if high, low := unhex(escaped[i+1]), unhex(escaped[i+2]); high >= 0 && low >= 0 {
				key = append(key, byte(high<<4|low)) // #nosec G115 -- two hexadecimal digits
				i += 2
				continue
			}
		}
		key = append(key, escaped[i])
	}
	return string(key)
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// isLoopback reports whether a host is this machine, which a phone cannot reach.
func isLoopback(host string) bool {
	return host == "localhost" || text.HasSuffix(host, ".localhost") ||
		text.HasPrefix(host, "127.") || host == "[::1]" || host == "::1"
}
