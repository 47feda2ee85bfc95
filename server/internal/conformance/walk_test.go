package conformance

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
)

// TestLearn finds that our own gateway lacks nothing.
func TestLearn(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(httpdtest.New(t, httpdtest.Options{TrustedProxies: loopback()}))
	t.Cleanup(server.Close)
	g, err := Learn(t.Context(), Target{URL: server.URL, Token: httpdtest.Token, Proxied: true})
	if err != nil || len(g.Without) > 0 || g.Name == "" || g.Version != "test" {
		t.Errorf("%+v, %v", g, err)
	}
	if _, err := Learn(t.Context(),
		Target{URL: server.URL, Token: "wrong", Proxied: true}); err == nil ||
		!strings.Contains(err.Error(), "invalid token") {
		t.Errorf("with a wrong token: %v", err)
	}
	server.Close()
	if _, err := Learn(t.Context(), Target{URL: server.URL, Token: httpdtest.Token}); err == nil {
		t.Error("Learn gives no error without a gateway")
	}
}

// TestWalk walks rows over TLS, all from one address.
func TestWalk(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(httpdtest.New(t, httpdtest.Options{}))
	t.Cleanup(server.Close)
	target, err := At(server.URL+"/ws", httpdtest.Token,
		&tls.Config{RootCAs: server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs})
	if err != nil {
		t.Fatal(err)
	}
	var done int
	plan := Plan{Want: func(r Row) bool {
		return r.Section == "Transport" && r.Wait != quick || r.Says == "10 a minute an address"
	}, Done: func(Result) { done++ }}
	results, _ := Walk(t.Context(), target, plan)
	table := Table{URL: target.URL, Gateway: "x\x1b[31m", Rows: results}
	for _, r := range results {
		if r.Outcome == Failed || r.Outcome == Inapplicable && !strings.Contains(r.Why, "(-proxied)") || r.Outcome == LeftOut &&
			!strings.Contains(r.Why, "-wait ") {
			t.Errorf("%+v", r)
		}
	}
	if done != len(results) || table.Count(Passed) < 15 || table.Count(LeftOut) < 8 {
		t.Errorf("Done was called for %d rows; the results are %+v", done, results)
	}
	var text, raw bytes.Buffer
	if err := errors.Join(table.WriteText(&text), table.WriteJSON(&raw)); err != nil {
		t.Fatal(err)
	}
	for _, words := range []string{"\nTransport\n  ok    endpoint: GET /ws → 101\n",
		"\nconnect\n  -     10 a minute an address\n          takes time by the clock: -wait 3m\n", " 0 failed"} {
		if !strings.Contains(text.String(), words) {
			t.Errorf("no %q in\n%s", words, text.String())
		}
	}
	var again Table
	if err := json.Unmarshal(raw.Bytes(), &again); err != nil ||
		!slices.Equal(again.Rows, zeroed(results)) || strings.Contains(text.String(), "\x1b") {
		t.Errorf("%v\n%s", err, raw.String())
	}
}

// zeroed returns the results without Took, which is not written.
func zeroed(results []Result) []Result {
	results = slices.Clone(results)
	for i := range results {
		results[i].Took = 0
	}
	return results
}

