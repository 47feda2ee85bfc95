package access

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
	"github.com/gatehouse-chat/gatehouse/server/internal/metrics"
	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

const token = "gt_a-token-for-tests"

var (
	here, elsewhere = netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("198.51.100.1")

	goodKey, endedKey, lateKey = keyOf('A'), keyOf('E'), keyOf('M')
	errStore                   = errors.New("the store is away")
)

// keyOf is a text that looks like an API key.
func keyOf(letter byte) string { return "gh_" + strings.Repeat(string(letter), 42) + "A" }

// keys are API keys, by their text.
type keys map[string]struct {
	key auth.Key
	err error
}

func (k keys) Authenticate(_ context.Context, text string) (auth.Key, error) {
	found, ok := k[text]
	if !ok {
		return auth.Key{}, auth.ErrNoKey
	}
	return found.key, found.err
}

// devices are paired devices, by their secret.
type devices map[string]pairing.Device

func (d devices) Authenticate(_ context.Context, secret string) (pairing.Device, error) {
	found, ok := d[secret]
	if !ok {
		return pairing.Device{}, protocol.Refuse(protocol.NotPaired, "unknown")
	}
	return found, nil
}

// guesses counts the calls of WrongToken by address.
type guesses map[string]int

func (g guesses) WrongToken(address string) { g[address]++ }

// testControl is a Control with the parts that it uses.
type testControl struct {
	*Control
	guesses guesses
	keys    keys
	devices devices
	links   *auth.Links
	log     bytes.Buffer
}

func newTestControl() *testControl {
	d := &testControl{guesses: guesses{}, links: &auth.Links{}, keys: keys{
		goodKey: {auth.Key{ID: "key-1", Prefix: "gh_AAAAAA", UserID: "ann", Role: protocol.Viewer,
			ExpiresAt: 5000}, nil},
		endedKey: {auth.Key{ID: "key-2", Prefix: "gh_EEEEEE"}, auth.ErrKeyRevoked},
		lateKey:  {auth.Key{}, errStore},
	}, devices: devices{
		"secret": {PairedDevice: protocol.PairedDevice{DeviceID: "dev-1", UserID: "ben",
			Role: protocol.Operator}},
	}}
	d.Control = New(Options{
		Log: slog.New(slog.NewTextHandler(&d.log, nil)), Metrics: metrics.New(),
		Token: auth.NewToken(token),
		Keys:  d.keys, Devices: d.devices, Links: d.links, Guesses: d.guesses,
	})
	return d
}

// counted reports whether the metrics have the line.
func (d *testControl) counted(line string) bool {
	w := httptest.NewRecorder()
	d.Metrics.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return strings.Contains(w.Body.String(), "\n"+line+"\n")
}

func codeOf(err error) protocol.Code {
	var refused *protocol.Error
	if errors.As(err, &refused) {
		return refused.Code
	}
	return ""
}

func TestCheckBearer(t *testing.T) {
	t.Parallel()
	ofKey := Identity{UserID: "ann", Role: protocol.Viewer, Via: "key:gh_AAAAAA", KeyID: "key-1",
		ExpiresAt: 5000}
	for name, c := range map[string]struct {
		text, user string
		want       Identity
		code       protocol.Code
		cause      error // what the error must wrap; nil: anything
		wrong      bool  // counts as a wrong token
	}{
		"the token": {token, "", Identity{UserID: "admin", Role: protocol.Admin,
			Via: "token"}, "", nil, false},
		"the token as a user": {token, "zoe",
			Identity{UserID: "zoe", Role: protocol.Admin, Via: "token"}, "", nil, false},
		"a wrong token":          {"wrong", "", Identity{}, protocol.Unauthorized, nil, true},
		"no token":               {"", "", Identity{}, protocol.Unauthorized, nil, true},
		"a key":                  {goodKey, "", ofKey, "", nil, false},
		"a key as somebody else": {goodKey, "zoe", ofKey, "", nil, false},
		"an unknown key":         {keyOf('Q'), "", Identity{}, protocol.Unauthorized, nil, true},
		"a revoked key": {endedKey, "", Identity{}, protocol.Unauthorized, auth.ErrKeyRevoked,
			true},
		"a key that is unreadable": {lateKey, "", Identity{}, "", errStore, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newTestControl()
			who, err := d.CheckBearer(t.Context(), here, c.text, c.user)
			if who != c.want || codeOf(err) != c.code || c.cause != nil && !errors.Is(err, c.cause) ||
				(err == nil) != (c.want != Identity{}) {
				t.Errorf("%+v, %v", who, err)
			}
			if IsWrong(err) != c.wrong || (d.guesses[here.String()] == 1) != c.wrong {
				t.Errorf("IsWrong is %v, the audited guesses are %v", IsWrong(err), d.guesses)
			}
			if lines := strings.Count(d.log.String(), "security."); (lines == 1) != c.wrong {
				t.Errorf("log: %s", &d.log)
			}
			if c.wrong && !d.counted("gatehouse_wrong_tokens_total 1") {
				t.Error("the wrong token is not counted")
			}
		})
	}
}

