package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// KeyDigest is the SHA-256 of an API key.
//
// Keys are found by it in an index, which takes no constant time. That tells a
// guesser nothing: what is compared is the digest of the guess, which cannot be
// steered, and the key behind it has 256 random bits.
type KeyDigest [sha256.Size]byte

// Key is an API key as it is kept: all but the key itself.
type Key struct {
	ID         string
	Digest     KeyDigest
	Prefix     string // the key's first characters, to tell keys apart
	Name       string
	UserID     string
	Role       protocol.Role
	CreatedAt  protocol.Time
	CreatedBy  string
	ExpiresAt  protocol.Time // 0: never
	LastUsedAt protocol.Time // 0: not yet
	RevokedAt  protocol.Time // 0: it is not
	RevokedBy  string
}

// Expired reports whether the key's time is over.
func (k Key) Expired(now protocol.Time) bool { return k.ExpiresAt != 0 && k.ExpiresAt <= now }

// Holds reports whether the key lets its holder in.
func (k Key) Holds(now protocol.Time) bool { return k.RevokedAt == 0 && !k.Expired(now) }

// Wire is the key as lists tell of it.
func (k Key) Wire() protocol.APIKey {
	return protocol.APIKey{
		ID: k.ID, Name: k.Name, Prefix: k.Prefix, UserID: k.UserID, Role: k.Role, CreatedAt: k.CreatedAt,
		CreatedBy: k.CreatedBy, ExpiresAt: k.ExpiresAt, LastUsedAt: k.LastUsedAt, RevokedAt: k.RevokedAt,
	}
}

const (
	keyStart  = "gh_"
	keyShown  = len(keyStart) + 6 // characters of a key that lists show: 36 of its 256 bits
	keySecret = 32                // bytes
)

// GeneratedKey is a key that is not stored yet, so that the audit log can name it
// first. It lets nobody in, and prints without its text.
type GeneratedKey struct {
	text Token
	key  Key
}

// ID is the key's public id.
func (g GeneratedKey) ID() string { return g.key.ID }

// Prefix is the part of the key's text that lists show.
func (g GeneratedKey) Prefix() string { return g.key.Prefix }

// GenerateKey makes a key of 256 random bits, with an id of its own.
func GenerateKey() GeneratedKey {
	var secret [keySecret]byte
	var id [8]byte
	rand.Read(secret[:])
	rand.Read(id[:])
	text := keyStart + base64.RawURLEncoding.EncodeToString(secret[:])
	return GeneratedKey{NewToken(text), Key{ID: "key-" + hex.EncodeToString(id[:]), Digest: digestOf(text), Prefix: text[:keyShown]}}
}

func digestOf(key string) KeyDigest { return sha256.Sum256([]byte(key)) }

// IsKey reports whether text has the form of an API key.
func IsKey(text string) bool {
	encoded, ok := strings.CutPrefix(text, keyStart)
	if !ok || len(encoded) != base64.RawURLEncoding.EncodedLen(keySecret) {
		return false
	}
	secret, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	return err == nil && len(secret) == keySecret // fewer bytes if there are line ends, which are passed over
}
