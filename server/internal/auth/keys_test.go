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

// ring is a Keys on a real store.
type ring struct {
	*auth.Keys
	t     *testing.T
	dir   string
	store *sqlite.Store
}

func newRing(t *testing.T, dir string) *ring {
	t.Helper()
	r := &ring{t: t, dir: dir}
	r.open()
	t.Cleanup(func() {
		if err := r.store.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func (r *ring) open() {
	r.t.Helper()
	s, err := sqlite.Open(context.Background(), r.dir, sqlite.Options{Readers: 1})
	if err != nil {
		r.t.Fatal(err)
	}
	r.store, r.Keys = s, auth.NewKeys(retrytest.Twice(s.Keys()))
}

// restart is what a stop of the gateway leaves: the store.
func (r *ring) restart() {
	r.t.Helper()
	if err := r.store.Close(); err != nil {
		r.t.Fatal(err)
	}
	r.open()
}

func (r *ring) make(p protocol.KeysCreateParams) protocol.KeysCreateResult {
	r.t.Helper()
	made, err := r.Create(context.Background(), "boss", p, auth.GenerateKey())
	if err != nil {
		r.t.Fatal(err)
	}
	return made
}

func (r *ring) sweep() {
	r.t.Helper()
	if err := r.Sweep(context.Background()); err != nil {
		r.t.Fatal(err)
	}
}

// list gives the names of the keys.
func (r *ring) list() (names string) {
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

// listed gives what the list says of a key.
func (r *ring) listed(id string) protocol.APIKey {
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

func (r *ring) wantAuthenticated(key string, want error) {
	r.t.Helper()
	if _, err := r.Authenticate(context.Background(), key); !errors.Is(err, want) {
		r.t.Errorf("%.12s…: %v, want %v", key, err, want)
	}
}

// code is that of a refusal; "" for none.
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

// bubble runs a test in a synctest bubble, with a directory made outside of it.
func bubble(t *testing.T, test func(r *ring)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) { test(newRing(t, dir)) })
}

func TestKeyIsItsUsers(t *testing.T) {
	t.Parallel()
	bubble(t, func(r *ring) {
		made := r.make(protocol.KeysCreateParams{Name: "  nightly bot ✓ ", UserID: " ann ", Role: protocol.Viewer, ExpiresIn: 90})
		now := protocol.At(time.Now())
		if !regexp.MustCompile(`^gh_[A-Za-z0-9_-]{43}$`).MatchString(made.Key) || !auth.IsKey(made.Key) ||
			made.Prefix != made.Key[:9] || made.ExpiresAt != now+90_000 {
			r.t.Errorf("made %+v", made)
		}
		want := protocol.APIKey{ID: made.ID, Name: "nightly bot ✓", Prefix: made.Prefix, UserID: "ann", Role: protocol.Viewer,
			CreatedAt: now, CreatedBy: "boss", ExpiresAt: now + 90_000}
		if got := r.listed(made.ID); got != want {
			r.t.Errorf("listed as %+v, want %+v", got, want)
		}
		k, err := r.Authenticate(context.Background(), made.Key)
		if err != nil || k.UserID != "ann" || k.Role != protocol.Viewer || k.ID != made.ID || k.ExpiresAt != made.ExpiresAt {
			r.t.Errorf("it is %+v, %v", k, err)
		}
		if text := fmt.Sprintf("%+v %v", k, r.listed(made.ID)); strings.Contains(text, made.Key[9:]) {
			r.t.Errorf("the key is in %s", text)
		}
	})
}

func TestWhatIsNoKey(t *testing.T) {
	t.Parallel()
	r := newRing(t, t.TempDir())
	key := r.make(bot()).Key
	last := strings.Map(func(c rune) rune { return c ^ 1 }, key[len(key)-1:])
	for _, text := range []string{
		"", "gh_", key[:len(key)-1], key + "x", " " + key, strings.ToUpper(key), "gt_" + key[3:], key[3:],
		key[:len(key)-1] + last, "gh_" + strings.Repeat("A", 43), "gh_" + strings.Repeat("!", 43), "gh_" + strings.Repeat("A", 4000),
	} {
		r.wantAuthenticated(text, auth.ErrNoKey)
	}
	r.wantAuthenticated(key, nil)
}

func TestKeyIsKeptAsADigest(t *testing.T) {
	t.Parallel()
	r := newRing(t, t.TempDir())
	made := r.make(bot())
	r.sweep()
	raw, err := base64.RawURLEncoding.DecodeString(made.Key[3:])
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{made.Key, made.Key[9:], string(raw)} {
		if found := inFiles(t, r.dir, secret); found != "" {
			t.Errorf("the key is in %s", found)
		}
	}
	if inFiles(t, r.dir, made.Prefix) == "" {
		t.Error("not even the prefix is found: the search does not work")
	}
}

func TestKeyParams(t *testing.T) {
	t.Parallel()
	r := newRing(t, t.TempDir())
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
		if _, err := r.Create(t.Context(), "boss", p, auth.GenerateKey()); code(err) != protocol.InvalidRequest || !strings.Contains(err.Error(), field+" must be") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if left := r.list(); left != "" {
		t.Errorf("there is %s", left)
	}
	for _, p := range []protocol.KeysCreateParams{
		{Name: strings.Repeat("ä", 120), UserID: strings.Repeat("u", 255), Role: protocol.Admin, ExpiresIn: 3650 * 24 * 3600},
		{Name: "n", UserID: "Zoë 😀", Role: protocol.Viewer, ExpiresIn: 1},
	} {
		r.make(p)
	}
}

func TestRevokedKey(t *testing.T) {
	t.Parallel()
	bubble(t, func(r *ring) {
		ctx := context.Background()
		made, other := r.make(bot()), r.make(bot())
		time.Sleep(time.Second)
		first, err := r.Revoke(ctx, "boss", made.ID)
		if err != nil || first.ID != made.ID || first.RevokedBy != "boss" {
			r.t.Errorf("revoked %+v, %v", first, err)
		}
		time.Sleep(time.Second)
		if again, err := r.Revoke(ctx, "another", made.ID); err != nil || again != first {
			r.t.Errorf("revoked again: %+v, %v; want %+v", again, err, first)
		}
		if _, err := r.Revoke(ctx, "boss", "key-none"); code(err) != protocol.NotFound {
			r.t.Errorf("revoked what is not there: %v", err)
		}
		r.wantAuthenticated(made.Key, auth.ErrKeyRevoked)
		r.wantAuthenticated(other.Key, nil)
		r.restart()
		r.wantAuthenticated(made.Key, auth.ErrKeyRevoked)
		r.wantAuthenticated(other.Key, nil)
	})
}

func TestExpiredKey(t *testing.T) {
	t.Parallel()
	bubble(t, func(r *ring) {
		p := bot()
		p.ExpiresIn = 60
		made := r.make(p)
		time.Sleep(time.Minute - time.Millisecond)
		r.wantAuthenticated(made.Key, nil)
		time.Sleep(time.Millisecond)
		r.wantAuthenticated(made.Key, auth.ErrKeyExpired)
		if _, err := r.Revoke(context.Background(), "boss", made.ID); err != nil {
			r.t.Error(err)
		}
		r.wantAuthenticated(made.Key, auth.ErrKeyRevoked)
	})
}

func TestLastUse(t *testing.T) {
	t.Parallel()
	bubble(t, func(r *ring) {
		made, idle := r.make(bot()), r.make(bot())
		time.Sleep(time.Hour)
		r.wantAuthenticated(made.Key, nil)
		used := protocol.At(time.Now())
		for _, restart := range []bool{false, true} {
			if restart {
				r.sweep()
				r.restart()
			}
			if at := r.listed(made.ID).LastUsedAt; at != used {
				r.t.Errorf("restarted %v: last used at %d, want %d", restart, at, used)
			}
		}
		time.Sleep(time.Hour)
		r.sweep()
		if at, never := r.listed(made.ID).LastUsedAt, r.listed(idle.ID).LastUsedAt; at != used || never != 0 {
			r.t.Errorf("swept again: last used at %d and %d, want %d and never", at, never, used)
		}
		if _, err := r.Revoke(context.Background(), "boss", made.ID); err != nil {
			r.t.Fatal(err)
		}
		r.wantAuthenticated(made.Key, auth.ErrKeyRevoked)
		if at := r.listed(made.ID).LastUsedAt; at != used {
			r.t.Errorf("a refused use counts: %d", at)
		}
	})
}

func TestOldKeysAreForgotten(t *testing.T) {
	t.Parallel()
	bubble(t, func(r *ring) {
		day := int64(24 * 3600)
		r.make(protocol.KeysCreateParams{Name: "always", UserID: "u", Role: protocol.Viewer})
		r.make(protocol.KeysCreateParams{Name: "expires", UserID: "u", Role: protocol.Viewer, ExpiresIn: 10 * day})
		made := r.make(protocol.KeysCreateParams{Name: "revoked", UserID: "u", Role: protocol.Viewer})
		if _, err := r.Revoke(context.Background(), "boss", made.ID); err != nil {
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

func TestKeysAreBounded(t *testing.T) {
	t.Parallel()
	r := newRing(t, t.TempDir())
	const most = 500
	p := protocol.KeysCreateParams{Name: strings.Repeat("😀", 120), UserID: strings.Repeat(`"`, 255), Role: protocol.Operator}
	var first protocol.KeysCreateResult
	for i := range most {
		if made := r.make(p); i == 0 {
			first = made
		}
	}
	if _, err := r.Create(t.Context(), "boss", p, auth.GenerateKey()); code(err) != protocol.FailedPrecondition {
		t.Errorf("one more: %v", err)
	}
	list, more, err := r.List(t.Context())
	if err != nil || !more || len(list) == 0 {
		t.Errorf("%d listed, more %v, %v", len(list), more, err)
	}
	result := protocol.KeysListResult{Keys: list, More: more}
	if n := len(protocol.AppendResult(nil, strings.Repeat("\x01", protocol.MaxIDLength), &result)); n > protocol.MaxFrameBytes {
		t.Errorf("a frame of %d bytes", n)
	}
	if _, err := r.Revoke(t.Context(), "boss", first.ID); err != nil {
		t.Fatal(err)
	}
	r.make(p)
}

// Create refuses the zero GeneratedKey, whose text and id are empty.
func TestOnlyGeneratedKeysAreStored(t *testing.T) {
	t.Parallel()
	r := newRing(t, t.TempDir())
	if _, err := r.Create(t.Context(), "boss", bot(), auth.GeneratedKey{}); err == nil {
		t.Error("a key was stored that was not generated")
	}
	if left := r.list(); left != "" {
		t.Errorf("there is %s", left)
	}
}

// A store that fails lets nobody in, and says so.
func TestKeysFailClosed(t *testing.T) {
	t.Parallel()
	s, err := sqlite.Open(t.Context(), t.TempDir(), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	keys := auth.NewKeys(s.Keys())
	made, err := keys.Create(t.Context(), "boss", bot(), auth.GenerateKey())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func() error{
		"Authenticate": func() error { _, err := keys.Authenticate(t.Context(), made.Key); return err },
		"Create":       func() error { _, err := keys.Create(t.Context(), "boss", bot(), auth.GenerateKey()); return err },
		"Revoke":       func() error { _, err := keys.Revoke(t.Context(), "boss", made.ID); return err },
		"List":         func() error { _, _, err := keys.List(t.Context()); return err },
		"Sweep":        func() error { return keys.Sweep(t.Context()) },
	} {
		var refusal *protocol.Error
		if err := call(); !errors.As(err, &refusal) || refusal.Code != protocol.Unavailable || !refusal.Retryable || refusal.RetryAfterMs <= 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever is done to some keys in whatever order: a key lets in from when it is
// made until it is revoked or expires, and as who it says.
func TestKeysProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		dir := t.TempDir()
		var thrown any // rapid works with panics
		synctest.Test(t, func(t *testing.T) {
			defer func() { thrown = recover() }()
			newRing(t, dir).anyCourse(rt)
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

func (r *ring) anyCourse(t *rapid.T) {
	var all []expected
	for range rapid.IntRange(1, 12).Draw(t, "steps") {
		switch rapid.IntRange(0, 4).Draw(t, "step") {
		case 0, 1:
			all = append(all, expected{KeysCreateResult: r.make(protocol.KeysCreateParams{
				Name: "n", UserID: rapid.SampledFrom([]string{"ann", "ben"}).Draw(t, "user"),
				Role:      rapid.SampledFrom([]protocol.Role{protocol.Viewer, protocol.Operator, protocol.Admin}).Draw(t, "role"),
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

func (r *ring) check(t *rapid.T, k expected) {
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
