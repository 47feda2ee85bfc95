package httpd

import (
	"net/http"
	"strings"

	"github.com/gatehouse-chat/gatehouse/server/internal/access"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// identify finds out who makes the request: by the Authorization header if there is
// one, else by the browser's cookie, if it counts (see credential). If the header is
// wrong, the request is refused, whatever cookie it has. Without a credential the error
// is UNAUTHORIZED; if the store fails, it is UNAVAILABLE.
func (s *server) identify(r *http.Request) (access.Identity, error) {
	if token, given := bearer(r); given {
		return s.Identities.CheckBearer(r.Context(), s.clientAddress(r), token, "")
	}
	secret := s.credential(r)
	if secret == "" {
		return access.Identity{}, errNoCredential
	}
	return s.Identities.CheckDevice(r.Context(), secret)
}

// bearer is the token of the Authorization header (RFC 6750 §2.1). given says that the
// request has such a header for the gateway, valid or not. Invalid are a Bearer without
// a token, two headers (RFC 9110 §11.6.2 allows one), and a header without a scheme:
// their token is empty, which no check accepts. A client that sends the header wants to
// be identified by it, so it must not be taken for the browser whose cookie the request
// has as well.
//
// Credentials of other schemes are ignored: a browser behind a proxy that asks for a
// password sends its Basic credentials with every request, also for the WebSocket.
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

// isToken reports whether s is a token (RFC 9110 §5.6.2), as the name of a scheme is.
func isToken(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	}) < 0
}

// requireRole is identify for requests that need a role.
func (s *server) requireRole(r *http.Request, least protocol.Role) (access.Identity, error) {
	c, err := s.identify(r)
	if err != nil {
		return access.Identity{}, err
	}
	if !c.Role.Allows(least) {
		return access.Identity{}, protocol.Refuse(protocol.Forbidden,
			"permission denied: this address requires "+string(least))
	}
	return c, nil
}

var errNoCredential = protocol.Refuse(protocol.Unauthorized,
	"no credential: send Authorization: Bearer with a token or API key, or open a page of this gateway and sign in")
