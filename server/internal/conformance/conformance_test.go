package conformance

import (
	"context"
	"net"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"github.com/gatehouse-chat/gatehouse/server/internal/conformance/rawws"
	"github.com/gatehouse-chat/gatehouse/server/internal/conn/conntest"
	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
)

// TestMain allows for the goroutine that the highlighter's regular expressions keep for a
// second after their last match.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/dlclark/regexp2/v2.runClock"))
}

// loopback are the addresses of the tests, which the gateway trusts as proxies.
func loopback() []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }

func name(r Row) string { return r.Section + "/" + strings.ReplaceAll(r.Says, "/", "∕") }

// TestRows walks the page against one gateway that all rows share.
func TestRows(t *testing.T) {
	t.Parallel()
	gateway := httpdtest.New(t, httpdtest.Options{TrustedProxies: loopback()})
	server := httptest.NewServer(gateway)
	t.Cleanup(server.Close)
	target := Target{URL: server.URL, Token: httpdtest.Token, Proxied: true}
	t.Run("rows", func(t *testing.T) {
		for _, row := range Rows() {
			if row.Wait == 0 {
				t.Run(name(row), func(t *testing.T) {
					t.Parallel()
					if err := row.Check(t.Context(), target); err != nil {
						t.Error(err)
					}
				})
			}
		}
	})
	for _, never := range []string{"level=ERROR", "panic", httpdtest.Token, "gd_"} {
		if _, after, found := strings.Cut(gateway.Log.String(), never); found {
			t.Errorf("the log has %q: …%.300s", never, after)
		}
	}
}

// TestRowsThatWait gives each row a gateway and a clock of its own.
func TestRowsThatWait(t *testing.T) {
	t.Parallel()
	for _, row := range Rows() {
		if row.Wait == 0 {
			continue
		}
		t.Run(name(row), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				gateway := httpdtest.New(t, httpdtest.Options{TrustedProxies: loopback()})
				server := conntest.Serve(t, gateway)
				dial := func(context.Context, string, string) (net.Conn, error) { return server.Pipe(t), nil }
				target := Target{URL: strings.TrimSuffix(server.URL(""), "/"),
					Token: httpdtest.Token, Proxied: true, Dial: dial}
				if err := row.Check(t.Context(), target); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestCheckFails checks that rows can fail: against a gateway with another token, and
// without a gateway.
func TestCheckFails(t *testing.T) {
	t.Parallel()
	gateway := httpdtest.New(t, httpdtest.Options{TrustedProxies: loopback()})
	server := httptest.NewServer(gateway)
	t.Cleanup(server.Close)
	nobody := func(ctx context.Context, _, _ string) (net.Conn, error) { return nil, net.ErrClosed }
	for _, row := range Rows() {
		if row.Wait > 0 || row.Says == "endpoint: GET /ws → 101" {
			continue
		}
		if err := row.Check(t.Context(),
			Target{URL: server.URL, Token: "not the token",
				Dial: rawws.DialFunc(nobody)}); err == nil {
			t.Errorf("%s passed against no gateway", name(row))
		}
	}
	wrong := Target{URL: server.URL, Token: "not the token", Proxied: true}
	for _, row := range connecting()[:1] {
		if err := row.Check(t.Context(), wrong); err == nil {
			t.Errorf("%s passed with a wrong token", name(row))
		}
	}
}

// TestTable checks that the names of rows are unique and that the rows of a section are
// together.
func TestTable(t *testing.T) {
	t.Parallel()
	seen, last := map[string]bool{}, ""
	for _, r := range Rows() {
		if seen[name(r)] {
			t.Errorf("two rows are called %s", name(r))
		}
		if r.Section != last && seen[r.Section] {
			t.Errorf("section %s begins again with %s", r.Section, r.Says)
		}
		seen[name(r)], seen[r.Section], last = true, true, r.Section
	}
}

// TestAnyToken checks the rows about tokens with tokens of various characters.
func TestAnyToken(t *testing.T) {
	t.Parallel()
	for _, token := range []string{"TOKEN-OF-CAPITALS-ALONE", "0123456789012345678901"} {
		server := httptest.NewServer(httpdtest.New(t,
			httpdtest.Options{Token: token, TrustedProxies: loopback()}))
		t.Cleanup(server.Close)
		for _, r := range connecting() {
			if r.Wait == 0 && strings.Contains(strings.ToLower(r.Says), "token") {
				if err := r.Check(t.Context(),
					Target{URL: server.URL, Token: token, Proxied: true}); err != nil {
					t.Errorf("%s, %s: %v", token, r.Says, err)
				}
			}
		}
	}
}
