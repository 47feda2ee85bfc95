package auth

import (
	"github.com/gatehouse-chat/gatehouse/server/internal/credential"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// KeyStore keeps API keys. Update and View may run their function more than once;
// store.Transactions says what they promise.
type KeyStore interface {
	store.Transactions[KeyTx]
}

// KeyTx is one transaction. Look-ups of what does not exist give
// store.ErrNotFound.
type KeyTx interface {
	// Insert adds a key, whose ID and Digest must be new.
	Insert(Key) error
	// Revoke marks the key as revoked. One that is gone, or revoked already, stays
	// as it is.
	Revoke(id, by string, at protocol.Time) error
	// Touch moves LastUsedAt on to at; it never moves it back. A key that is gone
	// is no error.
	Touch(id string, at protocol.Time) error
	// Prune removes the keys that were revoked, or have expired, before a time.
	Prune(before protocol.Time) error

	ByDigest(credential.Digest) (Key, error)
	ByID(id string) (Key, error)
	// List gives the keys that hold at now, newest first, and then the others,
	// newest first.
	List(now protocol.Time, limit int) ([]Key, error)
	// CountHolding counts the keys that hold at now.
	CountHolding(now protocol.Time) (int, error)
}
