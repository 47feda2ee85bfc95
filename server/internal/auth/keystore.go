package auth

import (
	"context"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// KeyStore keeps API keys. Update is serialisable and durable when it returns
// nil; View is a snapshot that shows every Update that has returned. Either may
// run its function again from the start, and returns the function's errors as
// they are.
type KeyStore interface {
	Update(ctx context.Context, fn func(KeyTx) error) error
	View(ctx context.Context, fn func(KeyTx) error) error
}

// KeyTx is what can be done with the keys within one transaction.
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

	ByDigest(KeyDigest) (k Key, found bool, err error)
	ByID(id string) (k Key, found bool, err error)
	// List gives the keys that hold at now, newest first, and then the others,
	// newest first.
	List(now protocol.Time, limit int) ([]Key, error)
	// CountHolding counts the keys that hold at now.
	CountHolding(now protocol.Time) (int, error)
}
