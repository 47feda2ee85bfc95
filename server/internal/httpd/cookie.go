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
// gateways on one host would overwrite each other's.
func (s *server) cookieName() string { return "gatehouse_" + s.Instance }

// credential is the device credential in r's cookie, or "". It counts only on a
// GET without an origin and on requests of our own pages.
func (s *server) credential(r *http.Request) string {
	counts := s.sameOrigin(r) || r.Header.Get("Origin") == "" && (r.Method == http.MethodGet || r.Method == http.MethodHead)
	if !counts {
		return ""
	}
	c, err := r.Cookie(s.cookieName())
	if err != nil || !pairing.ValidCredential(c.Value) {
		return ""
	}
	return c.Value
}

// setCookie gives the browser its credential, where no script can read it; an
// empty one takes it away.
func (s *server) setCookie(w http.ResponseWriter, r *http.Request, credential string) {
	c := &http.Cookie{
		Name: s.cookieName(), Value: credential, Path: "/", MaxAge: int(cookieLife.Seconds()),
		HttpOnly: true, Secure: s.secure(r), SameSite: http.SameSiteStrictMode,
	}
	if credential == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}
