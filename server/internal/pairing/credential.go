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

// NewCredential gives a device's secret. Whoever holds it is the device.
func NewCredential() string { return credential.Device.Generate().Reveal() }

// ValidCredential reports whether s has the form of a device's secret.
func ValidCredential(s string) bool { return credential.Device.Valid(s) }

// newCode gives a code of the protocol's alphabet. It has 32 letters, so five
// bits of a random byte choose one without favour.
func newCode() string {
	var code [protocol.PairingCodeLength]byte
	rand.Read(code[:])
	for i, b := range code {
		code[i] = protocol.PairingAlphabet[b%byte(len(protocol.PairingAlphabet))]
	}
	return string(code[:])
}

// ParseCode reads a code as people type it: in either case, with spaces and
// dashes anywhere. ok is false if that gives no code.
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
	if len(code) != protocol.PairingCodeLength || strings.Trim(code, protocol.PairingAlphabet) != "" {
		return "", false
	}
	return code, true
}

// plain is base32 in lower case whose order is that of the bytes (RFC 4648 §7).
func plain() *base32.Encoding {
	return base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)
}

// newDeviceID gives a public id: milliseconds, so that ids sort by age as UUIDv7
// do (RFC 9562 §5.7), and 32 random bits.
func newDeviceID(now time.Time) string {
	var b [10]byte
	binary.BigEndian.PutUint64(b[:8], uint64(now.UnixMilli())<<16)
	rand.Read(b[6:])
	return "dev-" + plain().EncodeToString(b[:])
}

// newUserID gives an id for a user of whom nothing is known yet.
func newUserID() string {
	var b [5]byte
	rand.Read(b[:])
	return "user-" + plain().EncodeToString(b[:])
}
