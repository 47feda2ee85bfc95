package pairing

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"strings"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/credential"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// NewCredential returns a new credential for a device.
func NewCredential() string { return credential.Device.Generate().Reveal() }

// ValidCredential reports whether s has the form of a device's credential.
func ValidCredential(s string) bool { return credential.Device.Valid(s) }

// newCode returns a random code. The protocol's alphabet has 32 letters, so each letter
// is equally likely.
func newCode() string {
	var code [protocol.PairingCodeLength]byte
	rand.Read(code[:])
	for i, b := range code {
		code[i] = protocol.PairingAlphabet[b%byte(len(protocol.PairingAlphabet))]
	}
	return string(code[:])
}

// ParseCode returns the code that a person has typed: in any case, with spaces and dashes
// anywhere. ok is false if s is not a code.
func ParseCode(s string) (code string, ok bool) {
	if len(s) > 64 {
		return "", false
	}
	code = strings.Map(func(r rune) rune {
		switch {
		case r == '-', r == ' ', r == '\t', r == '\u00a0', r == '\u2010', r == '\u2011', r == '\u2013':
			return -1
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		}
		return r
	}, s)
	if len(code) != protocol.PairingCodeLength ||
		strings.Trim(code, protocol.PairingAlphabet) != "" {
		return "", false
	}
	return code, true
}

// base32hex returns base32 in lower case. Its texts have the same order as the bytes
// (RFC 4648 §7).
func base32hex() *base32.Encoding {
	return base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)
}

// newDeviceID returns a public id: the time in milliseconds and 32 random bits. Ids sort
// by age, like UUIDv7 (RFC 9562 §5.7).
func newDeviceID(now time.Time) string {
	var b [10]byte
	binary.BigEndian.PutUint64(b[:8], uint64(now.UnixMilli())<<16)
	rand.Read(b[6:])
	return "dev-" + base32hex().EncodeToString(b[:])
}

// newUserID returns a random id for a new user.
func newUserID() string {
	var b [5]byte
	rand.Read(b[:])
	return "user-" + base32hex().EncodeToString(b[:])
}
