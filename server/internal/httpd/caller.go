package httpd

import (
	"net/http"
	"strings"

	"github.com/gatehouse-chat/gatehouse/server/internal/access"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// caller finds out who asks: the bearer of a token or API key, else the browser
// whose cookie it is, if that counts. A wrong bearer is refused, never skipped
// for the cookie. Without a credential it is UNAUTHORIZED; what cannot be checked
// is UNAVAILABLE.
func (s *server) caller(r *http.Request) (access.Identity, error) {
	if token, given := bearer(r); given {
		return s.Identities.CheckBearer(r.Context(), s.address(r), token, "")
	}
	secret := s.credential(r)
	if secret == "" {
		return access.Identity{}, errNoCredential
	}
	return s.Identities.CheckDevice(r.Context(), secret)
}

// bearer is the token of the Authorization header (RFC 6750 §2.1). Given tells
// that there is such a header for us, whether or not it is any good: a Bearer
// without a token, two headers where RFC 9110 §11.6.2 has one, and what no scheme
// names are given, with a token that is empty and so opens nothing. Whoever sends
// one means to be known by it, and must not be taken for the browser whose cookie
// came along.
//
// Credentials of another scheme are not for us: a browser behind a proxy that
// asks for a password sends its Basic ones with every request to our origin, the
// socket's among them. They are as if they were not there.
func bearer(r *http.Request) (token string, given bool) {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return "", len(values) > 0
	}
	scheme, token, both := strings.Cut(strings.TrimSpace(values[0]), " ")
	switch {
	case strings.EqualFold(scheme, "Bearer"):
		return strings.TrimSpace(token), true
	case both && isToken(scheme):
		return "", false
	}
	return "", true
}

// isToken reports whether s is a word as schemes are (RFC 9110 §5.6.2).
func isToken(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	}) < 0
}

// allowed is caller for what needs a role.
func (s *server) allowed(r *http.Request, least protocol.Role) (access.Identity, error) {
	c, err := s.caller(r)
	if err != nil {
		return access.Identity{}, err
	}
	if !c.Role.Allows(least) {
		return access.Identity{}, protocol.Refuse(protocol.Forbidden, "permission denied: this address requires "+string(least))
	}
	return c, nil
}

var errNoCredential = protocol.Refuse(protocol.Unauthorized,
	"no credential: send Authorization: Bearer with a token or API key, or open a page of this gateway and sign in")
