package audit

import (
	"strings"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Actor is who does something.
type Actor struct {
	UserID  string
	Role    protocol.Role
	Via     string // the credential: one of the constants, or made by Device or ViaKey
	Address string
}

// The credentials that need no name of their own, as Actor.Via and lists of
// connections have them.
const (
	ViaToken   = "token"   // the gateway token
	ViaLink    = "link"    // a sign-in link
	ViaGateway = "gateway" // no credential: the gateway itself acts
	ViaNone    = "none"    // no right credential: somebody sent a wrong one
)

// ViaKey names an API key as a credential, by the part of its text that lists
// show. As a target, a key is named by its id: see Key.
func ViaKey(prefix string) string { return keyKind + prefix }

// ParseViaKey gives the part of an API key's text that lists show; ok is false
// for any other credential.
func ParseViaKey(via string) (prefix string, ok bool) { return strings.CutPrefix(via, keyKind) }

// Gateway is the gateway itself as an actor.
func Gateway() Actor { return Actor{Via: ViaGateway} }
