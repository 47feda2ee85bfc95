package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/gatehouse-chat/gatehouse/server/internal/terminal"
)

// Status is the result of a check.
type Status string

// The results of a check.
const (
	OK      Status = "ok"
	Warn    Status = "warn"    // it works, but something is not as it should be
	Fail    Status = "fail"    // it does not work
	Skipped Status = "skipped" // the check did not run; the message says why
)

// Line is the result of one check. Some checks have several lines.
type Line struct {
	Check   string `json:"check"` // its name
	Status  Status `json:"status"`
	Message string `json:"says"` // for people
	Fixes   []Fix  `json:"mend,omitempty"`
}

// Fix is a line of configuration that may fix a problem, or something to do. If a line
// has fixes for several programs, only those for the programs in use matter.
type Fix struct {
	Where string `json:"where"` // gatehouse, nginx, caddy, haproxy, traefik, or you: something to do
	Line  string `json:"line"`  // may have line breaks
}

// Report is the result of an examination, in the order of the checks.
type Report struct {
	URL   string `json:"url"`
	Lines []Line `json:"lines"`
}

// Failed reports whether a check has failed.
func (r Report) Failed() bool {
	for _, l := range r.Lines {
		if l.Status == Fail {
			return true
		}
	}
	return false
}

// WriteJSON writes the report as one JSON object.
func (r Report) WriteJSON(to io.Writer) error {
	e := json.NewEncoder(terminal.JSON(to))
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// WriteText writes the report for people.
func (r Report) WriteText(to io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\n  %s\n\n", r.URL)
	counts := map[Status]int{}
	for _, l := range r.Lines {
		counts[l.Status]++
		mark := map[Status]string{OK: "ok", Warn: "WARN", Fail: "FAIL", Skipped: "-"}[l.Status]
		fmt.Fprintf(&b, "  %-4s  %-11s  %s\n", mark, l.Check, l.Message)
		for _, m := range l.Fixes {
			where := m.Where
			for line := range strings.SplitSeq(m.Line, "\n") {
				fmt.Fprintf(&b, "                       %-9s  %s\n", where, line)
				where = ""
			}
		}
	}
	switch {
	case counts[Fail] > 0:
		fmt.Fprintf(&b, "\n  %d of %d checks failed.\n\n", counts[Fail], len(r.Lines))
	case counts[Warn] > 0:
		fmt.Fprintf(&b, "\n  It works; %d of %d checks have a warning.\n\n",
			counts[Warn], len(r.Lines))
	default:
		b.WriteString("\n  All is well.\n\n")
	}
	_, err := io.WriteString(terminal.Text(to), b.String())
	return err
}

// maxQuoted limits a text from a server, in characters.
const maxQuoted = 160

// quoted makes text from a server safe for a terminal: printable characters only, on one
// line, of bounded length.
func quoted(s string) string { return terminal.Line(s, maxQuoted) }
