package httpd

import (
	"context"
	"net/http"
	"net/netip"

	"github.com/gatehouse-chat/gatehouse/server/internal/access"
	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Identities finds out whose credential a request has; *access.Control does.
type Identities interface {
	CheckBearer(ctx context.Context, address netip.Addr, token, userID string) (access.Identity, error)
	CheckDevice(ctx context.Context, secret string) (access.Identity, error)
}

// SignIns checks what a stranger signs in with, and limits how often strangers may try;
// *access.Control does.
type SignIns interface {
	AllowCall(address netip.Addr) error
	CheckToken(address netip.Addr, token string) error
	CheckLink(address netip.Addr, code string) error
}

// Gateway serves the WebSocket; *gateway.Gateway does.
type Gateway interface {
	// Serve upgrades a request. It returns a *registry.Full, with the request unanswered,
	// where there is no room. Any other failure was answered and logged.
	Serve(w http.ResponseWriter, r *http.Request, peer access.Peer) error
	// Draining reports whether the gateway stops.
	Draining() bool
	// Status is the gateway at a glance, as an admin sees it.
	Status(ctx context.Context) *protocol.StatusResult
}

// Refusals says what a client may know of an error; *gateway.Gateway does.
type Refusals interface {
	// Refusal is the answer to a client. The cause is logged.
	Refusal(err error) *protocol.Error
	// Cause is why the store is not ready, in words for strangers.
	Cause(err error) string
}

// Connections are the live WebSockets; *registry.Registry is.
type Connections interface {
	List() []protocol.ConnectedClient
	CloseBrowser(cookie, reason string)
}

// KeyList lists the API keys; *auth.Keys does. more tells that not all of them fit.
type KeyList interface {
	List(ctx context.Context) (list []protocol.APIKey, more bool, err error)
}

// AuditLog takes and lists entries of the audit log; *audit.Service does.
type AuditLog interface {
	Begin(ctx context.Context, who audit.Actor, act audit.Act) (ended func(error), err error)
	BeginRead(ctx context.Context, who audit.Actor, act audit.Act) error
	List(ctx context.Context, f audit.Filter) ([]protocol.AuditEntry, error)
}
