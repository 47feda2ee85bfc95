package httpd

import (
	"net/http"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
)

// cookieLife is as long as browsers keep a cookie at the most
// (RFC 6265bis §5.5).
const cookieLife = 400 * 24 * time.Hour

// cookieName has the instance in it, because cookies do not know ports: two
// gateways on one host would overwrite each other's. Over TLS its prefix makes
// browsers take it from this very host alone, over TLS alone (RFC 6265bis
// §4.1.3.2): neither a neighbour's page nor somebody on the line can plant one.
// So a credential that went over plain HTTP is none over TLS.
func (s *server) cookieName(r *http.Request) string {
	if s.secure(r) {
		return "__Host-" + s.plainCookieName()
	}
	return s.plainCookieName()
}

func (s *server) plainCookieName() string { return "gatehouse_" + s.Instance }

// credential is the device credential in r's cookie, or "". It counts only on a
// GET without an origin, unless a page of another origin has made it to embed
// what comes, and on requests of our own pages.
func (s *server) credential(r *http.Request) string {
	counts := s.sameOrigin(r) || r.Header.Get("Origin") == "" && (r.Method == http.MethodGet || r.Method == http.MethodHead) && !embedded(r)
	if !counts {
		return ""
	}
	c, err := r.Cookie(s.cookieName(r))
	if err != nil || !pairing.ValidCredential(c.Value) {
		return ""
	}
	return c.Value
}

// embedded reports whether a page of another origin asks for a part of itself, a
// picture say (Fetch Metadata, §2). Where that origin differs in the port alone,
// the browser sends its cookies: what a GET writes, such as lines of the audit log,
// would be that page's doing.
func embedded(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return (site == "same-site" || site == "cross-site") && r.Header.Get("Sec-Fetch-Mode") != "navigate"
}

// setCookie gives the browser its credential, where no script can read it; an
// empty one takes it away. One that was set over plain HTTP goes as well.
func (s *server) setCookie(w http.ResponseWriter, r *http.Request, credential string) {
	c := &http.Cookie{ // #nosec G124 -- Secure wherever the browser came over TLS; over plain HTTP it would not come back
		Name: s.cookieName(r), Value: credential, Path: "/", MaxAge: int(cookieLife.Seconds()),
		HttpOnly: true, Secure: s.secure(r), SameSite: http.SameSiteStrictMode,
	}
	if credential == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
	if plain := s.plainCookieName(); plain != c.Name && len(r.CookiesNamed(plain)) > 0 {
		http.SetCookie(w, &http.Cookie{
			Name: plain, Path: "/", MaxAge: -1, HttpOnly: true, Secure: true, SameSite: http.SameSiteStrictMode,
		})
	}
}
