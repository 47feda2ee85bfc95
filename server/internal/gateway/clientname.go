package gateway

import (
	"github.com/gatehouse-chat/gatehouse/server/internal/printable"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// maxClientName bounds the part of a client's own name that is kept, in characters.
const maxClientName = 100

// clientName is the name that a client gives itself, as lists show it: cleaned, see
// [printable.Plain].
func clientName(c *protocol.Client) string {
	if c == nil {
		return ""
	}
	name := c.Name + " " + c.Version
	if c.Platform != "" {
		name += " (" + c.Platform + ")"
	}
	return printable.Plain(name, maxClientName)
}
