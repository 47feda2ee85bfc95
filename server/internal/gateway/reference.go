package gateway

import (
	"fmt"
	"strings"
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
		what := m.What
		if m.Session {
			what += " (own sessions; admins: any)"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", m.Name, least, what)
	}
	return b.String()
}
