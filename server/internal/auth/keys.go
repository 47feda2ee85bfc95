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
	maxKeys       = 500                        // that hold at a time
	maxKeyName    = 120                        // characters
	maxKeyLife    = 3650 * 24 * time.Hour      // of one that expires
	keepEnded     = 90 * 24 * time.Hour        // how long lists tell of a key that holds no more
	maxListed     = 2 * maxKeys                // keys of a list
	maxListedText = protocol.MaxFrameBytes / 2 // bytes of a list, encoded
	retryMs       = 5000
)

// Refusals of what looks like an API key. All say "invalid token"; who has held
// the key is told why it does not hold any more.
var (
	ErrNoKey      = protocol.Refuse(protocol.Unauthorized, "invalid token")
	ErrKeyRevoked = protocol.Refuse(protocol.Unauthorized, "invalid token: this API key was revoked")
	ErrKeyExpired = protocol.Refuse(protocol.Unauthorized, "invalid token: this API key has expired")
)

// Keys is the ring of API keys. Its methods are safe for concurrent use. Their
// errors are *protocol.Error, or wrap one next to the cause, which is for the
// log alone; a store that fails gives UNAVAILABLE.
type Keys struct {
	store KeyStore
	used  lastseen.Tracker // by id
}

// NewKeys makes a Keys on a store. Call Sweep once a minute.
func NewKeys(store KeyStore) *Keys {
	return &Keys{store: store}
}

func keyClock() protocol.Time { return protocol.At(time.Now()) }

// Create stores a generated key as a user's, on behalf of an admin. The key's text
// is in the result and nowhere else. A zero GeneratedKey is refused.
func (ks *Keys) Create(ctx context.Context, by string, p protocol.KeysCreateParams, g GeneratedKey) (protocol.KeysCreateResult, error) {
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
		n, err := tx.CountHolding(now)
		switch {
		case err != nil:
			return err
		case n >= maxKeys:
			return protocol.Refuse(protocol.FailedPrecondition, fmt.Sprintf("there are %d API keys, which is the most: revoke some that are not needed", n))
		}
		return tx.Insert(k)
	})
	if err != nil {
		return protocol.KeysCreateResult{}, unavailable("make a key", err)
	}
	return protocol.KeysCreateResult{
		ID: k.ID, Key: g.text.Reveal(), Prefix: k.Prefix, Name: k.Name, UserID: k.UserID, Role: k.Role, ExpiresAt: k.ExpiresAt,
	}, nil
}

func checkKey(p *protocol.KeysCreateParams) error {
	switch {
	case p.Name == "" || utf8.RuneCountInString(p.Name) > maxKeyName || !printable.Text(p.Name):
		return refuse("name must be 1 to %d printable characters: what the key is for", maxKeyName)
	case p.UserID == "" || len(p.UserID) > protocol.MaxUserIDLength || !printable.Text(p.UserID):
		return refuse("userId must be 1 to %d bytes of printable text: the user that the key's holder is", protocol.MaxUserIDLength)
	case !p.Role.Valid():
		return refuse("role must be viewer, operator or admin")
	case p.ExpiresIn < 0 || p.ExpiresIn > int64(maxKeyLife/time.Second):
		return refuse("expiresIn must be from 1 to %d seconds, or 0 for a key that does not expire", int64(maxKeyLife/time.Second))
	}
	return nil
}

func refuse(format string, args ...any) error {
	return protocol.Refuse(protocol.InvalidRequest, fmt.Sprintf(format, args...))
}

// Authenticate finds out whose key this is. It refuses with ErrNoKey,
// ErrKeyRevoked or ErrKeyExpired, and with UNAVAILABLE if the key cannot be
// checked. It writes nothing: that the key was used is stored by the next Sweep.
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

// Used notes that a key is in use.
func (ks *Keys) Used(id string) { ks.used.Seen(id) }

// List gives the keys, those that hold first; more tells that not all fit a
// frame.
func (ks *Keys) List(ctx context.Context) (list []protocol.APIKey, more bool, err error) {
	var kept []Key
	if err := ks.store.View(ctx, func(tx KeyTx) (err error) {
		kept, err = tx.List(keyClock(), maxListed+1)
		return err
	}); err != nil {
		return nil, false, unavailable("list the keys", err)
	}
	if more = len(kept) > maxListed; more {
		kept = kept[:maxListed]
	}
	list = []protocol.APIKey{} // which travels as [], not as null
	var text []byte
	room := maxListedText
	for _, k := range kept {
		k.LastUsedAt = ks.used.Latest(k.ID, k.LastUsedAt)
		shown := k.Wire()
		text = shown.AppendJSON(text[:0])
		if room -= len(text); room < 0 {
			return list, true, nil
		}
		list = append(list, shown)
	}
	return list, more, nil
}

// Revoke ends a key, on behalf of an admin, and gives it. The caller closes what
// is connected with it. Revoking a key again changes nothing.
func (ks *Keys) Revoke(ctx context.Context, by, id string) (k Key, err error) {
	err = ks.store.Update(ctx, func(tx KeyTx) (err error) {
		k, err = tx.ByID(id)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return protocol.Refuse(protocol.NotFound, "no API key has this id; api_keys.list shows those there are")
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

// Sweep stores when keys were last used, and forgets those that ended long ago.
// It is for one caller, once a minute and before the store is closed.
func (ks *Keys) Sweep(ctx context.Context) error {
	if err := ks.used.Flush(func(used map[string]protocol.Time) error { return ks.storeUsed(ctx, used) }); err != nil {
		return unavailable("store when keys were used", err)
	}
	err := ks.store.Update(ctx, func(tx KeyTx) error {
		return tx.Prune(keyClock() - protocol.Time(keepEnded.Milliseconds()))
	})
	if err != nil {
		return unavailable("forget old keys", err)
	}
	return nil
}

// storeUsed stores when some keys were last used.
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

// unavailable turns a failure of the store into a refusal with the failure as
// its cause. A refusal stays as it is.
func unavailable(what string, err error) error {
	var refusal *protocol.Error
	if errors.As(err, &refusal) {
		return err
	}
	refusal = &protocol.Error{Code: protocol.Unavailable, Retryable: true, RetryAfterMs: retryMs,
		Message: "API keys cannot be read or changed at the moment; try again shortly"}
	return fmt.Errorf("api keys: %s: %w (%w)", what, refusal, err)
}
