package httpd

import (
	"encoding/csv"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// exportStep is how many lines of the audit log are read at once.
const exportStep = 500

// auditCSV is GET /admin/audit.csv: the lines of the audit log that the page of
// the same query is about, as a file (RFC 4180), newest first. The log tells of
// it. One that breaks off ends the connection, so that nobody takes it for whole.
func (s *server) auditCSV(w http.ResponseWriter, r *http.Request) {
	lines, f, err := s.export(r)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8; header=present")
	h.Set("Content-Disposition", `attachment; filename="audit-`+time.Now().UTC().Format(time.DateOnly)+`.csv"`)
	if r.Method == http.MethodHead {
		return
	}
	to := csv.NewWriter(&patient{ResponseWriter: w})
	to.UseCRLF = true
	_ = to.Write([]string{"id", "at", "user", "role", "via", "address", "action", "target", "detail", "outcome"}) // Error says
	for len(lines) > 0 {
		for _, e := range lines {
			_ = to.Write(record(e))
		}
		if to.Flush(); to.Error() != nil || len(lines) < exportStep {
			break
		}
		f.Before = lines[len(lines)-1].ID
		if lines, err = s.Audit.List(r.Context(), f); err != nil {
			s.Log.Error("the audit log's export broke off", "error", err)
			panic(http.ErrAbortHandler)
		}
	}
	if to.Flush(); to.Error() != nil {
		s.Log.Debug("audit log not delivered", "error", to.Error())
	}
}

// export gives the first lines that an admin asks for, and the filter for those
// that follow.
func (s *server) export(r *http.Request) ([]protocol.AuditEntry, audit.Filter, error) {
	c, err := s.allowed(r, protocol.Admin)
	if err != nil {
		return nil, audit.Filter{}, err
	}
	f := auditAsked(r).filter()
	f.Limit = exportStep
	ended, err := s.Audit.Begin(r.Context(), c.Actor(s.address(r)), audit.Act{Action: audit.LogExport, Detail: r.URL.RawQuery})
	if err != nil {
		return nil, f, err
	}
	lines, err := s.Audit.List(r.Context(), f)
	ended(err)
	return lines, f, err
}

// record is a line as a row. at is UTC (RFC 3339).
func record(e protocol.AuditEntry) []string {
	return []string{
		strconv.FormatInt(e.ID, 10), e.At.Go().Format("2006-01-02T15:04:05.000Z07:00"), inert(e.UserID), inert(string(e.Role)),
		inert(e.Via), inert(e.Address), inert(e.Action), inert(e.Target), inert(e.Detail), e.Outcome,
	}
}

// inert is a text that no spreadsheet takes for a formula
// (https://owasp.org/www-community/attacks/CSV_Injection).
func inert(text string) string {
	if trimmed := strings.TrimLeft(text, " "); trimmed != "" && strings.ContainsRune("=+-@\t\r\n|%＝＋－＠", []rune(trimmed)[0]) {
		return "'" + text
	}
	return text
}
