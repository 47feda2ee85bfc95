package pairing

import (
	"strings"

	"github.com/gatehouse-chat/gatehouse/server/internal/printable"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/words"
)

// Name is what people call a device that asks to be paired: the name that it gives
// itself, or else its browser (words.Browser). The name is cleaned: one line of at
// most protocol.MaxDeviceNameLength characters, without control characters,
// formatting characters or angle brackets. A name that is only a number or an id
// is ignored. Either may be a lie.
func Name(userAgent, deviceName string) string {
	if name := printable.Clean(deviceName, protocol.MaxDeviceNameLength); name != "" && !idLike(name) {
		return name
	}
	return words.Browser(printable.Clean(userAgent, maxUserAgent))
}

// idLike reports whether a name is one for machines: eight or more characters,
// all of them digits, hexadecimal letters or what separates groups of these.
func idLike(name string) bool {
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
