package storetest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
	"github.com/gatehouse-chat/gatehouse/server/internal/credential"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Keys tests the contract of auth.KeyStore. open returns an empty store, and a function
// that closes the store and opens another one on the same data.
func Keys(t *testing.T, open func(t *testing.T) (s auth.KeyStore, reopen func() auth.KeyStore)) {
	for name, test := range map[string]func(*testing.T, auth.KeyStore){
		"keeps every field":       keepsEveryKeyField,
		"refuses what is not new": refusesDoubleKeys,
		"finds nothing":           findsNoKey,
		"lists":                   listsKeys,
		"counts":                  countsKeys,
		"revokes":                 revokesKeys,
		"touches":                 touchesKeys,
		"prunes":                  prunesKeys,
		"undoes what failed":      undoesKeys,
		"is serialisable":         keysAreSerialisable,
		"views cannot write":      keyViewsCannotWrite,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := open(t)
			test(t, s)
		})
	}
	t.Run("keeps what it holds", func(t *testing.T) {
		t.Parallel()
		s, reopen := open(t)
		want := key("key-1")
		insert(t, s, want)
		s = reopen()
		if got := find(t, s, "key-1"); got != want {
			t.Errorf("reopened, it holds\n%+v, want\n%+v", got, want)
		}
	})
}

// key returns a key with a different value in every field.
func key(id string) auth.Key {
	return auth.Key{
		ID: id, Digest: credential.Digest([]byte(strings.Repeat(id+"/digest", 32)[:32])), Prefix: "gh_" + id, Name: "name ✓",
		UserID: "user-1", Role: protocol.Operator, CreatedAt: 1_000, CreatedBy: "admin", ExpiresAt: 2_000,
		LastUsedAt: 1_100, RevokedAt: 1_500, RevokedBy: "another",
	}
}

// validKey returns a key that is valid from created until expires; 0 is forever.
func validKey(id string, created, expires protocol.Time) auth.Key {
	k := key(id)
	k.CreatedAt, k.ExpiresAt, k.LastUsedAt, k.RevokedAt, k.RevokedBy = created, expires, 0, 0, ""
	return k
}

// keyIDs returns the ids of keys, separated by spaces.
func keyIDs(keys []auth.Key) string {
	var list []string
	for _, k := range keys {
		list = append(list, k.ID)
	}
	return strings.Join(list, " ")
}

func keepsEveryKeyField(t *testing.T, s auth.KeyStore) {
	want := key("key-1")
	insert(t, s, key("key-0"), want, key("key-2"))
	view(t, s, func(tx auth.KeyTx) error {
		byID, err := tx.ByID(want.ID)
		if err != nil || byID != want {
			t.Errorf("by id: %+v, %v; want %+v", byID, err, want)
		}
		byDigest, err := tx.ByDigest(want.Digest)
		if err != nil || byDigest != want {
			t.Errorf("by digest: %+v, %v; want %+v", byDigest, err, want)
		}
		return nil
	})
}

func refusesDoubleKeys(t *testing.T, s auth.KeyStore) {
	first := key("key-1")
	insert(t, s, first)
	for name, double := range map[string]func(*auth.Key){
		"id":     func(k *auth.Key) { k.ID = first.ID },
		"digest": func(k *auth.Key) { k.Digest = first.Digest },
	} {
		k := key("key-2")
		double(&k)
		if err := s.Update(context.Background(), func(tx auth.KeyTx) error { return tx.Insert(k) }); err == nil {
			t.Errorf("a second key with the same %s was taken", name)
		}
	}
}

func findsNoKey(t *testing.T, s auth.KeyStore) {
	insert(t, s, key("key-1"))
	view(t, s, func(tx auth.KeyTx) error {
		for name, lookup := range map[string]func() (auth.Key, error){
			"id":        func() (auth.Key, error) { return tx.ByID("key-2") },
			"no id":     func() (auth.Key, error) { return tx.ByID("") },
			"digest":    func() (auth.Key, error) { return tx.ByDigest(credential.Digest{1}) },
			"no digest": func() (auth.Key, error) { return tx.ByDigest(credential.Digest{}) },
		} {
			if k, err := lookup(); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("by %s: %+v, %v; want ErrNotFound", name, k, err)
			}
		}
		return nil
	})
}

// insertKeys inserts three keys that are valid at 100, and two that are not: revoked and
// expired.
func insertKeys(t *testing.T, s auth.KeyStore) {
	t.Helper()
	revoked := validKey("revoked", 50, 0)
	revoked.RevokedAt = 60
	insert(t, s, validKey("old", 10, 0), revoked, validKey("expired", 40, 100), validKey("new", 30, 101), validKey("twin", 30, 0))
}

