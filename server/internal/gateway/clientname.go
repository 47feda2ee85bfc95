package gateway

import (
	"strings"

	"github.com/gatehouse-chat/gatehouse/server/internal/printable"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// maxClientName bounds the part of a client's own name that is kept, in bytes.
const maxClientName = 100

// clientName is the name that a client gives itself, as lists show it: one line, without
// characters that control the terminal or change the direction of writing.
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
