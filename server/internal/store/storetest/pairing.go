package storetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/credential"
	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Pairing tests the contract of pairing.Store. open returns an empty store, and a
// function that closes the store and opens another one on the same data.
func Pairing(t *testing.T, open func(t *testing.T) (s pairing.Store, reopen func() pairing.Store)) {
	for name, test := range map[string]func(*testing.T, pairing.Store){
		"keeps every field":        keepsEveryField,
		"replaces":                 replaces,
		"refuses what is not new":  refusesDoubles,
		"finds nothing":            findsNothing,
		"finds the newest by code": findsNewestByCode,
		"lists":                    lists,
		"finds what is due":        findsDue,
		"counts what waits":        countsPending,
		"knows the last denial":    knowsLastDenial,
		"touches":                  touches,
		"changes secrets":          changesSecrets,
		"names the users":          namesUsers,
		"prunes":                   prunes,
		"undoes what failed":       undoes,
		"is serialisable":          isSerialisable,
		"views cannot write":       viewsCannotWrite,
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
		want := device("dev-1")
		insert(t, s, want)
		s = reopen()
		if got := find(t, s, "dev-1"); got != want {
			t.Errorf("reopened, it holds\n%+v, want\n%+v", got, want)
		}
	})
}

// device returns a record with a different value in every field.
func device(id string) pairing.Record {
	return pairing.Record{
		ID: id, Secret: credential.Digest([]byte(strings.Repeat(id+"/secret", 32)[:32])), Kind: pairing.Paired,
		Status: protocol.PairingApproved, Code: "CODE-" + id, Binding: "binding", UserID: "user-1", Role: protocol.Operator,
		Label: "label ✓", Name: "Firefox on Windows", Address: "2001:db8::1", Network: "2001:db8::/64", UserAgent: "agent",
		CreatedAt: 1_000, ExpiresAt: 2_000, ResolvedAt: 1_500, ResolvedBy: "admin", LastSeenAt: 1_600,
		Renew: true,
	}
}

// pending returns a pending record.
func pending(id string, created, expires protocol.Time) pairing.Record {
	r := device(id)
	r.Status, r.UserID, r.Role, r.Label = protocol.PairingPending, "", "", ""
	r.CreatedAt, r.ExpiresAt, r.ResolvedAt, r.ResolvedBy, r.LastSeenAt = created, expires, 0, "", created
	return r
}

// ids returns the ids of records, separated by spaces.
func ids(records []pairing.Record) string {
	var list []string
	for _, r := range records {
		list = append(list, r.ID)
	}
	return strings.Join(list, " ")
}

func keepsEveryField(t *testing.T, s pairing.Store) {
	want := device("dev-1")
	insert(t, s, device("dev-0"), want, device("dev-2"))
	view(t, s, func(tx pairing.Tx) error {
		byID, err := tx.ByID(want.ID)
		if err != nil || byID != want {
			t.Errorf("by id: %+v, %v; want %+v", byID, err, want)
		}
		bySecret, err := tx.BySecret(want.Secret)
		if err != nil || bySecret != want {
			t.Errorf("by secret: %+v, %v; want %+v", bySecret, err, want)
		}
		byCode, err := tx.ByCode(want.Code)
		if err != nil || byCode != want {
			t.Errorf("by code: %+v, %v; want %+v", byCode, err, want)
		}
		return nil
	})
}

func replaces(t *testing.T, s pairing.Store) {
	was, other := device("dev-1"), device("dev-2")
	insert(t, s, was, other)
	is := device("dev-1")
	is.Status, is.Code, is.Binding, is.UserID, is.Role, is.Label, is.Name = "revoked", "", "b", "u", "viewer", "l", "n"
	is.Address, is.UserAgent, is.ExpiresAt, is.ResolvedAt, is.ResolvedBy, is.LastSeenAt = "a", "ua", 1, 2, "by", 3
	is.Renew = false
	sent := is
	sent.Secret, sent.Kind, sent.Network, sent.CreatedAt = credential.Digest{1}, pairing.SignedIn, "elsewhere", 9
	update(t, s, func(tx pairing.Tx) error { return tx.Replace(sent) })
	if got := find(t, s, "dev-1"); got != is {
		t.Errorf("replaced, it is\n%+v, want\n%+v", got, is)
	}
	if got := find(t, s, "dev-2"); got != other {
		t.Errorf("the other one is %+v", got)
	}
	err := s.Update(context.Background(), func(tx pairing.Tx) error { return tx.Replace(device("dev-3")) })
	if !errors.Is(err, store.ErrNotFound) {
		t.Errorf("replacing a record that is not there: %v, want ErrNotFound", err)
	}
}