func listsKeys(t *testing.T, s auth.KeyStore) {
	insertKeys(t, s)
	view(t, s, func(tx auth.KeyTx) error {
		for _, c := range []struct {
			now   protocol.Time
			limit int
			want  string
		}{
			{99, 10, "expired twin new old revoked"},
			{100, 10, "twin new old revoked expired"},
			{101, 10, "twin old revoked expired new"},
			{100, 2, "twin new"},
		} {
			if got, err := tx.List(c.now, c.limit); err != nil || keyIDs(got) != c.want {
				t.Errorf("%d at %d: %s, %v; want %s", c.limit, c.now, keyIDs(got), err, c.want)
			}
		}
		return nil
	})
}

func countsKeys(t *testing.T, s auth.KeyStore) {
	insertKeys(t, s)
	view(t, s, func(tx auth.KeyTx) error {
		for now, want := range map[protocol.Time]int{99: 4, 100: 3, 101: 2} {
			if n, err := tx.CountValid(now); err != nil || n != want {
				t.Errorf("%d are valid at %d, %v; want %d", n, now, err, want)
			}
		}
		return nil
	})
}

func revokesKeys(t *testing.T, s auth.KeyStore) {
	want, other := validKey("key-1", 10, 0), validKey("key-2", 10, 0)
	insert(t, s, want, other)
	for _, at := range []protocol.Time{70, 80} {
		update(t, s, func(tx auth.KeyTx) error {
			return errors.Join(tx.Revoke("key-1", "admin", at), tx.Revoke("gone", "admin", at))
		})
	}
	want.RevokedAt, want.RevokedBy = 70, "admin"
	if got := find(t, s, "key-1"); got != want {
		t.Errorf("revoked, it is\n%+v, want\n%+v", got, want)
	}
	if got := find(t, s, "key-2"); got != other {
		t.Errorf("the other one is %+v", got)
	}
}

func touchesKeys(t *testing.T, s auth.KeyStore) {
	want := key("key-1")
	insert(t, s, want)
	for _, at := range []protocol.Time{want.LastUsedAt + 5, want.LastUsedAt + 3} {
		update(t, s, func(tx auth.KeyTx) error { return errors.Join(tx.Touch("key-1", at), tx.Touch("gone", at)) })
	}
	want.LastUsedAt += 5
	if got := find(t, s, "key-1"); got != want {
		t.Errorf("touched, it is\n%+v, want\n%+v", got, want)
	}
}

func prunesKeys(t *testing.T, s auth.KeyStore) {
	early, late := validKey("early", 1, 0), validKey("late", 1, 0)
	early.RevokedAt, late.RevokedAt = 99, 100
	insert(t, s, early, late, validKey("over", 2, 99), validKey("lasts", 3, 100), validKey("always", 4, 0))
	update(t, s, func(tx auth.KeyTx) error { return tx.Prune(100) })
	view(t, s, func(tx auth.KeyTx) error {
		if left, err := tx.List(1_000, 10); err != nil || keyIDs(left) != "always lasts late" {
			t.Errorf("left: %s, %v", keyIDs(left), err)
		}
		return nil
	})
}

func undoesKeys(t *testing.T, s auth.KeyStore) {
	first := validKey("key-1", 10, 0)
	insert(t, s, first)
	refusal := protocol.Refuse(protocol.NotFound, "on purpose")
	err := s.Update(context.Background(), func(tx auth.KeyTx) error {
		if err := errors.Join(tx.Revoke("key-1", "admin", 20), tx.Insert(key("key-2"))); err != nil {
			t.Error(err)
		}
		return refusal
	})
	if err != refusal {
		t.Errorf("got %v, want the function's own error", err)
	}
	if got := find(t, s, "key-1"); got != first {
		t.Errorf("a change that failed is there: %+v", got)
	}
	if got := find(t, s, "key-2"); got.ID != "" {
		t.Errorf("a key whose transaction failed is there: %+v", got)
	}
}

// keysAreSerialisable inserts keys from several goroutines, each while there are fewer
// than a limit.
func keysAreSerialisable(t *testing.T, s auth.KeyStore) {
	const makers, tries, most = 8, 10, 30
	var wg sync.WaitGroup
	for m := range makers {
		wg.Go(func() {
			for n := range tries {
				if err := s.Update(context.Background(), func(tx auth.KeyTx) error {
					held, err := tx.CountValid(100)
					if err != nil || held >= most {
						return err
					}
					return tx.Insert(validKey("key-"+string(rune('a'+m))+string(rune('a'+n)), 10, 0))
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	view(t, s, func(tx auth.KeyTx) error {
		if n, err := tx.CountValid(100); err != nil || n != most {
			t.Errorf("%d keys, %v; want %d", n, err, most)
		}
		return nil
	})
}

func keyViewsCannotWrite(t *testing.T, s auth.KeyStore) {
	if err := s.View(context.Background(), func(tx auth.KeyTx) error { return tx.Insert(key("key-1")) }); err == nil {
		t.Error("a view wrote")
	}
	if got := find(t, s, "key-1"); got.ID != "" {
		t.Errorf("what a view wrote is there: %+v", got)
	}
}
