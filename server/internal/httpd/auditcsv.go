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

// exportStep is how many entries of the audit log are read at once.
const exportStep = 500

// auditCSV is GET /admin/audit.csv: the entries of the audit log that match the query,
// newest first, as a file (RFC 4180). The export itself is audited. If reading fails in
// the middle, the connection is cut off, so that the client sees that the file is not
// complete.
func (s *server) auditCSV(w http.ResponseWriter, r *http.Request) {
	lines, f, err := s.beginExport(r)
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
	to := csv.NewWriter(&pacedWriter{ResponseWriter: w})
	to.UseCRLF = true
	// to.Error has the error
	_ = to.Write([]string{"id", "at", "user", "role", "via", "address", "action", "target", "detail",
		"outcome"})
	for len(lines) > 0 {
		for _, e := range lines {
			_ = to.Write(csvRecord(e))
		}
		if to.Flush(); to.Error() != nil || len(lines) < exportStep {
			break
		}
		f.Before = lines[len(lines)-1].ID
		if _, err = s.requireRole(r, protocol.Admin); err != nil {
			s.Log.Info("audit log export cut off: the reader's access has ended", "error", err)
			panic(http.ErrAbortHandler)
		}
		if lines, err = s.Audit.List(r.Context(), f); err != nil {
			s.Log.Error("audit log export cut off: the log could not be read", "error", err)
			panic(http.ErrAbortHandler)
		}
	}
	if to.Flush(); to.Error() != nil {
		s.Log.Debug("audit log not delivered", "error", to.Error())
	}
}

// beginExport audits the export, and gives the first entries and the filter for the
// following ones.
func (s *server) beginExport(r *http.Request) ([]protocol.AuditEntry, audit.Filter, error) {
	c, err := s.requireRole(r, protocol.Admin)
	if err != nil {
		return nil, audit.Filter{}, err
	}
	f := auditQueryOf(r).filter()
	f.Reader, f.Limit = c.UserID, exportStep
	ended, err := s.Audit.Begin(r.Context(), c.Actor(s.clientAddress(r)),
		audit.Act{Action: audit.LogExport, Detail: r.URL.RawQuery})
	if err != nil {
		return nil, f, err
	}
	lines, err := s.Audit.List(r.Context(), f)
	ended(err)
	return lines, f, err
}

// csvRecord is an entry as a row. Times are UTC (RFC 3339).
func csvRecord(e protocol.AuditEntry) []string {
	return []string{
		strconv.FormatInt(e.ID, 10), e.At.Go().Format("2006-01-02T15:04:05.000Z07:00"),
		escapeFormula(e.UserID), escapeFormula(string(e.Role)),
		escapeFormula(e.Via), escapeFormula(e.Address), escapeFormula(e.Action), escapeFormula(e.Target),
		escapeFormula(e.Detail), e.Outcome,
	}
}

// escapeFormula makes a text that no spreadsheet takes for a formula
// (https://owasp.org/www-community/attacks/CSV_Injection).
func escapeFormula(text string) string {
	if trimmed := strings.TrimLeft(text, " "); trimmed != "" &&
		strings.ContainsRune("=+-@\t\r\n|%＝＋－＠", []rune(trimmed)[0]) {
		return "'" + text
	}
	return text
}
