package metrics

import (
	"fmt"
	"strings"
)

// Reference returns a Markdown table of all metrics.
func Reference() string {
	m := New()
	m.Watch(Sources{})
	var b strings.Builder
	b.WriteString("| metric | type | what |\n|---|---|---|\n")
	for _, d := range m.defined {
		what := d.what
		switch {
		case d.values != nil:
			what += fmt.Sprintf("; `%s`: %s", d.label, strings.Join(d.values, ", "))
		case d.label != "":
			what += fmt.Sprintf("; by `%s`", d.label)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", d.name, d.kind, what)
	}
	return b.String()
}
