package pairing

import (
	"strings"

	"github.com/gatehouse-chat/gatehouse/server/internal/printable"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/words"
)

// Name returns the name of a device, for people: the cleaned name that the device has
// sent, or else its browser (words.Browser). The name is one line of at most
// protocol.MaxDeviceNameLength characters, see [printable.Clean]. A sent name that looks
// like an id is ignored. Neither can be trusted.
func Name(userAgent, deviceName string) string {
	if name := printable.Clean(deviceName, protocol.MaxDeviceNameLength); name != "" &&
		!looksLikeID(name) {
		return name
	}
	return words.Browser(printable.Clean(userAgent, maxUserAgent))
}

// looksLikeID reports whether name has eight or more characters, at least one digit, and
// only digits, hexadecimal letters and separators.
func looksLikeID(name string) bool {
	digit := false
	for _, r := range name {
		switch {
		case '0' <= r && r <= '9':
			digit = true
		case !strings.ContainsRune("abcdefABCDEF-_:.{} ", r):
			return false
		}
	}
	return digit && len(name) >= 8
}
