package httpd

import (
	"net/http"
	"strings"

	"github.com/gatehouse-chat/gatehouse/server/internal/access"
	"github.com/gatehouse-chat/gatehouse/server/internal/printable"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// senderHeader is the header in which clients of v3 send a device's credential.
const senderHeader = "X-GoClaw-Sender-Id"

// userHeader is the header in which a program with the gateway token names the user for
// whom it acts, as user_id does in connect.
const userHeader = "X-GoClaw-User-Id"

// identify finds out who makes the request: by the Authorization header if there is
// one, else by the credential in senderHeader, else by the browser's cookie, if it counts
// (see credential). If the header is wrong, the request is refused, whatever cookie it
// has. Without a credential the error is UNAUTHORIZED; if the store fails, it is
// UNAVAILABLE.
func (s *server) identify(r *http.Request) (access.Identity, error) {
	token, authorized := bearer(r)
	sender, err := s.sender(r, authorized)
	switch {
	case err != nil:
		return access.Identity{}, err
	case authorized:
		user, err := actsFor(r)
		if err != nil {
			return access.Identity{}, err
		}
		return s.Identities.CheckBearer(r.Context(), s.clientAddress(r), token, user)
	case sender != "":
		return s.Identities.CheckSender(r.Context(), s.clientAddress(r), sender)
	}
	secret := s.credential(r)
	if secret == "" {
		return access.Identity{}, errNoCredential
	}
	return s.Identities.CheckDevice(r.Context(), secret)
}

// sender is the device credential in senderHeader, or "". It counts under /api and /v1
// alone, and only without another credential: a request that carries two is refused,
// since its sender may mean either.
func (s *server) sender(r *http.Request, authorized bool) (string, error) {
	values := r.Header.Values(senderHeader)
	if !underAPI(r) || len(values) == 0 || len(values) == 1 && values[0] == "" {
		return "", nil
	}
	if authorized || len(values) > 1 || len(r.CookiesNamed(s.cookieName(r))) > 0 {
		return "", protocol.Refuse(protocol.InvalidRequest, senderHeader+
			" must be the only credential: leave out Authorization, the cookie and a second one of it")
	}
	return values[0], nil
}

// actsFor is the user in userHeader, or "". It counts under /api and /v1 alone. An API key
// acts for its own user, whatever the header says.
func actsFor(r *http.Request) (user string, err error) {
	if !underAPI(r) {
		return "", nil
	}
	values := r.Header.Values(userHeader)
	if len(values) > 1 {
		return "", protocol.Refuse(protocol.InvalidRequest, userHeader+" must be there once")
	}
	user = r.Header.Get(userHeader)
	if len(user) > protocol.MaxUserIDLength || !printable.Text(user) {
		return "", protocol.Refuse(protocol.InvalidRequest, userHeader+
			" must be at most 255 bytes of visible text"+printable.Why(user))
	}
	return user, nil
}

// underAPI reports whether the request is for an address of the HTTP API, not for a page.
func underAPI(r *http.Request) bool {
	first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	return first == "api" || first == "v1"
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
