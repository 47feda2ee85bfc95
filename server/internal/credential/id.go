package credential

import (
	"crypto/rand"
	"encoding/hex"
)

// RandomID returns an id of that many random bytes, as hexadecimal digits.
func RandomID(bytes int) string {
	random := make([]byte, bytes)
	rand.Read(random)
	return hex.EncodeToString(random)
}

// ValidID reports whether text has the form of an id of that many random bytes.
func ValidID(text string, bytes int) bool {
	if len(text) != hex.EncodedLen(bytes) {
		return false
	}
	_, err := hex.DecodeString(text)
	return err == nil
}