func refusesDoubles(t *testing.T, s pairing.Store) {
	first := pending("dev-1", 1_000, 2_000)
	insert(t, s, first)
	for name, double := range map[string]func(*pairing.Record){
		"id":           func(r *pairing.Record) { r.ID = first.ID },
		"secret":       func(r *pairing.Record) { r.Secret = first.Secret },
		"pending code": func(r *pairing.Record) { r.Code = first.Code },
	} {
		r := pending("dev-2", 1_000, 2_000)
		double(&r)
		if err := s.Update(context.Background(), func(tx pairing.Tx) error { return tx.Insert(r) }); err == nil {
			t.Errorf("a second record with the same %s was taken", name)
		}
	}
	used := device("dev-3")
	used.Code = first.Code
	insert(t, s, used)
}

func findsNothing(t *testing.T, s pairing.Store) {
	noCode := device("dev-1")
	noCode.Code = ""
	insert(t, s, noCode)
	view(t, s, func(tx pairing.Tx) error {
		for name, lookup := range map[string]func() (pairing.Record, error){
			"id":      func() (pairing.Record, error) { return tx.ByID("dev-2") },
			"secret":  func() (pairing.Record, error) { return tx.BySecret(credential.Digest{1}) },
			"code":    func() (pairing.Record, error) { return tx.ByCode("CODE-dev-2") },
			"no code": func() (pairing.Record, error) { return tx.ByCode("") },
		} {
			if r, err := lookup(); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("by %s: %+v, %v; want ErrNotFound", name, r, err)
			}
		}
		return nil
	})
}

func findsNewestByCode(t *testing.T, s pairing.Store) {
	for i, id := range []string{"dev-2", "dev-9", "dev-4"} {
		r := device(id)
		r.Code, r.CreatedAt = "SAMECODE", []protocol.Time{10, 30, 20}[i]
		insert(t, s, r)
	}
	view(t, s, func(tx pairing.Tx) error {
		if r, err := tx.ByCode("SAMECODE"); r.ID != "dev-9" || err != nil {
			t.Errorf("got %s, %v; want the newest", r.ID, err)
		}
		return nil
	})
}

func lists(t *testing.T, s pairing.Store) {
	for i, at := range []protocol.Time{20, 40, 10, 30} {
		r := device("dev-" + string(rune('1'+i)))
		r.CreatedAt, r.ResolvedAt = at, 100-at
		if i == 3 {
			r.Status, r.Kind, r.Binding = protocol.PairingRevoked, pairing.SignedIn, "old"
		}
		insert(t, s, r)
	}
	insert(t, s, pending("dev-p", 25, 1_000))
	signedIn := device("dev-s")
	signedIn.CreatedAt, signedIn.ResolvedAt, signedIn.Kind, signedIn.Binding = 1, 0, pairing.SignedIn, "old"
	insert(t, s, signedIn)
	view(t, s, func(tx pairing.Tx) error {
		for _, c := range []struct {
			what, want string
			list       func() ([]pairing.Record, error)
		}{
			{"approved", "dev-2 dev-1 dev-3 dev-s", func() ([]pairing.Record, error) { return tx.List(protocol.PairingApproved, 10) }},
			{"two approved", "dev-2 dev-1", func() ([]pairing.Record, error) { return tx.List(protocol.PairingApproved, 2) }},
			{"pending", "dev-p", func() ([]pairing.Record, error) { return tx.List(protocol.PairingPending, 10) }},
			{"denied", "", func() ([]pairing.Record, error) { return tx.List(protocol.PairingDenied, 10) }},
			{"resolved", "dev-3 dev-1 dev-4 dev-2", func() ([]pairing.Record, error) { return tx.Resolved(10) }},
			{"one resolved", "dev-3", func() ([]pairing.Record, error) { return tx.Resolved(1) }},
			{"bound otherwise than new", "dev-s", func() ([]pairing.Record, error) { return tx.WithOtherBinding("new", 10) }},
			{"bound otherwise than old", "", func() ([]pairing.Record, error) { return tx.WithOtherBinding("old", 10) }},
		} {
			got, err := c.list()
			if err != nil || ids(got) != c.want {
				t.Errorf("%s: %s, %v; want %s", c.what, ids(got), err, c.want)
			}
		}
		known, err := tx.UserExists("user-1")
		unknown, err2 := tx.UserExists("user-2")
		nobody, err3 := tx.UserExists("")
		if err := errors.Join(err, err2, err3); !known || unknown || nobody || err != nil {
			t.Errorf("known %v, unknown %v, nobody %v: %v", known, unknown, nobody, err)
		}
		return nil
	})
}

