package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gatehouse-chat/gatehouse/server/internal/credential"
	"github.com/gatehouse-chat/gatehouse/server/internal/lastseen"
	"github.com/gatehouse-chat/gatehouse/server/internal/printable"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Limits of API keys.
const (
	maxKeys    = 500                   // valid keys
	maxKeyName = 120                   // characters
	maxKeyLife = 3650 * 24 * time.Hour // if the key expires
	// keepEnded is how long expired and revoked keys are kept.
	keepEnded     = 90 * 24 * time.Hour
	maxListed     = 2 * maxKeys                // keys in a list
	maxListedText = protocol.MaxFrameBytes / 2 // bytes of JSON in a list
	retryMs       = 5000                       // the retry delay after a failure of the store
)

// Reasons why an API key is not accepted. All messages begin with "invalid token". Only
// the holder of a real key learns why it is no longer valid.
var (
	ErrNoKey      = protocol.Refuse(protocol.Unauthorized, "invalid token")
	ErrKeyRevoked = protocol.Refuse(protocol.Unauthorized,
		"invalid token: this API key was revoked")
	ErrKeyExpired = protocol.Refuse(protocol.Unauthorized,
		"invalid token: this API key has expired")
)

// Keys manages the API keys. Its methods are safe for concurrent use. Their errors are a
// *protocol.Error, or wrap one together with the cause. The cause is for logs only. If
// the store fails, the code is UNAVAILABLE.
type Keys struct {
	store KeyStore
	used  lastseen.Tracker // when keys were last used, by id
}

// NewKeys returns the Keys in a store. The caller must call Sweep once a minute.
func NewKeys(store KeyStore) *Keys {
	return &Keys{store: store}
}

// keyClock returns the current time.
func keyClock() protocol.Time { return protocol.At(time.Now()) }

// Create stores g as a key for a user, on behalf of the admin by. Only the result has the
// key's text. If g is the zero GeneratedKey, Create returns an error.
func (ks *Keys) Create(ctx context.Context, by string, p protocol.KeysCreateParams,
	g GeneratedKey) (protocol.KeysCreateResult, error) {
	if g.ID() == "" {
		return protocol.KeysCreateResult{}, errors.New("api keys: no key was generated")
	}
	p.Name, p.UserID = strings.TrimSpace(p.Name), strings.TrimSpace(p.UserID)
	if err := checkKey(&p); err != nil {
		return protocol.KeysCreateResult{}, err
	}
	k, now := g.key, keyClock()
	k.Name, k.UserID, k.Role, k.CreatedAt, k.CreatedBy = p.Name, p.UserID, p.Role, now, by
	if p.ExpiresIn > 0 {
		k.ExpiresAt = now + protocol.Time(p.ExpiresIn*1000)
	}
	err := ks.store.Update(ctx, func(tx KeyTx) error {
		n, err := tx.CountValid(now)
		switch {
		case err != nil:
			return err
		case n >= maxKeys:
			return protocol.Refuse(protocol.FailedPrecondition,
				fmt.Sprintf("there are already %d valid API keys, which is the limit: revoke some "+
					"that are no longer needed", n))
		}
		return tx.Insert(k)
	})
	if err != nil {
		return protocol.KeysCreateResult{}, unavailable("create a key", err)
	}
	return protocol.KeysCreateResult{
		ID: k.ID, Key: g.text.Reveal(), Prefix: k.Prefix, Name: k.Name, UserID: k.UserID,
		Role: k.Role, ExpiresAt: k.ExpiresAt,
	}, nil
}

// checkKey checks the parameters of a new key.
func checkKey(p *protocol.KeysCreateParams) error {
	switch {
	case p.Name == "" || utf8.RuneCountInString(p.Name) > maxKeyName || !printable.Text(p.Name):
		return refuse("name must be 1 to %d visible characters: what the key is for%s", maxKeyName,
			printable.Why(p.Name))
	case p.UserID == "" || len(p.UserID) > protocol.MaxUserIDLength || !printable.Text(p.UserID):
		return refuse("userId must be 1 to %d bytes of visible text: the user that the key's holder "+
			"acts as%s", protocol.MaxUserIDLength, printable.Why(p.UserID))
	case !p.Role.Valid():
		return refuse("role must be viewer, operator or admin")
	case p.ExpiresIn < 0 || p.ExpiresIn > int64(maxKeyLife/time.Second):
		return refuse("expiresIn must be from 1 to %d seconds, or 0 for a key that does not expire",
			int64(maxKeyLife/time.Second))
	}
	return nil
}

