package auth

import (
	"github.com/gatehouse-chat/gatehouse/server/internal/credential"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// KeyStore stores API keys. Update and View may call their function more than once; see
// [store.Transactions].
type KeyStore interface {
	store.Transactions[KeyTx]
}

// KeyTx is one transaction. A look-up that finds nothing returns [store.ErrNotFound].
type KeyTx interface {
	// Insert adds a key, whose ID and Digest must be new.
	Insert(Key) error
	// Revoke marks the key as revoked. If there is no such key, or the key was revoked
	// before, Revoke does nothing.
	Revoke(id, by string, at protocol.Time) error
	// Touch sets LastUsedAt to at, unless LastUsedAt is later or there is no such key.
	Touch(id string, at protocol.Time) error
	// Prune removes the keys that expired or were revoked before a time.
	Prune(before protocol.Time) error

	// ByDigest returns the key with that digest.
	ByDigest(credential.Digest) (Key, error)
	// ByID returns the key with that id.
	ByID(id string) (Key, error)
	// List returns the keys that are valid at now, newest first, and then the others,
	// newest first.
	List(now protocol.Time, limit int) ([]Key, error)
	// CountValid returns the number of keys that are valid at now.
	CountValid(now protocol.Time) (int, error)
}