func changesSecrets(t *testing.T, s pairing.Store) {
	want, other := device("dev-1"), device("dev-2")
	insert(t, s, want, other)
	old := want.Secret
	want.Secret = credential.Digest{7}
	update(t, s, func(tx pairing.Tx) error { return tx.SetSecret("dev-1", want.Secret) })
	if got, gotOther := find(t, s, "dev-1"), find(t, s, "dev-2"); got != want || gotOther != other {
		t.Errorf("%+v and %+v, want %+v and %+v", got, gotOther, want, other)
	}
	view(t, s, func(tx pairing.Tx) error {
		if r, err := tx.BySecret(old); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the old secret belongs to %q, %v", r.ID, err)
		}
		return nil
	})
	for id, secret := range map[string]credential.Digest{"dev-3": {8}, "dev-2": want.Secret} {
		if err := s.Update(context.Background(), func(tx pairing.Tx) error {
			return tx.SetSecret(id, secret)
		}); err == nil {
			t.Errorf("the secret of %s was changed to %v", id, secret[:1])
		}
	}
}

func namesUsers(t *testing.T, s pairing.Store) {
	roles := []protocol.Role{protocol.Viewer, protocol.Admin, protocol.Operator, protocol.Admin}
	for i, user := range []string{"ann", "ann", "ben", "zoe"} {
		r := device("dev-" + string(rune('1'+i)))
		if r.UserID, r.Role = user, roles[i]; user == "zoe" {
			r.Status = protocol.PairingRevoked
		}
		insert(t, s, r)
	}
	insert(t, s, pending("dev-p", 1, 2))
	view(t, s, func(tx pairing.Tx) error {
		for limit, want := range map[int][]protocol.KnownUser{
			10: {{UserID: "ann", Role: protocol.Admin}, {UserID: "ben", Role: protocol.Operator}, {UserID: "zoe"}},
			1:  {{UserID: "ann", Role: protocol.Admin}},
		} {
			if got, err := tx.Users(1, limit); err != nil || !slices.Equal(got, want) {
				t.Errorf("%+v, %v; want %+v", got, err, want)
			}
		}
		return nil
	})
}

func findsDue(t *testing.T, s pairing.Store) {
	late := device("dev-4")
	late.ExpiresAt = 50
	insert(t, s, pending("dev-1", 1, 99), pending("dev-2", 1, 100), pending("dev-3", 1, 101), late)
	view(t, s, func(tx pairing.Tx) error {
		due, err := tx.Expired(100, 10)
		slices.SortFunc(due, func(a, b pairing.Record) int { return strings.Compare(a.ID, b.ID) })
		if err != nil || ids(due) != "dev-1 dev-2" {
			t.Errorf("due: %s, %v; want dev-1 dev-2", ids(due), err)
		}
		if due, err = tx.Expired(100, 1); err != nil || len(due) != 1 {
			t.Errorf("one that is due: %s, %v", ids(due), err)
		}
		return nil
	})
}

func countsPending(t *testing.T, s pairing.Store) {
	elsewhere := pending("dev-3", 1, 150)
	elsewhere.Network = "192.0.2.1/32"
	insert(t, s, pending("dev-1", 1, 100), pending("dev-2", 1, 200), elsewhere, device("dev-4"))
	view(t, s, func(tx pairing.Tx) error {
		for _, c := range []struct {
			now, first protocol.Time
			n          int
			of         string
		}{{99, 100, 3, "dev-1 dev-2"}, {100, 150, 2, "dev-2"}, {200, 0, 0, ""}} {
			n, first, err := tx.CountPending(c.now)
			if err != nil || n != c.n || first != c.first {
				t.Errorf("at %d: %d wait, the first until %d, %v; want %d until %d", c.now, n, first, err, c.n, c.first)
			}
			places, err := tx.Places(c.now)
			if err != nil || len(places) != c.n {
				t.Errorf("at %d: %d places, %v; want %d", c.now, len(places), err, c.n)
			}
			for _, p := range places {
				if r := find(t, s, p.ID); p != (pairing.Place{ID: r.ID, Network: r.Network,
					CreatedAt: r.CreatedAt, LastSeenAt: r.LastSeenAt}) {
					t.Errorf("the place %+v of %+v", p, r)
				}
			}
			of, err := tx.PendingOfNetwork("2001:db8::/64", c.now)
			slices.SortFunc(of, func(a, b pairing.Record) int { return strings.Compare(a.ID, b.ID) })
			if err != nil || ids(of) != c.of {
				t.Errorf("at %d, of the network: %s, %v; want %s", c.now, ids(of), err, c.of)
			}
		}
		return nil
	})
}

