package auth

import (
	"github.com/gatehouse-chat/gatehouse/server/internal/credential"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Key is an API key as it is stored: everything except its text.
type Key struct {
	ID         string
	Digest     credential.Digest
	Prefix     string // the first characters of the key's text, so that people can tell keys apart
	Name       string // what the key is for
	UserID     string // the user as whom the key's holder acts
	Role       protocol.Role
	CreatedAt  protocol.Time
	CreatedBy  string        // an admin's user id
	ExpiresAt  protocol.Time // 0 if the key does not expire
	LastUsedAt protocol.Time // 0 if the key was never used
	RevokedAt  protocol.Time // 0 if the key was not revoked
	RevokedBy  string        // an admin's user id
}

// Expired reports whether the key has expired.
func (k Key) Expired(now protocol.Time) bool { return k.ExpiresAt != 0 && k.ExpiresAt <= now }

// Valid reports whether the key has neither expired nor been revoked.
func (k Key) Valid(now protocol.Time) bool { return k.RevokedAt == 0 && !k.Expired(now) }

// Wire returns the key in the form of the protocol.
func (k Key) Wire() protocol.APIKey {
	return protocol.APIKey{
		ID: k.ID, Name: k.Name, Prefix: k.Prefix, UserID: k.UserID, Role: k.Role,
		CreatedAt: k.CreatedAt, CreatedBy: k.CreatedBy, ExpiresAt: k.ExpiresAt,
		LastUsedAt: k.LastUsedAt, RevokedAt: k.RevokedAt,
	}
}

const (
	keyPrefixLen = len(credential.APIKey) + 6 // shows 36 of the 256 random bits
	keyIDBytes   = 8                          // random bytes of an id
)

// GeneratedKey is a key that is not stored yet. It exists so that the audit log can name
// the key before the key is created. It authenticates nobody, and prints without its
// text.
type GeneratedKey struct {
	text credential.Secret
	key  Key
}

// ID returns the key's public id.
func (g GeneratedKey) ID() string { return g.key.ID }

// Prefix returns the part of the key's text that lists show.
func (g GeneratedKey) Prefix() string { return g.key.Prefix }

// GenerateKey returns a new key of 256 random bits, with a random id.
func GenerateKey() GeneratedKey {
	secret := credential.APIKey.Generate()
	text := secret.Reveal()
	return GeneratedKey{secret, Key{
		ID: "key-" + credential.RandomID(keyIDBytes), Digest: credential.DigestOf(text),
		Prefix: text[:keyPrefixLen],
	}}
}

// IsKey reports whether text has the form of an API key.
func IsKey(text string) bool { return credential.APIKey.Valid(text) }
