package auth_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/retrytest"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/sqlite"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// testKeys is a Keys in a real store.
type testKeys struct {
	*auth.Keys
	t     *testing.T
	dir   string
	store *sqlite.Store
}

func newTestKeys(t *testing.T, dir string) *testKeys {
	t.Helper()
	r := &testKeys{t: t, dir: dir}
	r.open()
	t.Cleanup(func() {
		if err := r.store.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func (r *testKeys) open() {
	r.t.Helper()
	s, err := sqlite.Open(context.Background(), r.dir, sqlite.Options{Readers: 1})
	if err != nil {
		r.t.Fatal(err)
	}
	r.store, r.Keys = s, auth.NewKeys(retrytest.Twice(s.Keys()))
}

// restart closes and opens the store, as a restart of the gateway does.
func (r *testKeys) restart() {
	r.t.Helper()
	if err := r.store.Close(); err != nil {
		r.t.Fatal(err)
	}
	r.open()
}

func (r *testKeys) create(p protocol.KeysCreateParams) protocol.KeysCreateResult {
	r.t.Helper()
	created, err := r.Create(context.Background(), "boss", p, auth.GenerateKey())
	if err != nil {
		r.t.Fatal(err)
	}
	return created
}

func (r *testKeys) sweep() {
	r.t.Helper()
	if err := r.Sweep(context.Background()); err != nil {
		r.t.Fatal(err)
	}
}

// list returns the names of the keys.
func (r *testKeys) list() (names string) {
	r.t.Helper()
	list, _, err := r.List(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	for _, k := range list {
		names += k.Name + " "
	}
	return strings.TrimSuffix(names, " ")
}

// listed returns a key from the list.
func (r *testKeys) listed(id string) protocol.APIKey {
	r.t.Helper()
	list, _, err := r.List(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	i := slices.IndexFunc(list, func(k protocol.APIKey) bool { return k.ID == id })
	if i < 0 {
		r.t.Fatalf("%s is not on the list", id)
	}
	return list[i]
}

func (r *testKeys) wantAuthenticated(key string, want error) {
	r.t.Helper()
	if _, err := r.Authenticate(context.Background(), key); !errors.Is(err, want) {
		r.t.Errorf("%.12s…: %v, want %v", key, err, want)
	}
}

// code returns the code of a refusal, or "".
func code(err error) protocol.Code {
	var refusal *protocol.Error
	if errors.As(err, &refusal) {
		return refusal.Code
	}
	return ""
}

func bot() protocol.KeysCreateParams {
	return protocol.KeysCreateParams{Name: "bot", UserID: "ann", Role: protocol.Operator}
}

// bubble runs a test in a synctest bubble. The directory is created outside of the
// bubble.
func bubble(t *testing.T, test func(r *testKeys)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) { test(newTestKeys(t, dir)) })
}

func TestCreateAndAuthenticate(t *testing.T) {
	t.Parallel()
	bubble(t, func(r *testKeys) {
		created := r.create(protocol.KeysCreateParams{Name: "  nightly bot ✓ ", UserID: " ann ",
			Role: protocol.Viewer, ExpiresIn: 90})
		now := protocol.At(time.Now())
		if !regexp.MustCompile(`^gh_[A-Za-z0-9_-]{43}$`).MatchString(created.Key) ||
			!auth.IsKey(created.Key) ||
			created.Prefix != created.Key[:9] || created.ExpiresAt != now+90_000 {
			r.t.Errorf("created %+v", created)
		}
		want := protocol.APIKey{ID: created.ID, Name: "nightly bot ✓", Prefix: created.Prefix,
			UserID: "ann", Role: protocol.Viewer,
			CreatedAt: now, CreatedBy: "boss", ExpiresAt: now + 90_000}
		if got := r.listed(created.ID); got != want {
			r.t.Errorf("listed as %+v, want %+v", got, want)
		}
		k, err := r.Authenticate(context.Background(), created.Key)
		if err != nil || k.UserID != "ann" || k.Role != protocol.Viewer || k.ID != created.ID ||
			k.ExpiresAt != created.ExpiresAt {
			r.t.Errorf("it is %+v, %v", k, err)
		}
		if text := fmt.Sprintf("%+v %v", k, r.listed(created.ID)); strings.Contains(text,
			created.Key[9:]) {
			r.t.Errorf("the key is in %s", text)
		}
	})
}

func TestInvalidKeys(t *testing.T) {
	t.Parallel()
	r := newTestKeys(t, t.TempDir())
	key := r.create(bot()).Key
	last := strings.Map(func(c rune) rune { return c ^ 1 }, key[len(key)-1:])
	for _, text := range []string{
		"", "gh_", key[:len(key)-1], key + "x", " " + key, strings.ToUpper(key), "gt_" + key[3:],
		key[3:],
		key[:len(key)-1] + last, "gh_" + strings.Repeat("A", 43), "gh_" + strings.Repeat("!", 43),
		"gh_" + strings.Repeat("A", 4000),
	} {
		r.wantAuthenticated(text, auth.ErrNoKey)
	}
	r.wantAuthenticated(key, nil)
}

func TestOnlyTheDigestIsStored(t *testing.T) {
	t.Parallel()
	r := newTestKeys(t, t.TempDir())
	created := r.create(bot())
	r.sweep()
	raw, err := base64.RawURLEncoding.DecodeString(created.Key[3:])
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{created.Key, created.Key[9:], string(raw)} {
		if found := fileWith(t, r.dir, secret); found != "" {
			t.Errorf("the key is in %s", found)
		}
	}
	if fileWith(t, r.dir, created.Prefix) == "" {
		t.Error("the prefix was not found either: the search does not work")
	}
}

func TestKeyParams(t *testing.T) {
	t.Parallel()
	r := newTestKeys(t, t.TempDir())
	for name, change := range map[string]func(*protocol.KeysCreateParams){
		"name":        func(p *protocol.KeysCreateParams) { p.Name = " " },
		"name 2":      func(p *protocol.KeysCreateParams) { p.Name = strings.Repeat("ä", 121) },
		"name 3":      func(p *protocol.KeysCreateParams) { p.Name = "a\nb" },
		"name 4":      func(p *protocol.KeysCreateParams) { p.Name = "a\u202eb" },
		"userId":      func(p *protocol.KeysCreateParams) { p.UserID = "" },
		"userId 2":    func(p *protocol.KeysCreateParams) { p.UserID = strings.Repeat("u", 256) },
		"userId 3":    func(p *protocol.KeysCreateParams) { p.UserID = "a\x00" },
		"role":        func(p *protocol.KeysCreateParams) { p.Role = "" },
		"role 2":      func(p *protocol.KeysCreateParams) { p.Role = "Admin" },
		"expiresIn":   func(p *protocol.KeysCreateParams) { p.ExpiresIn = -1 },
		"expiresIn 2": func(p *protocol.KeysCreateParams) { p.ExpiresIn = 3650*24*3600 + 1 },
		"expiresIn 3": func(p *protocol.KeysCreateParams) { p.ExpiresIn = 1 << 62 },
	} {
		p := bot()
		change(&p)
		field, _, _ := strings.Cut(name, " ")
		if _, err := r.Create(t.Context(), "boss", p,
			auth.GenerateKey()); code(err) != protocol.InvalidRequest ||
			!strings.Contains(err.Error(), field+" must be") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if left := r.list(); left != "" {
		t.Errorf("there is %s", left)
	}
	for _, p := range []protocol.KeysCreateParams{
		{Name: strings.Repeat("ä", 120), UserID: strings.Repeat("u", 255), Role: protocol.Admin,
			ExpiresIn: 3650 * 24 * 3600},
		{Name: "n", UserID: "Zoë 😀", Role: protocol.Viewer, ExpiresIn: 1},
	} {
		r.create(p)
	}
}

func TestRevokedKey(t *testing.T) {
	t.Parallel()
	bubble(t, func(r *testKeys) {
		ctx := context.Background()
		created, other := r.create(bot()), r.create(bot())
		time.Sleep(time.Second)
		first, err := r.Revoke(ctx, "boss", created.ID)
		if err != nil || first.ID != created.ID || first.RevokedBy != "boss" {
			r.t.Errorf("revoked %+v, %v", first, err)
		}
		time.Sleep(time.Second)
		if again, err := r.Revoke(ctx, "another", created.ID); err != nil || again != first {
			r.t.Errorf("revoked again: %+v, %v; want %+v", again, err, first)
		}
		if _, err := r.Revoke(ctx, "boss", "key-none"); code(err) != protocol.NotFound {
			r.t.Errorf("revoke an unknown key: %v", err)
		}
		r.wantAuthenticated(created.Key, auth.ErrKeyRevoked)
		r.wantAuthenticated(other.Key, nil)
		r.restart()
		r.wantAuthenticated(created.Key, auth.ErrKeyRevoked)
		r.wantAuthenticated(other.Key, nil)
	})
}

func TestExpiredKey(t *testing.T) {
	t.Parallel()
	bubble(t, func(r *testKeys) {
		p := bot()
		p.ExpiresIn = 60
		created := r.create(p)
		time.Sleep(time.Minute - time.Millisecond)
		r.wantAuthenticated(created.Key, nil)
		time.Sleep(time.Millisecond)
		r.wantAuthenticated(created.Key, auth.ErrKeyExpired)
		if _, err := r.Revoke(context.Background(), "boss", created.ID); err != nil {
			r.t.Error(err)
		}
		r.wantAuthenticated(created.Key, auth.ErrKeyRevoked)
	})
}

func TestLastUse(t *testing.T) {
	t.Parallel()
	bubble(t, func(r *testKeys) {
		created, idle := r.create(bot()), r.create(bot())
		time.Sleep(time.Hour)
		r.wantAuthenticated(created.Key, nil)
		used := protocol.At(time.Now())
		for _, restart := range []bool{false, true} {
			if restart {
				r.sweep()
				r.restart()
			}
			if at := r.listed(created.ID).LastUsedAt; at != used {
				r.t.Errorf("restarted %v: last used at %d, want %d", restart, at, used)
			}
		}
		time.Sleep(time.Hour)
		r.sweep()
		if at, never := r.listed(created.ID).LastUsedAt, r.listed(idle.ID).LastUsedAt; at != used ||
			never != 0 {
			r.t.Errorf("swept again: last used at %d and %d, want %d and never", at, never, used)
		}
		if _, err := r.Revoke(context.Background(), "boss", created.ID); err != nil {
			r.t.Fatal(err)
		}
		r.wantAuthenticated(created.Key, auth.ErrKeyRevoked)
		if at := r.listed(created.ID).LastUsedAt; at != used {
			r.t.Errorf("a refused use counts: %d", at)
		}
	})
}

func TestOldKeysAreRemoved(t *testing.T) {
	t.Parallel()
	bubble(t, func(r *testKeys) {
		day := int64(24 * 3600)
		r.create(protocol.KeysCreateParams{Name: "always", UserID: "u", Role: protocol.Viewer})
		r.create(protocol.KeysCreateParams{Name: "expires", UserID: "u", Role: protocol.Viewer,
			ExpiresIn: 10 * day})
		created := r.create(protocol.KeysCreateParams{Name: "revoked", UserID: "u",
			Role: protocol.Viewer})
		if _, err := r.Revoke(context.Background(), "boss", created.ID); err != nil {
			r.t.Fatal(err)
		}
		for _, step := range []struct {
			days int
			want string
		}{{89, "always revoked expires"}, {2, "always expires"}, {10, "always"}} {
			time.Sleep(time.Duration(step.days) * 24 * time.Hour)
			r.sweep()
			got := strings.Fields(r.list())
			want := strings.Fields(step.want)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				r.t.Errorf("%d days later: %s, want %s", step.days, got, want)
			}
		}
	})
}

func TestMaxKeys(t *testing.T) {
	t.Parallel()
	r := newTestKeys(t, t.TempDir())
	const limit = 500
	p := protocol.KeysCreateParams{Name: strings.Repeat("😀", 120), UserID: strings.Repeat(`"`, 255),
		Role: protocol.Operator}
	var first protocol.KeysCreateResult
	for i := range limit {
		if created := r.create(p); i == 0 {
			first = created
		}
	}
	if _, err := r.Create(t.Context(), "boss", p,
		auth.GenerateKey()); code(err) != protocol.FailedPrecondition {
		t.Errorf("one more: %v", err)
	}
	list, more, err := r.List(t.Context())
	if err != nil || !more || len(list) == 0 {
		t.Errorf("%d listed, more %v, %v", len(list), more, err)
	}
	result := protocol.KeysListResult{Keys: list, More: more}
	if n := len(protocol.AppendResult(nil, strings.Repeat("\x01", protocol.MaxIDLength),
		&result)); n > protocol.MaxFrameBytes {
		t.Errorf("a frame of %d bytes", n)
	}
	if _, err := r.Revoke(t.Context(), "boss", first.ID); err != nil {
		t.Fatal(err)
	}
	r.create(p)
}

// Create refuses the zero GeneratedKey, whose text and id are empty.
func TestOnlyGeneratedKeysAreStored(t *testing.T) {
	t.Parallel()
	r := newTestKeys(t, t.TempDir())
	if _, err := r.Create(t.Context(), "boss", bot(), auth.GeneratedKey{}); err == nil {
		t.Error("a key was stored that was not generated")
	}
	if left := r.list(); left != "" {
		t.Errorf("there is %s", left)
	}
}

// If the store fails, no key is accepted, and the error is UNAVAILABLE.
func TestKeysFailClosed(t *testing.T) {
	t.Parallel()
	s, err := sqlite.Open(t.Context(), t.TempDir(), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	keys := auth.NewKeys(s.Keys())
	created, err := keys.Create(t.Context(), "boss", bot(), auth.GenerateKey())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func() error{
		"Authenticate": func() error {
			_, err := keys.Authenticate(t.Context(), created.Key)
			return err
		},
		"Create": func() error {
			_, err := keys.Create(t.Context(), "boss", bot(), auth.GenerateKey())
			return err
		},
		"Revoke": func() error {
			_, err := keys.Revoke(t.Context(), "boss", created.ID)
			return err
		},
		"List":  func() error { _, _, err := keys.List(t.Context()); return err },
		"Sweep": func() error { return keys.Sweep(t.Context()) },
	} {
		var refusal *protocol.Error
		if err := call(); !errors.As(err, &refusal) || refusal.Code != protocol.Unavailable ||
			!refusal.Retryable || refusal.RetryAfterMs <= 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Keys are created, revoked and used in any order. A key is valid from its creation until
// it is revoked or expires, and authenticates its user.
func TestKeysProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		dir := t.TempDir()
		var thrown any // rapid panics
		synctest.Test(t, func(t *testing.T) {
			defer func() { thrown = recover() }()
			newTestKeys(t, dir).randomSteps(rt)
		})
		if thrown != nil {
			panic(thrown)
		}
	})
}

type expected struct {
	protocol.KeysCreateResult
	revoked bool
}

func (r *testKeys) randomSteps(t *rapid.T) {
	var all []expected
	for range rapid.IntRange(1, 12).Draw(t, "steps") {
		switch rapid.IntRange(0, 4).Draw(t, "step") {
		case 0, 1:
			all = append(all, expected{KeysCreateResult: r.create(protocol.KeysCreateParams{
				Name: "n", UserID: rapid.SampledFrom([]string{"ann", "ben"}).Draw(t, "user"),
				Role: rapid.SampledFrom([]protocol.Role{protocol.Viewer, protocol.Operator,
					protocol.Admin}).Draw(t,
					"role"),
				ExpiresIn: rapid.Int64Range(0, 20).Draw(t, "expires in"),
			})})
		case 2:
			if len(all) > 0 {
				k := &all[rapid.IntRange(0, len(all)-1).Draw(t, "which")]
				if _, err := r.Revoke(context.Background(), "boss", k.ID); err != nil {
					t.Fatal(err)
				}
				k.revoked = true
			}
		case 3:
			time.Sleep(time.Duration(rapid.IntRange(0, 12_000).Draw(t, "ms")) * time.Millisecond)
		case 4:
			r.sweep()
		}
		for _, k := range all {
			r.check(t, k)
		}
	}
}

func (r *testKeys) check(t *rapid.T, k expected) {
	var want error
	switch {
	case k.revoked:
		want = auth.ErrKeyRevoked
	case k.ExpiresAt != 0 && k.ExpiresAt <= protocol.At(time.Now()):
		want = auth.ErrKeyExpired
	}
	got, err := r.Authenticate(context.Background(), k.Key)
	if err != want || err == nil && (got.UserID != k.UserID || got.Role != k.Role) {
		t.Fatalf("%+v is %+v, %v; want %v", k, got, err, want)
	}
}
