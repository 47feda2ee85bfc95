package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// Status is how a check went.
type Status string

// What a check can come to.
const (
	OK      Status = "ok"
	Warn    Status = "warn"    // it works, and could be better
	Fail    Status = "fail"    // it does not work
	Skipped Status = "skipped" // it was not tried; the line says why
)

// Line is one check.
type Line struct {
	Check  string `json:"check"`
	Status Status `json:"status"`
	Says   string `json:"says"`
	Mend   []Mend `json:"mend,omitempty"`
}

// Mend is what to write where. Of several programs the one that is in use
// counts.
type Mend struct {
	Where string `json:"where"` // gatehouse, nginx, caddy, haproxy or you
	Line  string `json:"line"`
}

// Report is what an examination found, in the order in which a client would
// come upon it.
type Report struct {
	URL   string `json:"url"`
	Lines []Line `json:"lines"`
}

// Failed reports whether something does not work.
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
	e := json.NewEncoder(to)
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
		fmt.Fprintf(&b, "  %-4s  %-11s  %s\n", mark, l.Check, l.Says)
		for _, m := range l.Mend {
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
		fmt.Fprintf(&b, "\n  It works; %d of %d checks have something to say.\n\n", counts[Warn], len(r.Lines))
	default:
		b.WriteString("\n  All is well.\n\n")
	}
	_, err := io.WriteString(to, b.String())
	return err
}

// quoted is text of a stranger in one line that does no harm to a terminal.
func quoted(s string) string {
	const most = 160
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	s = strings.Join(strings.Fields(s), " ")
	if runes := []rune(s); len(runes) > most {
		s = string(runes[:most]) + "…"
	}
	return s
}