// TestGuessesAreLimited checks that a network may send ten wrong credentials a minute, of
// whatever kind, and that its right ones are accepted all the same.
func TestGuessesAreLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newTestControl()
		right := map[string]func() error{
			"the token": func() error { return d.CheckToken(here, token) },
			"a link":    func() error { return d.CheckLink(here, d.links.New()) },
			"a key":     func() error { _, err := d.CheckBearer(t.Context(), here, goodKey, ""); return err },
			"a bearer":  func() error { _, err := d.CheckBearer(t.Context(), here, token, ""); return err },
			"a device":  func() error { _, err := d.CheckDevice(t.Context(), "secret"); return err },
		}
		allRight := func(when string) {
			t.Helper()
			for name, try := range right {
				if err := try(); err != nil {
					t.Errorf("%s, %s: %v", when, name, err)
				}
			}
		}
		for range 50 {
			allRight("at first")
		}
		wrong := []func() error{
			func() error { return d.CheckToken(here, "wrong") },
			func() error { return d.CheckLink(here, "wrong") },
			func() error { _, err := d.CheckBearer(t.Context(), here, endedKey, ""); return err },
			func() error { _, err := d.CheckBearer(t.Context(), here, keyOf('Q'), ""); return err },
		}
		for i := range guessesPerMinute {
			if err := wrong[i%len(wrong)](); codeOf(err) != protocol.Unauthorized {
				t.Fatalf("guess %d: %v", i, err)
			}
		}
		for i, try := range wrong {
			if err := try(); codeOf(err) != protocol.ResourceExhausted || IsWrong(err) {
				t.Errorf("wrong %d, after too many guesses: %v", i, err)
			}
			allRight("after too many guesses")
		}
		if d.guesses[here.String()] != guessesPerMinute ||
			!d.counted(`gatehouse_rate_limited_total{limit="tokens"} 4`) {
			t.Errorf("the audited guesses are %v, or the refusals are not counted", d.guesses)
		}
		time.Sleep(6 * time.Second)
		if err := wrong[1](); codeOf(err) != protocol.Unauthorized {
			t.Errorf("after the time for one more guess: %v", err)
		}
	})
}

// TestTokenGuessesAreBounded checks that guesses at the gateway token are bounded, which
// locks out neither API keys, devices and links, nor another address.
func TestTokenGuessesAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newTestControl()
		for range checksPerMinute {
			if err := d.CheckToken(here, "wrong"); err == nil {
				t.Fatal("a wrong token is right")
			}
		}
		if err := d.CheckToken(here, token); codeOf(err) != protocol.ResourceExhausted {
			t.Errorf("the token, after %d guesses: %v", checksPerMinute, err)
		}
		_, err := d.CheckBearer(t.Context(), here, goodKey, "")
		if err := errors.Join(err, d.CheckLink(here, d.links.New()),
			d.CheckToken(elsewhere, token)); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second)
		if err := d.CheckToken(here, token); err != nil {
			t.Errorf("the token, a second later: %v", err)
		}
	})
}

func TestCheckDevice(t *testing.T) {
	t.Parallel()
	d := newTestControl()
	who, err := d.CheckDevice(t.Context(), "secret")
	if want := (Identity{UserID: "ben", Role: protocol.Operator, Via: "device:dev-1",
		DeviceID: "dev-1"}); err != nil || who != want {
		t.Errorf("%+v, %v", who, err)
	}
	if _, err := d.CheckDevice(t.Context(), "another"); codeOf(err) != protocol.NotPaired {
		t.Error(err)
	}
}

