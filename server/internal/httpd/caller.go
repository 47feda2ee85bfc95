package httpd

import (
	"net/http"

	"github.com/gatehouse-chat/gatehouse/server/internal/gateway"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// caller is who asks for something over HTTP.
type caller struct {
	UserID   string
	Role     protocol.Role
	Via      string // the credential, as the audit log names it; see gateway.Identity
	DeviceID string // empty for a token or key
}

// domain is the caller to the domain.
func (c caller) domain() session.Caller { return session.Caller{UserID: c.UserID, Role: c.Role} }

// caller finds out who asks: the bearer of a token or API key, else the browser
// whose cookie it is, if that counts. A wrong bearer is refused, never skipped
// for the cookie. Without a credential it is UNAUTHORIZED; what cannot be checked
// is UNAVAILABLE.
func (s *server) caller(r *http.Request) (caller, error) {
	if token := bearer(r); token != "" {
		who, err := s.Gateway.CheckBearer(r.Context(), s.address(r), token, "")
		return callerAs(who), err
	}
	secret := s.credential(r)
	if secret == "" {
		return caller{}, errNoCredential
	}
	who, err := s.Gateway.CheckDevice(r.Context(), secret)
	return callerAs(who), err
}

func callerAs(who gateway.Identity) caller {
	return caller{UserID: who.UserID, Role: who.Role, Via: who.Via, DeviceID: who.DeviceID}
}

// allowed is caller for what needs a role.
func (s *server) allowed(r *http.Request, least protocol.Role) (caller, error) {
	c, err := s.caller(r)
	if err != nil {
		return caller{}, err
	}
	if !c.Role.Allows(least) {
		return caller{}, protocol.Refuse(protocol.Forbidden, "permission denied: this address requires "+string(least))
	}
	return c, nil
}

var errNoCredential = protocol.Refuse(protocol.Unauthorized,
	"no credential: send Authorization: Bearer with a token or API key, or open a page of this gateway and sign in")
