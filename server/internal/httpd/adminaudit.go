package httpd

import (
	"net/http"
	"strconv"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/web/page"
	"github.com/gatehouse-chat/gatehouse/web/part"
)

// auditShown is how many lines a page of the audit log has.
const auditShown = 100

// auditQuery is what the query of an address asks of the audit log, as texts.
// Since and Until are days of the gateway's zone, Until the last one.
type auditQuery struct {
	text, user, action, since, until string
}

func auditAsked(r *http.Request) auditQuery {
	return auditQuery{asked(r, "q"), asked(r, "user"), asked(r, "action"), asked(r, "since"), asked(r, "until")}
}

// address is that of a page for the same lines, from before one on ("": the
// newest).
func (q auditQuery) address(path, before string) string {
	return address(path, "q", q.text, "user", q.user, "action", q.action, "since", q.since, "until", q.until, "before", before)
}

// filter takes days that are none as not given.
func (q auditQuery) filter() audit.Filter {
	f := audit.Filter{UserID: q.user, Action: q.action, Query: q.text}
	if day, err := time.ParseInLocation(time.DateOnly, q.since, time.Local); err == nil {
		f.Since = protocol.At(day)
	}
	if day, err := time.ParseInLocation(time.DateOnly, q.until, time.Local); err == nil {
		f.Until = protocol.At(day.AddDate(0, 0, 1))
	}
	return f
}

// adminAudit is GET /admin/audit: who did what. Its newest lines follow what
// happens; older ones stay as they are.
func (s *server) adminAudit(w http.ResponseWriter, r *http.Request, device *pairing.Device) error {
	const path = "/admin/audit"
	console, devices, err := s.console(r, device)
	if err != nil {
		return err
	}
	q := auditAsked(r)
	m := page.AdminAuditModel{
		Console: console, Query: q.text, User: q.user, Action: q.action, Since: q.since, Until: q.until,
		Actions: audit.Actions(), CSV: q.address("/admin/audit.csv", ""),
	}
	f := q.filter()
	f.Limit = auditShown + 1
	if f.Before, _ = strconv.ParseInt(asked(r, "before"), 10, 64); f.Before > 0 {
		m.First = q.address(path, "")
	} else {
		f.Before, m.Topics = 0, []string{protocol.TopicAudit}
	}
	list, err := s.Audit.List(r.Context(), f)
	if err != nil {
		return err
	}
	if len(list) > auditShown {
		list = list[:auditShown]
		m.Next = q.address(path, strconv.FormatInt(list[auditShown-1].ID, 10))
	}
	names := deviceNames(devices.Paired)
	for _, e := range list {
		m.Rows = append(m.Rows, auditRow(e, names))
	}
	s.show(w, r, http.StatusOK, page.AdminAudit(m))
	return nil
}

func auditRow(e protocol.AuditEntry, devices map[string]string) part.AuditRow {
	row := part.AuditRow{
		ID: strconv.FormatInt(e.ID, 10), At: clock(e.At), User: e.UserID, Via: credential(e.Via, devices),
		Address: e.Address, Action: e.Action, Target: e.Target, Detail: e.Detail, Failed: e.Outcome == protocol.AuditFailed,
	}
	if key, ok := audit.ParseSession(e.Target); ok {
		row.Target, row.Href = key, markup.SessionPath(key)
	}
	if id, ok := audit.ParseDevice(e.Target); ok && devices[id] != "" {
		row.Target = devices[id]
	}
	if row.User == "" {
		row.User, row.Via = row.Via, ""
	}
	return row
}
