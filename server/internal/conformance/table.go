package conformance

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/gatehouse-chat/gatehouse/server/internal/terminal"
)

// Table is the report of a walk.
type Table struct {
	URL     string   `json:"url"`
	Gateway string   `json:"gateway"`           // its name and version
	Without []Offer  `json:"without,omitempty"` // what the gateway lacks
	Rows    []Result `json:"rows"`
	Left    []string `json:"left,omitempty"` // what rows have created and Walk has not removed
}

// Count counts the rows with an outcome.
func (t Table) Count(o Outcome) (n int) {
	for _, r := range t.Rows {
		if r.Outcome == o {
			n++
		}
	}
	return n
}

// WriteJSON writes the table as one JSON object.
func (t Table) WriteJSON(to io.Writer) error {
	e := json.NewEncoder(terminal.JSON(to))
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(t)
}

// WriteText writes the table for people, section by section.
func (t Table) WriteText(to io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\nGateway protocol v3 at %s (%s)\n", printable(t.URL), printable(t.Gateway))
	section := ""
	for _, r := range t.Rows {
		if r.Section != section {
			section = r.Section
			fmt.Fprintf(&b, "\n%s\n", printable(section))
		}
		mark := map[Outcome]string{Passed: "ok", Failed: "FAIL", Inapplicable: "n/a",
			LeftOut: "-"}[r.Outcome]
		fmt.Fprintf(&b, "  %-4s  %s\n", mark, printable(r.Says))
		if r.Why != "" {
			fmt.Fprintf(&b, "          %s\n", printable(r.Why))
		}
	}
	if len(t.Without) > 0 {
		b.WriteString("\nWhat this gateway lacks, and v3 does not demand:\n")
		for _, o := range t.Without {
			fmt.Fprintf(&b, "  %s\n", printable(string(o)))
		}
	}
	if len(t.Left) > 0 {
		fmt.Fprintf(&b, "\nLeft behind, since the gateway would not remove it: %s.\n",
			printable(strings.Join(t.Left, ", ")))
	}
	fmt.Fprintf(&b, "\n%d rows: %d ok, %d failed, %d not applicable, %d left out.\n", len(t.Rows),
		t.Count(Passed), t.Count(Failed), t.Count(Inapplicable), t.Count(LeftOut))
	_, err := io.WriteString(terminal.Text(to), b.String())
	return err
}

// maxShown limits a text from the gateway, in characters.
const maxShown = 300

// printable makes text from a gateway safe for a terminal: printable characters only, on
// one line, of bounded length.
func printable(s string) string { return terminal.Line(s, maxShown) }