// refuse returns a refusal with the code INVALID_REQUEST.
func refuse(format string, args ...any) error {
	return protocol.Refuse(protocol.InvalidRequest, fmt.Sprintf(format, args...))
}

// Authenticate returns the key with that text. Its errors are ErrNoKey, ErrKeyRevoked,
// ErrKeyExpired, and UNAVAILABLE if the key cannot be checked. It writes nothing: the
// next Sweep stores that the key was used.
func (ks *Keys) Authenticate(ctx context.Context, key string) (Key, error) {
	if !IsKey(key) {
		return Key{}, ErrNoKey
	}
	var k Key
	err := ks.store.View(ctx, func(tx KeyTx) (err error) {
		k, err = tx.ByDigest(credential.DigestOf(key))
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return Key{}, ErrNoKey
	case err != nil:
		return Key{}, unavailable("check a key", err)
	case k.RevokedAt != 0:
		return k, ErrKeyRevoked
	case k.Expired(keyClock()):
		return k, ErrKeyExpired
	}
	ks.Used(k.ID)
	return k, nil
}

// Used records that a key is being used.
func (ks *Keys) Used(id string) { ks.used.Seen(id) }

// List returns the keys, valid ones first. more says that the list is incomplete, because
// it would not fit into a frame.
func (ks *Keys) List(ctx context.Context) (list []protocol.APIKey, more bool, err error) {
	var stored []Key
	if err := ks.store.View(ctx, func(tx KeyTx) (err error) {
		stored, err = tx.List(keyClock(), maxListed+1)
		return err
	}); err != nil {
		return nil, false, unavailable("list the keys", err)
	}
	if more = len(stored) > maxListed; more {
		stored = stored[:maxListed]
	}
	list = []protocol.APIKey{} // JSON must have [], not null
	var text []byte
	left := maxListedText
	for _, k := range stored {
		k.LastUsedAt = ks.used.Latest(k.ID, k.LastUsedAt)
		wire := k.Wire()
		text = wire.AppendJSON(text[:0])
		if left -= len(text); left < 0 {
			return list, true, nil
		}
		list = append(list, wire)
	}
	return list, more, nil
}

// Revoke revokes a key, on behalf of the admin by, and returns the key. The caller must
// close the connections that use the key. Revoking a key again changes nothing.
func (ks *Keys) Revoke(ctx context.Context, by, id string) (k Key, err error) {
	err = ks.store.Update(ctx, func(tx KeyTx) (err error) {
		k, err = tx.ByID(id)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return protocol.Refuse(protocol.NotFound,
				"no API key has this id; api_keys.list lists the keys")
		case err != nil || k.RevokedAt != 0:
			return err
		}
		k.RevokedAt, k.RevokedBy = keyClock(), by
		return tx.Revoke(id, by, k.RevokedAt)
	})
	if err != nil {
		return Key{}, unavailable("revoke a key", err)
	}
	return k, nil
}

// Sweep stores when keys were last used, and removes keys that expired or were revoked
// long ago. One goroutine must call it, once a minute and before the store is closed.
func (ks *Keys) Sweep(ctx context.Context) error {
	if err := ks.used.Flush(func(used map[string]protocol.Time) error {
		return ks.storeUsed(ctx, used)
	}); err != nil {
		return unavailable("store when keys were used", err)
	}
	err := ks.store.Update(ctx, func(tx KeyTx) error {
		return tx.Prune(keyClock() - protocol.Time(keepEnded.Milliseconds()))
	})
	if err != nil {
		return unavailable("remove old keys", err)
	}
	return nil
}

// storeUsed stores when some keys were last used, in one transaction.
func (ks *Keys) storeUsed(ctx context.Context, used map[string]protocol.Time) error {
	return ks.store.Update(ctx, func(tx KeyTx) error {
		for id, at := range used {
			if err := tx.Touch(id, at); err != nil {
				return err
			}
		}
		return nil
	})
}

// unavailable wraps a failure of the store into a refusal with the code UNAVAILABLE. If
// err is a refusal already, unavailable returns it unchanged.
func unavailable(what string, err error) error {
	var refusal *protocol.Error
	if errors.As(err, &refusal) {
		return err
	}
	refusal = &protocol.Error{Code: protocol.Unavailable, Retryable: true, RetryAfterMs: retryMs,
		Message: "API keys cannot be read or changed at the moment; try again shortly"}
	return fmt.Errorf("api keys: %s: %w (%w)", what, refusal, err)
}