func knowsLastDenial(t *testing.T, s pairing.Store) {
	for i, at := range []protocol.Time{20, 40, 30} {
		r := device("dev-" + string(rune('1'+i)))
		r.Status, r.ResolvedAt = protocol.PairingDenied, at
		insert(t, s, r)
	}
	other := device("dev-9") // resolved later, but not denied
	other.ResolvedAt = 90
	insert(t, s, other)
	view(t, s, func(tx pairing.Tx) error {
		here, err := tx.LastDenied("2001:db8::/64")
		elsewhere, err2 := tx.LastDenied("192.0.2.1/32")
		if err := errors.Join(err, err2); here != 40 || elsewhere != 0 || err != nil {
			t.Errorf("denied at %d here and %d elsewhere, %v; want 40 and 0", here, elsewhere, err)
		}
		return nil
	})
}

func touches(t *testing.T, s pairing.Store) {
	want := device("dev-1")
	insert(t, s, want)
	for _, at := range []protocol.Time{want.LastSeenAt + 5, want.LastSeenAt + 3} {
		update(t, s, func(tx pairing.Tx) error { return errors.Join(tx.Touch("dev-1", at), tx.Touch("gone", at)) })
	}
	want.LastSeenAt += 5
	if got := find(t, s, "dev-1"); got != want {
		t.Errorf("touched, it is\n%+v, want\n%+v", got, want)
	}
}

func prunes(t *testing.T, s pairing.Store) {
	for i, at := range []protocol.Time{99, 100, 0} {
		r := device("dev-" + string(rune('1'+i)))
		r.Status, r.ResolvedAt = protocol.PairingDenied, at
		insert(t, s, r)
	}
	insert(t, s, pending("dev-8", 1, 2), device("dev-9"))
	update(t, s, func(tx pairing.Tx) error {
		if err := tx.Prune(protocol.PairingDenied, 100); err != nil {
			return err
		}
		for _, c := range []struct{ status, want string }{
			{protocol.PairingDenied, "dev-3 dev-2"}, {protocol.PairingPending, "dev-8"}, {protocol.PairingApproved, "dev-9"},
		} {
			left, err := tx.List(c.status, 10)
			if err != nil || ids(left) != c.want {
				t.Errorf("left of %s: %s, %v; want %s", c.status, ids(left), err, c.want)
			}
		}
		return nil
	})
}

func undoes(t *testing.T, s pairing.Store) {
	insert(t, s, device("dev-1"))
	refusal := protocol.Refuse(protocol.NotFound, "on purpose")
	err := s.Update(context.Background(), func(tx pairing.Tx) error {
		changed := device("dev-1")
		changed.Label = "changed"
		if err := errors.Join(tx.Replace(changed), tx.Insert(device("dev-2"))); err != nil {
			t.Error(err)
		}
		return refusal
	})
	if err != refusal {
		t.Errorf("got %v, want the function's own error", err)
	}
	if got := find(t, s, "dev-1"); got != device("dev-1") {
		t.Errorf("a change that failed is there: %+v", got)
	}
	if got := find(t, s, "dev-2"); got.ID != "" {
		t.Errorf("a record whose transaction failed is there: %+v", got)
	}
}

// isSerialisable increments a counter in a record from several goroutines.
func isSerialisable(t *testing.T, s pairing.Store) {
	insert(t, s, device("dev-1"))
	const writers, times = 8, 25
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range times {
				if err := s.Update(context.Background(), func(tx pairing.Tx) error {
					r, err := tx.ByID("dev-1")
					if err != nil {
						return err
					}
					r.ExpiresAt++
					return tx.Replace(r)
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got, want := find(t, s, "dev-1").ExpiresAt, device("").ExpiresAt+writers*times; got != want {
		t.Errorf("counted to %d, want %d", got, want)
	}
}

func viewsCannotWrite(t *testing.T, s pairing.Store) {
	if err := s.View(context.Background(), func(tx pairing.Tx) error { return tx.Insert(device("dev-1")) }); err == nil {
		t.Error("a view wrote")
	}
	if got := find(t, s, "dev-1"); got.ID != "" {
		t.Errorf("what a view wrote is there: %+v", got)
	}
}
