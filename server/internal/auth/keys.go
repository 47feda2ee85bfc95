package auth

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

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
	touchBatch    = 200                        // keys a transaction, so that it holds nobody up
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

	mu   sync.Mutex
	used map[string]protocol.Time // by id, what Sweep has not stored yet
}

// NewKeys makes a Keys on a store. Call Sweep once a minute.
func NewKeys(store KeyStore) *Keys {
	return &Keys{store: store, used: make(map[string]protocol.Time)}
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
	case p.Name == "" || utf8.RuneCountInString(p.Name) > maxKeyName || strings.ContainsFunc(p.Name, unprintable):
		return refuse("name must be 1 to %d printable characters: what the key is for", maxKeyName)
	case p.UserID == "" || len(p.UserID) > protocol.MaxUserIDLength || strings.ContainsFunc(p.UserID, unprintable):
		return refuse("userId must be 1 to %d bytes of printable text: the user that the key's holder is", protocol.MaxUserIDLength)
	case !p.Role.Valid():
		return refuse("role must be viewer, operator or admin")
	case p.ExpiresIn < 0 || p.ExpiresIn > int64(maxKeyLife/time.Second):
		return refuse("expiresIn must be from 1 to %d seconds, or 0 for a key that does not expire", int64(maxKeyLife/time.Second))
	}
	return nil
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }

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
	found := false
	err := ks.store.View(ctx, func(tx KeyTx) (err error) {
		k, found, err = tx.ByDigest(digestOf(key))
		return err
	})
	switch {
	case err != nil:
		return Key{}, unavailable("check a key", err)
	case !found:
		return Key{}, ErrNoKey
	case k.RevokedAt != 0:
		return k, ErrKeyRevoked
	case k.Expired(keyClock()):
		return k, ErrKeyExpired
	}
	ks.Used(k.ID)
	return k, nil
}

// Used notes that a key is in use.
func (ks *Keys) Used(id string) {
	ks.mu.Lock()
	defer ks.mu.Unlock()
	ks.used[id] = keyClock()
}

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
		k.LastUsedAt = max(k.LastUsedAt, ks.noted(k.ID))
		shown := k.Wire()
		text = shown.AppendJSON(text[:0])
		if room -= len(text); room < 0 {
			return list, true, nil
		}
		list = append(list, shown)
	}
	return list, more, nil
}

// Find gives a key by its id, and refuses with NOT_FOUND.
func (ks *Keys) Find(ctx context.Context, id string) (k Key, err error) {
	err = ks.store.View(ctx, func(tx KeyTx) (err error) {
		k, err = find(tx, id)
		return err
	})
	if err != nil {
		return Key{}, unavailable("find a key", err)
	}
	return k, nil
}

// Revoke ends a key, on behalf of an admin, and gives it. The caller closes what
// is connected with it. Revoking a key again changes nothing.
func (ks *Keys) Revoke(ctx context.Context, by, id string) (k Key, err error) {
	err = ks.store.Update(ctx, func(tx KeyTx) (err error) {
		if k, err = find(tx, id); err != nil || k.RevokedAt != 0 {
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

func find(tx KeyTx, id string) (Key, error) {
	k, found, err := tx.ByID(id)
	if err == nil && !found {
		err = protocol.Refuse(protocol.NotFound, "no API key has this id; api_keys.list shows those there are")
	}
	return k, err
}

// Sweep stores when keys were last used, and forgets those that ended long ago.
// It is for one caller, once a minute and before the store is closed.
func (ks *Keys) Sweep(ctx context.Context) error {
	ks.mu.Lock()
	ids := slices.Collect(maps.Keys(ks.used))
	ks.mu.Unlock()
	for part := range slices.Chunk(ids, touchBatch) {
		if err := ks.storeUsed(ctx, part); err != nil {
			return err
		}
	}
	err := ks.store.Update(ctx, func(tx KeyTx) error {
		return tx.Prune(keyClock() - protocol.Time(keepEnded.Milliseconds()))
	})
	if err != nil {
		return unavailable("forget old keys", err)
	}
	return nil
}

// storeUsed stores what is noted of the keys. What is noted meanwhile, and what
// could not be stored, stays noted.
func (ks *Keys) storeUsed(ctx context.Context, ids []string) error {
	stored := make(map[string]protocol.Time, len(ids))
	err := ks.store.Update(ctx, func(tx KeyTx) error {
		for _, id := range ids {
			stored[id] = ks.noted(id)
			if err := tx.Touch(id, stored[id]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return unavailable("store when keys were used", err)
	}
	ks.mu.Lock()
	defer ks.mu.Unlock()
	maps.DeleteFunc(ks.used, func(id string, at protocol.Time) bool { return stored[id] == at })
	return nil
}

func (ks *Keys) noted(id string) protocol.Time {
	ks.mu.Lock()
	defer ks.mu.Unlock()
	return ks.used[id]
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
