package httpd

import (
	"cmp"
	"net/http"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
)

// cookieLife is the longest time that browsers keep a cookie (RFC 6265bis §5.5).
const cookieLife = 400 * 24 * time.Hour

// cookieName is the name of the credential's cookie. It has the instance's id, since
// cookies ignore ports: two gateways on one host would overwrite each other's cookie.
// Over TLS it has the prefix __Host-: browsers accept such a cookie only from this host
// and only over TLS (RFC 6265bis §4.1.3.2), so neither another subdomain nor an attacker
// on the network can set it. Such a cookie is sent to the whole host, so a gateway under a
// path has the prefix __Secure- instead, which asks for TLS alone. A credential set over
// plain HTTP is not valid over TLS.
func (s *server) cookieName(r *http.Request) string {
	switch {
	case !s.secure(r):
		return s.plainCookieName()
	case s.settings(r).base() != "":
		return "__Secure-" + s.plainCookieName()
	}
	return "__Host-" + s.plainCookieName()
}

// cookiePath is the path of the gateway, so that other programs of the host do not get its
// cookie. It matches the base itself, too, where a proxy that removes the base may serve
// the chat.
func (s *server) cookiePath(r *http.Request) string { return cmp.Or(s.settings(r).base(), "/") }

func (s *server) plainCookieName() string { return "gatehouse_" + s.Instance }

// credential is the device credential in the request's cookie, or "". The cookie counts
// on requests of our own pages, and on a GET without an Origin header that is not made
// by another site's page to embed the response.
func (s *server) credential(r *http.Request) string {
	counts := s.sameOrigin(r) || r.Header.Get("Origin") == "" &&
		isRead(r) && !embedded(r)
	if !counts {
		return ""
	}
	c, err := r.Cookie(s.cookieName(r))
	if err != nil || !pairing.ValidCredential(c.Value) {
		return ""
	}
	return c.Value
}

// embedded reports whether a page of another origin embeds the response, as an image
// for example (Fetch Metadata, §2). If that origin differs only in the port, the browser
// sends the cookie: the page could then cause what a GET writes, such as entries of the
// audit log.
func embedded(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return (site == "same-site" || site == "cross-site") &&
		r.Header.Get("Sec-Fetch-Mode") != "navigate"
}

// setCookie sets the browser's credential; an empty one removes the cookie. Scripts
// cannot read it. A cookie that was set over plain HTTP is removed.
func (s *server) setCookie(w http.ResponseWriter, r *http.Request, credential string) {
	c := &http.Cookie{ // #nosec G124 -- Secure wherever the browser came over TLS; over plain HTTP it would not come back
		Name: s.cookieName(r), Value: credential, Path: s.cookiePath(r), MaxAge: int(cookieLife.Seconds()),
		HttpOnly: true, Secure: s.secure(r), SameSite: http.SameSiteStrictMode,
	}
	if credential == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
	if plain := s.plainCookieName(); plain != c.Name && len(r.CookiesNamed(plain)) > 0 {
		http.SetCookie(w, &http.Cookie{
			Name: plain, Path: s.cookiePath(r), MaxAge: -1, HttpOnly: true, Secure: true,
			SameSite: http.SameSiteStrictMode,
		})
	}
}
