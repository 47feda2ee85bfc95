package httpd_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// keyOf makes an API key that expires after that many seconds; 0: never.
func keyOf(t testing.TB, h *httpdtest.Server, role protocol.Role, user string,
	seconds int64) protocol.KeysCreateResult {
	t.Helper()
	made, err := h.Keys.Create(t.Context(), "test",
		protocol.KeysCreateParams{Name: "of " + user, UserID: user, Role: role, ExpiresIn: seconds},
		auth.GenerateKey())
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// noteOf uploads a text file of the user's and gives its path.
func noteOf(t testing.TB, h *httpdtest.Server, user, content string) string {
	t.Helper()
	f, err := h.Media.Upload(t.Context(), session.Caller{UserID: user, Role: protocol.Operator},
		func() (string, io.Reader, error) {
			return "note.txt", strings.NewReader(content), nil
		})
	if err != nil {
		t.Fatal(err)
	}
	return f.Path()
}

// fetch makes a request over a socket.
func fetch(t testing.TB, method, url string, header http.Header, body string) *http.Response {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	q.Header = header
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Body.Close() })
	return r
}

// TestAuthorizationHeaders tries Authorization headers beside a valid cookie. A header
// for the gateway counts, or is refused if it is not valid; a header of another scheme
// is ignored. A file, a page and a WebSocket must agree.
func TestAuthorizationHeaders(t *testing.T) {
	t.Parallel()
	h := httpdtest.New(t, httpdtest.Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	cookie, _ := pair(t, h, protocol.Operator, "zoe", "")
	say(t, h, "zoe", "zoes", "my words")
	path := noteOf(t, h, "zoe", "my note")
	own, other := keyOf(t, h, protocol.Viewer, "zoe", 0).Key,
		keyOf(t, h, protocol.Operator, "other", 0).Key
	const (
		skipped = iota // the cookie counts
		refused        // nothing counts
		zoe            // whose bearer it is
		another
	)
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	for n, row := range []struct {
		name   string
		values []string
		want   int
	}{
		{"none", nil, skipped},
		{"a password for a proxy", []string{"Basic em9lOnNlY3JldA=="}, skipped},
		{"a ticket for a proxy", []string{"Negotiate YIIGeAYGKwYBBQUCoIIGbDCC"}, skipped},
		{"a digest for a proxy", []string{`Digest username="zoe", realm="x", nonce="y"`}, skipped},
		{"the gateway token as a password", []string{"Basic " + httpdtest.Token}, skipped},

		{"a key", []string{"Bearer " + own}, zoe},
		{"a key, in small letters", []string{"bearer " + own}, zoe},
		{"a key, in capitals", []string{"BEARER " + own}, zoe},
		{"a key after more spaces", []string{"Bearer   " + own}, zoe},
		{"another's key", []string{"Bearer " + other}, another},

		{"a wrong token", []string{"Bearer wrong"}, refused},
		{"a wrong key", []string{"Bearer gh_" + strings.Repeat("A", 43)}, refused},
		{"a device's credential", []string{"Bearer " + strings.SplitN(cookie, "=", 2)[1]}, refused},
		{"no token", []string{"Bearer"}, refused},
		{"no token but a space", []string{"Bearer "}, refused},
		{"nothing but spaces", []string{"Bearer    "}, refused},
		{"an empty header", []string{""}, refused},
		{"a key without a scheme", []string{own}, refused},
		{"a tab for a space", []string{"Bearer\t" + own}, refused},
		{"a tab for a space, and more", []string{"Bearer\t" + own + " x"}, refused},
		{"something after the key", []string{"Bearer " + own + " x"}, refused},
		{"a list", []string{"Bearer " + own + ", Basic x"}, refused},
		{"no scheme's name", []string{`"Basic" x`}, refused},
		{"two good ones", []string{"Bearer " + own, "Bearer " + own}, refused},
		{"a good one and a wrong one", []string{"Bearer " + own, "Bearer wrong"}, refused},
		{"a password and a good one", []string{"Basic x", "Bearer " + own}, refused},
		{"two passwords", []string{"Basic x", "Basic y"}, refused},
	} {
		t.Run(row.name, func(t *testing.T) {
			from := fmt.Sprintf("198.51.100.%d", n+1) // wrong tokens are counted by address
			header := http.Header{"Cookie": {cookie}, "Authorization": row.values, "X-Forwarded-For": {from}}
			file := fetch(t, http.MethodGet, server.URL+path, header, "")
			shown := text(t, fetch(t, http.MethodGet, server.URL+"/s/zoes", header, ""))
			c := httpdtest.Dial(t, server.URL, header)
			switch row.want {
			case skipped, zoe:
				if body := text(t, file); file.StatusCode != http.StatusOK || body != "my note" {
					t.Errorf("the file: HTTP %d %s", file.StatusCode, body)
				}
				var welcome protocol.ConnectResult
				if c.Read(c.OK(protocol.MethodConnect, `{}`), &welcome); welcome.UserID != "zoe" ||
					(welcome.Role == protocol.Operator) != (row.want == skipped) {
					t.Errorf("the socket: %+v", welcome)
				}
			case another:
				wantError(t, file, http.StatusForbidden, protocol.Forbidden)
				var welcome protocol.ConnectResult
				if c.Read(c.OK(protocol.MethodConnect, `{}`), &welcome); welcome.UserID != "other" {
					t.Errorf("the socket: %+v", welcome)
				}
			case refused:
				if challenge := file.Header.Get("WWW-Authenticate"); !strings.HasPrefix(challenge, "Bearer ") {
					t.Errorf("the challenge is %q", challenge)
				}
				wantError(t, file, http.StatusUnauthorized, protocol.Unauthorized)
				c.Refused(protocol.Unauthorized, "invalid token", protocol.MethodConnect, `{}`)
				c.Refused(protocol.Unauthorized, "first request must be 'connect'", protocol.MethodHealth, "")
			}
			if opens := strings.Contains(shown, "my words"); opens != (row.want == skipped) {
				t.Errorf("the page is shown: %v", opens)
			}
		})
	}
}

// TestRolesOverHTTP requests each path that needs a role, as each role, with an API key
// and with a cookie.
func TestRolesOverHTTP(t *testing.T) {
	t.Parallel()
	h := httpdtest.New(t, httpdtest.Options{})
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	kind, body := form(t, "file", "a.txt", []byte("hello"))
	for _, row := range []struct {
		method, path, kind, body string
		least                    protocol.Role
		status                   int // of an answer to one who may
	}{
		{http.MethodGet, noteOf(t, h, "zoe", "x"), "", "", protocol.Viewer, http.StatusOK},
		{http.MethodPost, "/api/media/upload", kind, body.String(), protocol.Operator, http.StatusOK},
		{http.MethodPost, "/v1/media/upload", kind, body.String(), protocol.Operator, http.StatusOK},
		{http.MethodDelete, "/api/media/" + strings.Repeat("0", 32), "", "", protocol.Operator,
			http.StatusNotFound},
		{http.MethodGet, "/admin/audit.csv", "", "", protocol.Admin, http.StatusOK},
		{http.MethodHead, "/admin/audit.csv", "", "", protocol.Admin, http.StatusOK},
		{http.MethodGet, "/metrics", "", "", protocol.Admin, http.StatusOK},
	} {
		for _, role := range []protocol.Role{protocol.Viewer, protocol.Operator, protocol.Admin} {
			cookie, _ := pair(t, h, role, "zoe", "")
			key := keyOf(t, h, role, "zoe", 0).Key
			for how, header := range map[string]http.Header{
				"by cookie": {"Cookie": {cookie}, "Origin": {server.URL}},
				"by key":    {"Authorization": {"Bearer " + key}},
			} {
				header.Set("Content-Type", row.kind)
				r := fetch(t, row.method, server.URL+row.path, header, row.body)
				if role.Allows(row.least) {
					if r.StatusCode != row.status {
						t.Errorf("%s %s %s as %s: HTTP %d, want %d", row.method, row.path, how, role, r.StatusCode,
							row.status)
					}
					continue
				}
				if row.method == http.MethodHead { // an answer without a body
					if r.StatusCode != http.StatusForbidden {
						t.Errorf("%s %s %s as %s: HTTP %d", row.method, row.path, how, role, r.StatusCode)
					}
					continue
				}
				wantError(t, r, http.StatusForbidden, protocol.Forbidden)
			}
		}
	}
}

// TestEndedKeysOverHTTP uses revoked and expired keys, also beside a valid cookie: all
// are refused.
func TestEndedKeysOverHTTP(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := httpdtest.New(t, httpdtest.Options{})
		cookie, _ := pair(t, h, protocol.Operator, "zoe", "")
		path := noteOf(t, h, "zoe", "x")
		revoked, brief := keyOf(t, h, protocol.Viewer, "zoe", 0), keyOf(t, h, protocol.Viewer, "zoe", 60)
		get := func(key string) *http.Response {
			return request{url: path, cookie: cookie,
				header: http.Header{"Authorization": {"Bearer " + key}}}.do(h)
		}
		for _, key := range []string{revoked.Key, brief.Key} {
			if r := get(key); r.StatusCode != http.StatusOK {
				t.Errorf("a key that holds: HTTP %d", r.StatusCode)
			}
		}
		if _, err := h.Keys.Revoke(t.Context(), "test", revoked.ID); err != nil {
			t.Fatal(err)
		}
		wantError(t, get(revoked.Key), http.StatusUnauthorized, protocol.Unauthorized)
		time.Sleep(time.Minute - time.Millisecond)
		if r := get(brief.Key); r.StatusCode != http.StatusOK {
			t.Errorf("a key in its last millisecond: HTTP %d", r.StatusCode)
		}
		time.Sleep(time.Millisecond)
		wantError(t, get(brief.Key), http.StatusUnauthorized, protocol.Unauthorized)
	})
}