// TestRecheck checks credentials again that have become invalid.
func TestRecheck(t *testing.T) {
	t.Parallel()
	d := newTestControl()
	proofs := map[string]Identity{}
	for _, secret := range []string{token, goodKey} {
		who, err := d.CheckBearer(t.Context(), here, secret, "")
		if err != nil {
			t.Fatal(err)
		}
		proofs[secret] = who
	}
	who, err := d.CheckDevice(t.Context(), "secret")
	if err != nil {
		t.Fatal(err)
	}
	proofs["secret"] = who
	for secret, who := range proofs {
		if err := d.Recheck(t.Context(), who, secret); err != nil {
			t.Errorf("%s: %v", who.Via, err)
		}
	}
	delete(d.devices, "secret")
	delete(d.keys, goodKey)
	for secret, want := range map[string]protocol.Code{token: "", goodKey: protocol.Unauthorized,
		"secret": protocol.NotPaired} {
		if err := d.Recheck(t.Context(), proofs[secret], secret); codeOf(err) != want {
			t.Errorf("%s: %v, want %q", proofs[secret].Via, err, want)
		}
	}
	if len(d.guesses) > 0 {
		t.Errorf("counted as guesses: %v", d.guesses)
	}
}

// TestAllowances uses up each allowance: further calls are refused, counted and, within
// bounds, logged.
func TestAllowances(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		allow func(*testControl, netip.Addr) error
		burst int
	}{
		"calls": {func(d *testControl, a netip.Addr) error { return d.AllowCall(a) }, callsPerMinute},
		"polls": {func(d *testControl, a netip.Addr) error { return d.AllowPoll(a) }, pollsPerMinute},
		"requests": {func(d *testControl, a netip.Addr) error {
			return d.AllowRequest(a, "user of "+a.String(),
				60)
		}, requestBurst},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := newTestControl()
				const more = 20
				allowed := 0
				for range c.burst + more {
					if err := c.allow(d, here); err == nil {
						allowed++
					} else if codeOf(err) != protocol.ResourceExhausted {
						t.Fatal(err)
					}
				}
				if err := c.allow(d, elsewhere); err != nil || allowed != c.burst {
					t.Errorf("%d allowed; a call from another network: %v", allowed, err)
				}
				limit := strings.Replace(name, "requests", "user", 1)
				if !d.counted(`gatehouse_rate_limited_total{limit="` + limit + `"} 20`) {
					t.Error("the refusals are not counted")
				}
				if n := strings.Count(d.log.String(), "security.rate_limited"); n != linesPerMinute {
					t.Errorf("%d lines for %d refusals", n, more)
				}
			})
		})
	}
}

func TestRequestsWithoutALimit(t *testing.T) {
	t.Parallel()
	d := newTestControl()
	for range 1000 {
		if err := d.AllowRequest(here, "ann", 0); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRefusals checks that all refusals are counted, and logged within bounds.
func TestRefusals(t *testing.T) {
	t.Parallel()
	d := newTestControl()
	for range 20 {
		d.ConnectionRefused(here, metrics.RefusedPending)
		d.Violation(elsewhere, metrics.NotJSON)
	}
	log := d.log.String()
	if n := strings.Count(log, "limit=gateway.max_pending_connections"); n != linesPerMinute {
		t.Errorf("%d lines of refused connections", n)
	}
	if n := strings.Count(log, "protocol violation"); n != linesPerMinute {
		t.Errorf("%d lines of violations", n)
	}
	if !d.counted(`gatehouse_upgrades_refused_total{cause="max_pending_connections"} 20`) {
		t.Error("the refused connections are not counted")
	}
}

// TestEvict checks that Evict forgets the allowances that are whole again.
func TestEvict(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newTestControl()
		_, _, _ = d.AllowCall(here), d.AllowPoll(here), d.AllowRequest(here, "ann", 1)
		_ = d.CheckToken(here, "wrong")
		held := func() int {
			return d.calls.Len() + d.polls.Len() + d.requests.Len() +
				d.Control.guesses.Len()
		}
		if d.Evict(); held() != 4 {
			t.Errorf("%d allowances are held, want the 4 that were used", held())
		}
		time.Sleep(time.Minute)
		if d.Evict(); held() != 0 {
			t.Errorf("%d allowances are held after a minute", held())
		}
	})
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	who := Identity{UserID: "ann", Role: protocol.Viewer, Via: "key:gh_A", KeyID: "key-1",
		ExpiresAt: 1000}
	for now, want := range map[protocol.Time]bool{999: false, 1000: true, 1001: true} {
		if who.Expired(now) != want {
			t.Errorf("expired at %d: %v", now, !want)
		}
	}
	if (Identity{}).Expired(1) {
		t.Error("an identity without an end has expired")
	}
	if actor := who.Actor(here); actor != (audit.Actor{UserID: "ann", Role: protocol.Viewer,
		Via: "key:gh_A", Address: "192.0.2.1"}) {
		t.Errorf("%+v", actor)
	}
	if caller := who.Caller(); caller.UserID != "ann" || caller.Role != protocol.Viewer {
		t.Errorf("%+v", caller)
	}
}
