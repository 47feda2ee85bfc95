package auth

import (
	"github.com/gatehouse-chat/gatehouse/server/internal/credential"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Key is an API key as it is kept: all but the key itself.
type Key struct {
	ID         string
	Digest     credential.Digest
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
	keyShown   = len(credential.APIKey) + 6 // characters of a key that lists show: 36 of its 256 bits
	keyIDBytes = 8                          // of the public id
)

// GeneratedKey is a key that is not stored yet, so that the audit log can name it
// first. It lets nobody in, and prints without its text.
type GeneratedKey struct {
	text credential.Secret
	key  Key
}

// ID is the key's public id.
func (g GeneratedKey) ID() string { return g.key.ID }

// Prefix is the part of the key's text that lists show.
func (g GeneratedKey) Prefix() string { return g.key.Prefix }

// GenerateKey makes a key of 256 random bits, with an id of its own.
func GenerateKey() GeneratedKey {
	secret := credential.APIKey.Generate()
	text := secret.Reveal()
	return GeneratedKey{secret, Key{
		ID: "key-" + credential.RandomID(keyIDBytes), Digest: credential.DigestOf(text), Prefix: text[:keyShown],
	}}
}

// IsKey reports whether text has the form of an API key.
func IsKey(text string) bool { return credential.APIKey.Valid(text) }
