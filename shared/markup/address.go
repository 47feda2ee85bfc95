package markup

import "github.com/gatehouse-chat/gatehouse/shared/text"

// SessionPrefix is the prefix of the paths of sessions' pages.
const SessionPrefix = "/s/"

// SessionPath returns the path of a session's page, or "/" if key is empty, for a new
// session. It escapes the key as one path segment (RFC 3986 §3.3).
func SessionPath(key string) string {
	if key == "" {
		return "/"
	}
	const hex = "0123456789ABCDEF"
	path := []byte(SessionPrefix)
	for i := range len(key) {
		switch c := key[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9',
			text.HasByte("-._~:@$&+=", c):
			path = append(path, c)
		default:
			path = append(path, '%', hex[c>>4], hex[c&15])
		}
	}
	return string(path)
}

// ApprovalPath returns the path that opens the pairing request with that code for an
// admin. The code is in the fragment, so it reaches no server log.
func ApprovalPath(code string) string { return "/admin#" + code }

// ThumbnailPath returns the path of the thumbnail of the image at path.
func ThumbnailPath(path string) string { return path + "?thumbnail" }
