package httpd

import (
	"net/http"
	"strings"

	"github.com/gatehouse-chat/gatehouse/web/part"
)

// withBase serves the gateway under the path of gateway.public_url, the base, such as
// "/chat" for https://example.com/chat. Every link, asset, redirect and cookie path begins
// with the base. A request may come with the base or without it, so a proxy may pass paths
// on as they are or remove the base, and programs beside the gateway need no base.
//
// Handlers see paths without the base. The configuration accepts no base with which a path
// could have two meanings: see config.ReservedPaths.
//
// Pages whose address is fixed are also served with slashes at its end: /docs/ is /docs.
// Further slashes at the start count as one: an nginx that removes the base with "location
// /chat" and "proxy_pass http://gateway/;" makes //ws of /chat/ws.
func (s *server) withBase(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if base := s.settings(r).base(); base != "" {
			r = r.WithContext(part.WithBase(r.Context(), base))
			if path, under := strings.CutPrefix(r.URL.Path, base); under && (path == "" || path[0] == '/') {
				raw, _ := strings.CutPrefix(r.URL.RawPath, base)
				r = withPath(r, path, raw) // a raw path that does not fit counts as empty
			}
		}
		if strings.HasPrefix(r.URL.Path, "//") {
			r = withPath(r, oneSlash(r.URL.Path), oneSlash(r.URL.RawPath))
		}
		for _, pages := range []string{"/docs/", "/login/", "/admin/"} {
			if strings.HasPrefix(r.URL.Path, pages) && isRead(r) {
				r = withPath(r, strings.TrimRight(r.URL.Path, "/"), strings.TrimRight(r.URL.RawPath, "/"))
			}
		}
		next.ServeHTTP(w, r)
	})
}

// oneSlash returns a path that begins with one slash instead of several.
func oneSlash(path string) string {
	if rest := strings.TrimLeft(path, "/"); rest != path {
		return "/" + rest
	}
	return path
}

// withPath is the request with another path; an empty one is "/".
func withPath(r *http.Request, path, raw string) *http.Request {
	u := *r.URL
	u.Path, u.RawPath = path, raw
	if path == "" {
		u.Path, u.RawPath = "/", ""
	}
	other := *r
	other.URL = &u
	return &other
}

// address is a path of the gateway as the request's browser reaches it, with the base.
func (s *server) address(r *http.Request, path string) string { return s.settings(r).base() + path }

// isRead reports whether a request only asks for something.
func isRead(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }
