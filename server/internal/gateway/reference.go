package gateway

import (
	"fmt"
	"strings"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Reference is the method table as a table in Markdown.
func Reference() string {
	var b strings.Builder
	b.WriteString("| method | least role | what it does |\n|---|---|---|\n")
	for _, m := range methods {
		least := "none"
		if m.Least != "" {
			least = string(m.Least)
		}
		does := m.Does
		if m.Session && m.Least != protocol.Admin {
			does += " (own sessions; admins: any)"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", m.Name, least, does)
	}
	return b.String()
}
