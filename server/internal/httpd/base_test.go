package httpd_test

import (
	"cmp"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/gatehouse-chat/gatehouse/server/internal/config"
	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/server/internal/manual"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/web/htmltest"
)

// addresses lists the addresses in a page: what it links to, and what it loads.
func addresses(t testing.TB, html string) []string {
	t.Helper()
	root, err := htmltest.Parse(html)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for n := range root.Descendants() {
		for _, a := range n.Attr {
			switch a.Key {
			case "href", "src", "action", "poster", "data-wasm", "data-exec":
				found[a.Val] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// TestUnderAPath asks for every page of a gateway under a path, with the path and as a
// proxy asks that removes the path, and for everything that the pages link to and load.
func TestUnderAPath(t *testing.T) {
	t.Parallel()
	for _, public := range []string{"https://example.com/chat", "https://example.com/a/b-c.d", "https://example.com"} {
		checkPagesUnder(t, public)
	}
}

func checkPagesUnder(t *testing.T, public string) {
	t.Helper()
	s := serveWith(t, httpdtest.Options{PublicURL: public})
	base := strings.TrimPrefix(public, "https://example.com")
	file := s.uploaded("zoe", "cat.png", picture(t, 40, 30))
	s.socket("zoe").OK(protocol.MethodChatSend,
		`{"message":"see","sessionKey":"agent:x","media":`+media(file.Path)+`}`)
	for range 3 {
		say(t, s.Server, "zoe", "other-chat", "words")
	}
	paths := []string{"/", "/s/agent:x", "/s/none", "/login", "/admin", "/admin/sessions?user=zoe",
		"/admin/clients", "/admin/keys", "/admin/audit", "/admin/status", "/nowhere", "/docs"}
	for _, name := range manual.Names()[1:] {
		paths = append(paths, "/docs/"+name)
	}
	seen := map[string]bool{}
	for _, user := range []string{"", "zoe", "boss"} {
		for _, path := range paths {
			html := text(t, s.raw(http.MethodGet, user, base+path, nil))
			bare := text(t, s.raw(http.MethodGet, user, path, nil))
			if !slices.Equal(addresses(t, bare), addresses(t, html)) {
				t.Errorf("%s: other addresses without the path: %v", path, addresses(t, bare))
			}
			if !strings.Contains(html, `data-base="`+base+`"`) {
				t.Errorf("%s: the page does not name its base %q", path, base)
			}
			for _, to := range addresses(t, html) {
				if to == "" || to[0] == '#' || strings.Contains(to, "://") || strings.HasPrefix(to, "mailto:") {
					continue
				}
				if rest, under := strings.CutPrefix(to, base); !under || rest == "" || rest[0] != '/' {
					t.Errorf("%s: the page has the address %s", path, to)
				}
				if key := user + to; !seen[key] {
					seen[key] = true
					status := s.raw(http.MethodGet, user, to, nil).StatusCode
					if status != http.StatusOK && status != http.StatusForbidden {
						t.Errorf("%s: %s answers HTTP %d", path, to, status)
					}
				}
			}
		}
	}
	if want := 40; len(seen) < want {
		t.Errorf("the pages have %d addresses, want at least %d", len(seen), want)
	}
}

// TestAPIUnderAPath uses the API and the WebSocket with the path and without.
func TestAPIUnderAPath(t *testing.T) {
	t.Parallel()
	s := serveWith(t, httpdtest.Options{PublicURL: "https://example.com/chat"})
	for _, row := range []struct {
		method, path string
		status       int
	}{
		{http.MethodGet, "/health", 200}, {http.MethodGet, "/readyz", 200}, {http.MethodGet, "/ws", 426},
		{http.MethodPost, "/api/session", 415}, {http.MethodGet, "/api/nothing", 404},
		{http.MethodPost, "/api/media/upload", 415}, {http.MethodPut, "/login", 405},
	} {
		for _, base := range []string{"", "/chat"} {
			if r := s.do(row.method, "zoe", base+row.path, "", nil); r.StatusCode != row.status {
				t.Errorf("%s %s: HTTP %d, want %d", row.method, base+row.path, r.StatusCode, row.status)
			}
		}
	}
	for _, path := range []string{"/chatter", "/chatter/login", "/Chat/login", "/chat/chat/login"} {
		if r := s.raw(http.MethodGet, "zoe", path, nil); r.StatusCode != http.StatusNotFound {
			t.Errorf("%s: HTTP %d", path, r.StatusCode)
		}
	}
	c := httpdtest.Dial(t, s.url+"/chat", http.Header{"Cookie": {s.users["zoe"]}, "Origin": {s.url}})
	c.OK(protocol.MethodConnect, `{}`)
	// The path of a file is a name in the protocol, the same for every client.
	if f := s.uploaded("zoe", "a.txt", []byte("hello")); !strings.HasPrefix(f.Path, protocol.MediaPath) {
		t.Errorf("the file's path is %s", f.Path)
	}
}

func TestCookieUnderAPath(t *testing.T) {
	t.Parallel()
	proxies := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	for _, row := range []struct{ public, proto, prefix, path string }{
		{"https://example.com/chat", "https", "__Secure-gatehouse_", "/chat"},
		{"http://example.com/chat", "http", "gatehouse_", "/chat"},
		{"https://example.com", "https", "__Host-gatehouse_", "/"},
		{"", "http", "gatehouse_", "/"},
	} {
		h := httpdtest.New(t, httpdtest.Options{PublicURL: row.public, TrustedProxies: proxies})
		q := api(http.MethodPost, "", `{"token":"`+httpdtest.Token+`"}`)
		q.origin = row.proto + "://" + cmp.Or(strings.Split(row.public+"//", "/")[2], "localhost")
		q.url = q.origin + "/api/session"
		q.header.Set("X-Forwarded-Proto", row.proto)
		set := setCookies(q.do(h))
		if len(set) != 1 || !strings.HasPrefix(set[0], row.prefix) || !strings.Contains(set[0], "; Path="+row.path+";") {
			t.Errorf("%s: %q", row.public, set)
			continue
		}
		// It counts, and signing out removes it.
		cookie, _, _ := strings.Cut(set[0], ";")
		again, out := q, q
		again.cookie, again.body = cookie, `{"cookie":true}`
		out.cookie, out.method = cookie, http.MethodDelete
		if r := again.do(h); r.StatusCode != http.StatusNoContent {
			t.Errorf("%s: the cookie does not count: HTTP %d", row.public, r.StatusCode)
		}
		if gone := setCookies(out.do(h)); len(gone) != 1 || !strings.Contains(gone[0], "Max-Age=0") ||
			!strings.Contains(gone[0], "; Path="+row.path+";") {
			t.Errorf("%s: signing out sets %q", row.public, gone)
		}
	}
}

// TestSlashes proves that a slash too many at the end of an address leads to its page, and
// never to another host.
func TestSlashes(t *testing.T) {
	t.Parallel()
	for base, h := range map[string]http.Handler{
		"":      httpdtest.New(t, httpdtest.Options{}),
		"/chat": httpdtest.New(t, httpdtest.Options{PublicURL: "https://example.com/chat"}),
	} {
		for path, page := range map[string]string{
			"/docs/": "docs", "/docs/start/": "docs", "/login//": "login", "/admin/": "login",
			"/admin/audit/?q=x": "login", "/s/a/": "notice", "": "pairing", "/nowhere/": "notice",
			"//evil.example/": "notice", "//evil.example/docs/": "notice", "/\\evil.example/": "notice",
			"/docs//start": "notice",
		} {
			for _, asked := range []string{path, base + path} {
				r := request{url: "http://example.com" + asked}.do(h)
				body := text(t, r)
				if !strings.Contains(body, `data-page="`+page+`"`) || r.Header.Get("Location") != "" ||
					(r.StatusCode == http.StatusNotFound) != (page == "notice") {
					t.Errorf("%q: HTTP %d, %.300s", asked, r.StatusCode, body)
				}
			}
		}
		for _, path := range []string{"/login/", "/api/session/"} {
			post := api(http.MethodPost, "", "{}")
			post.url = path
			if r := post.do(h); r.StatusCode != http.StatusNotFound {
				t.Errorf("POST %s: HTTP %d", path, r.StatusCode)
			}
		}
	}
}

// TestReservedPaths holds the configuration's list to the routes.
func TestReservedPaths(t *testing.T) {
	t.Parallel()
	reserved := config.ReservedPaths()
	err := chi.Walk(httpdtest.New(t, httpdtest.Options{}).Handler.(chi.Routes), func(_, route string, _ http.Handler,
		_ ...func(http.Handler) http.Handler) error {
		if first, _, _ := strings.Cut(route[1:], "/"); first != "" && !slices.Contains(reserved, first) {
			t.Errorf("config.ReservedPaths does not have %q", first)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestSlashesAtTheStart asks as a proxy does that removes the path, but not the slash behind
// the path.
func TestSlashesAtTheStart(t *testing.T) {
	t.Parallel()
	s := serveWith(t, httpdtest.Options{PublicURL: "https://example.com/chat"})
	for path, want := range map[string]int{
		"//": http.StatusOK, "/chat//": http.StatusOK, "//login": http.StatusOK, "///docs": http.StatusOK, "//health": http.StatusOK,
		"//ws": http.StatusUpgradeRequired, "//s/agent%3Ax": http.StatusOK, "//nowhere": http.StatusNotFound,
		"//s//x": http.StatusNotFound, "//static/../login": http.StatusNotFound,
	} {
		if r := s.raw(http.MethodGet, "", path, nil); r.StatusCode != want || r.Header.Get("Location") != "" {
			t.Errorf("%s answers HTTP %d, want %d", path, r.StatusCode, want)
		}
	}
}