// TestWalkWaits checks that a row which a rate limit made fail is repeated after the time
// that the gateway has named.
func TestWalkWaits(t *testing.T) {
	t.Parallel()
	const hold = 50 * time.Millisecond
	tries := 0
	w := &walk{ctx: t.Context()}
	began := time.Now()
	r := w.visit(Row{Section: "x", Says: "y", steps: func(v *visit) {
		if tries++; tries < 3 {
			v.after = hold
			v.fail("refused")
		}
	}})
	if r.Outcome != Passed || tries != 3 || time.Since(began) < 2*hold {
		t.Errorf("%+v after %d tries in %v", r, tries, time.Since(began))
	}
	tries = 0
	if r := w.visit(Row{steps: func(v *visit) { tries++; v.fail("wrong") }}); r.Outcome != Failed ||
		tries != 1 || r.Why != "wrong" {
		t.Errorf("a plain failure: %+v after %d tries", r, tries)
	}
	if r := w.visit(Row{steps: func(*visit) {
		_ = any(nil).(string)
	}}); r.Outcome != Failed || !strings.Contains(r.Why, "another shape") {
		t.Errorf("an answer of another shape: %+v", r)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	w = &walk{ctx: ctx}
	if r := w.visit(Row{steps: func(v *visit) {
		v.wait(time.Hour)
	}}); r.Outcome != LeftOut || r.Why != "interrupted" {
		t.Errorf("interrupted: %+v", r)
	}
}

// TestNotApplicable checks that rows are not applicable if they need an offer that the
// gateway lacks.
func TestNotApplicable(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(httpdtest.New(t,
		httpdtest.Options{TrustedProxies: loopback(), NoPairing: true}))
	t.Cleanup(server.Close)
	target := Target{URL: server.URL, Token: httpdtest.Token, Proxied: true}
	g, err := Learn(t.Context(), target)
	if err != nil || !slices.Equal(g.Without, []Offer{Pairing, Assigning}) {
		t.Fatalf("%+v, %v", g, err)
	}
	target.Without = append(g.Without, DemoAgent, Cookies)
	results, _ := Walk(t.Context(), target,
		Plan{Want: func(r Row) bool { return r.Wait == 0 && r.Section != "HTTP" }})
	for _, r := range results {
		row := Rows()[slices.IndexFunc(Rows(),
			func(o Row) bool { return o.Section == r.Section && o.Says == r.Says })]
		if lacking := row.Demo || r.Section == pairingSection; lacking &&
			r.Outcome != Inapplicable || r.Outcome == Failed {
			t.Errorf("%+v", r)
		}
	}
}

// TestAddition checks that a gateway does not fail because it lacks additions to v3.
func TestAddition(t *testing.T) {
	t.Parallel()
	for message, lacks := range map[string]bool{
		"unknown method: chat.watch": true, "unknown method: api_keys.list": true, "unknown method: chat.send": false,
		"unknown method: chat.watcher": false, "chat.watch": false,
	} {
		err := Row{steps: func(v *visit) {
			v.skipUnknownAddition("INVALID_REQUEST", message)
		}}.Check(t.Context(), Target{})
		if errors.As(err, new(NotApplicable)) != lacks {
			t.Errorf("%s: %v", message, err)
		}
	}
	for _, row := range []struct {
		method string
		params object
		offer  Offer
	}{
		{"chat.send", object{"ack": "accepted"}, Accepting}, {"chat.send",
			object{"idempotencyKey": "k"}, Idempotency},
		{"connect", object{"resume": []object{}}, Resuming}, {"connect",
			object{"client": object{"caps": []string{"html"}}}, Formatting},
		{"device.pair.approve", object{"role": "viewer"}, Assigning},
	} {
		for _, without := range [][]Offer{nil, {row.offer}} {
			err := Row{steps: func(v *visit) {
				v.requireFor(row.method, row.params)
			}}.Check(t.Context(), Target{Without: without})
			if errors.As(err, new(NotApplicable)) != (without != nil) {
				t.Errorf("%s %v without %v: %v", row.method, row.params, without, err)
			}
		}
	}
}

func TestAt(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"http://Chat.example.com": "http://chat.example.com", "wss://chat.example.com:443/ws": "https://chat.example.com",
		"ws://[::1]:80/": "http://[::1]", "https://chat.example.com:8443/": "https://chat.example.com:8443",
		"chat.example.com": "", "http://": "", "ftp://x": "", "http://x/chat/": "http://x/chat", "wss://x/chat/ws": "https://x/chat", "https://x:443/a/b/ws/": "https://x/a/b", "http://x?y": "", "http://u:secret@x": "",
	} {
		got, err := At(address, "t", nil)
		if got.URL != want || (err == nil) != (want != "") || err != nil &&
			strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %q, %v", address, got.URL, err)
		}
	}
}
