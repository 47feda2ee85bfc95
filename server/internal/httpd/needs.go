package httpd

import (
	"context"
	"net/http"
	"net/netip"

	"github.com/gatehouse-chat/gatehouse/server/internal/access"
	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Identities finds out who a credential belongs to. *access.Control is one.
type Identities interface {
	CheckBearer(ctx context.Context, address netip.Addr, token, userID string) (access.Identity, error)
	CheckDevice(ctx context.Context, secret string) (access.Identity, error)
	CheckSender(ctx context.Context, address netip.Addr, secret string) (access.Identity, error)
}

// SignIns checks credentials of sign-ins, and limits the attempts of each address.
// *access.Control is one.
type SignIns interface {
	AllowCall(address netip.Addr) error
	AllowUpload(address netip.Addr, user string, rpm int) error
	CheckToken(address netip.Addr, token string) error
	CheckLink(address netip.Addr, code string) error
}

// Gateway serves the WebSocket. *gateway.Gateway is one.
type Gateway interface {
	// Serve upgrades a request. If there are too many connections, it returns a
	// *registry.Full, and the caller must answer. It answers and logs any other failure
	// itself.
	Serve(w http.ResponseWriter, r *http.Request, peer access.Peer) error
	// Draining reports whether the gateway is stopping.
	Draining() bool
	// Status is the result of the method status for an admin.
	Status(ctx context.Context) *protocol.StatusResult
}

// Refusals turns errors into what a client may know. *gateway.Gateway is one.
type Refusals interface {
	// Refusal is the error for the client. It logs the cause.
	Refusal(err error) *protocol.Error
	// Cause says why the store is not ready, without details.
	Cause(err error) string
}

// Connections are the live WebSockets. *registry.Registry is one.
type Connections interface {
	List() []protocol.ConnectedClient
	CloseBrowser(cookie, reason string)
}

// KeyList lists the API keys; more says that there are others. *auth.Keys is one.
type KeyList interface {
	List(ctx context.Context) (list []protocol.APIKey, more bool, err error)
}

// AuditLog writes and lists entries of the audit log. *audit.Service is one.
type AuditLog interface {
	Begin(ctx context.Context, who audit.Actor, act audit.Act) (ended func(error), err error)
	BeginRead(ctx context.Context, who audit.Actor, act audit.Act) error
	List(ctx context.Context, f audit.Filter) ([]protocol.AuditEntry, error)
}
