package audit

import (
	"strings"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Actor is who does something. The zero fields are unknown.
type Actor struct {
	UserID  string
	Role    protocol.Role
	Via     string // the credential: a Via constant, or from Device or ViaKey
	Address string
}

// Values of Actor.Via for credentials without an id. Lists of connections have them, too.
const (
	ViaToken   = "token"   // the gateway token
	ViaLink    = "link"    // a sign-in link
	ViaGateway = "gateway" // no credential: the gateway itself acts
	ViaNone    = "none"    // no valid credential: somebody sent a wrong one
)

// ViaKey returns the Actor.Via of an API key, by the prefix of its text. As a target, a
// key is named by its id: see [Key].
func ViaKey(prefix string) string { return keyKind + prefix }

// ParseViaKey returns the prefix in the Actor.Via of an API key. ok is false for any
// other credential.
func ParseViaKey(via string) (prefix string, ok bool) { return strings.CutPrefix(via, keyKind) }

// Gateway returns the gateway itself as an actor.
func Gateway() Actor { return Actor{Via: ViaGateway} }
