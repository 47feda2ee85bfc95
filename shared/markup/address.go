package markup

import "github.com/gatehouse-chat/gatehouse/shared/text"

// SessionPrefix begins the path of every session's page.
const SessionPrefix = "/s/"

// SessionPath is the path of a session's page, "/" for a new one. The key is one
// path segment (RFC 3986 §3.3).
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

// ApprovalPath leads an admin to the request with that pairing code. The code is in
// the fragment, so that no log has it.
func ApprovalPath(code string) string { return "/admin#" + code }

// ThumbnailPath is the path of the small picture of an image at that path.
func ThumbnailPath(path string) string { return path + "?thumbnail" }
