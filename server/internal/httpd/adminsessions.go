package httpd

import (
	"net/http"

	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/words"
	"github.com/gatehouse-chat/gatehouse/web/page"
	"github.com/gatehouse-chat/gatehouse/web/part"
)

// sessionsShown is how many sessions a page shows.
const sessionsShown = 50

// adminSessions is GET /admin/sessions: the sessions of all users.
func (s *server) adminSessions(w http.ResponseWriter, r *http.Request,
	device *pairing.Device) error {
	const path = "/admin/sessions"
	console, _, err := s.console(r, device, protocol.TopicSessions)
	if err != nil {
		return err
	}
	if err := s.auditReading(r, device, audit.SessionsList, ""); err != nil {
		return err
	}
	m := page.AdminSessionsModel{Console: console, Query: queryParam(r, "q"),
		User: queryParam(r, "user")}
	after, ok := session.ParseListCursor(queryParam(r, "after"))
	list, err := s.Sessions.List(r.Context(), session.List{
		Reader: device.UserID, UserID: m.User, Query: m.Query, Wide: true, Limit: sessionsShown, After: after,
	})
	if err != nil {
		return err
	}
	for _, rec := range list.Sessions {
		m.Rows = append(m.Rows, part.SessionRow{
			Key: rec.Key, Label: words.Session(rec.Label), User: rec.UserID,
			Agent:   s.settings(r).agentName(rec.AgentID),
			Running: rec.Running, Updated: ago(protocol.At(rec.UpdatedAt)),
		})
	}
	if ok && after != nil {
		m.First = pageURL(path, "q", m.Query, "user", m.User)
	}
	if list.Next != nil {
		m.Next = pageURL(path, "q", m.Query, "user", m.User, "after", list.Next.Cursor())
	}
	s.render(w, r, http.StatusOK, page.AdminSessions(m))
	return nil
}
