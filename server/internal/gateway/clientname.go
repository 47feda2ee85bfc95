package gateway

import (
	"strings"

	"github.com/gatehouse-chat/gatehouse/server/internal/printable"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// maxClientName bounds what of a client's own name a connection holds, in bytes.
const maxClientName = 100

// clientName is what a client says that it is, as lists show it: one line without
// control characters and those that turn the direction of writing.
func clientName(c *protocol.Client) string {
	if c == nil {
		return ""
	}
	words := strings.Fields(c.Name + " " + c.Version)
	if c.Platform != "" {
		words = append(words, "("+c.Platform+")")
	}
	name := strings.Map(func(r rune) rune {
		if !printable.Rune(r) {
			return -1
		}
		return r
	}, strings.Join(words, " "))
	if len(name) > maxClientName {
		name = strings.ToValidUTF8(name[:maxClientName], "")
	}
	return strings.Clone(name)
}
