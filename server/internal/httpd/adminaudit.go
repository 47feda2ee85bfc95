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

// auditShown is how many entries a page of the audit log shows.
const auditShown = 100

// auditQuery is the filter in a URL's query. since and until are days in the
// gateway's time zone, both included.
type auditQuery struct {
	text, user, action, since, until string
}

func auditQueryOf(r *http.Request) auditQuery {
	return auditQuery{
		text: queryParam(r, "q"), user: queryParam(r, "user"), action: queryParam(r, "action"),
		since: queryParam(r, "since"), until: queryParam(r, "until"),
	}
}

// pageURL is the URL of a page with the same filter, from before an entry on; "": from
// the newest entry on.
func (q auditQuery) pageURL(path, before string) string {
	return pageURL(path, "q", q.text, "user", q.user, "action", q.action,
		"since", q.since, "until", q.until, "before", before)
}

// filter makes the filter for the audit log. Invalid days are ignored.
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

// adminAudit is GET /admin/audit: who did what. Only the page with the newest entries
// is kept up to date.
func (s *server) adminAudit(w http.ResponseWriter, r *http.Request, device *pairing.Device) error {
	const path = "/admin/audit"
	console, devices, err := s.console(r, device)
	if err != nil {
		return err
	}
	q := auditQueryOf(r)
	m := page.AdminAuditModel{
		Console: console, Query: q.text, User: q.user, Action: q.action, Since: q.since, Until: q.until,
		Actions: audit.Actions(), CSV: q.pageURL("/admin/audit.csv", ""),
	}
	f := q.filter()
	f.Reader, f.Limit = device.UserID, auditShown+1
	if f.Before, _ = strconv.ParseInt(queryParam(r, "before"), 10, 64); f.Before > 0 {
		m.First = q.pageURL(path, "")
	} else {
		f.Before, m.Topics = 0, []string{protocol.TopicAudit}
	}
	list, err := s.Audit.List(r.Context(), f)
	if err != nil {
		return err
	}
	if len(list) > auditShown {
		list = list[:auditShown]
		m.Next = q.pageURL(path, strconv.FormatInt(list[auditShown-1].ID, 10))
	}
	names := deviceNames(devices.Paired)
	for _, e := range list {
		m.Rows = append(m.Rows, auditRow(e, names))
	}
	s.render(w, r, http.StatusOK, page.AdminAudit(m))
	return nil
}

func auditRow(e protocol.AuditEntry, devices map[string]string) part.AuditRow {
	row := part.AuditRow{
		ID: strconv.FormatInt(e.ID, 10), At: clock(e.At), User: e.UserID, Via: credential(e.Via, devices),
		Address: e.Address, Action: e.Action, Target: e.Target, Detail: e.Detail,
		Failed: e.Outcome == protocol.AuditFailed,
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