// TestCallersWhileTheStoreFails checks that credentials that cannot be checked are
// refused, but not counted as wrong. The gateway token needs no store.
func TestCallersWhileTheStoreFails(t *testing.T) {
	t.Parallel()
	h := httpdtest.New(t, httpdtest.Options{})
	cookie, _ := pair(t, h, protocol.Admin, "boss", "")
	key := keyOf(t, h, protocol.Admin, "boss", 0).Key
	path := noteOf(t, h, "boss", "x")
	if err := h.Store.Close(); err != nil {
		t.Fatal(err)
	}
	for range 12 {
		for _, address := range []string{path, "/metrics", "/admin/audit.csv"} {
			r := request{url: address, header: http.Header{"Authorization": {"Bearer " + key}}}.do(h)
			if r.Header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			wantError(t, r, http.StatusServiceUnavailable, protocol.Unavailable)
			wantError(t, request{url: address, cookie: cookie}.do(h), http.StatusServiceUnavailable,
				protocol.Unavailable)
		}
	}
	if r := (request{url: "/metrics", header: http.Header{"Authorization": {"Bearer " +
		httpdtest.Token}}}).do(h); r.StatusCode != http.StatusOK {
		t.Errorf("the gateway token: HTTP %d", r.StatusCode)
	}
}
