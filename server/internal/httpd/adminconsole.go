package httpd

import (
	"net/http"
	"strings"

	"github.com/gatehouse-chat/gatehouse/server/internal/access"
	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/words"
	"github.com/gatehouse-chat/gatehouse/web/page"
)

// forAdmins makes the handler of a console page, which only admins see. The page's
// Content-Security-Policy allows forms, which other pages do not have.
func (s *server) forAdmins(show func(http.ResponseWriter, *http.Request,
	*pairing.Device) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		device, err := s.findDevice(r)
		switch {
		case err != nil:
		case device == nil && linkedFromElsewhere(r), device != nil && device.Renew:
			s.showGate(w, r)
			return
		case device == nil:
			s.login(w, r)
			return
		case !device.Role.Allows(protocol.Admin):
			s.showNotice(w, r, http.StatusForbidden, "For admins",
				"Only admins can open this page, and your user is not an admin.", "")
			return
		default:
			h := w.Header()
			h.Set("Content-Security-Policy", strings.Replace(h.Get("Content-Security-Policy"),
				"form-action 'none'", "form-action 'self'", 1))
			err = show(w, r, device)
		}
		if err != nil {
			s.showError(w, r, err)
		}
	}
}

// console makes the model that all console pages share. topics are the changes that
// make the page refresh.
func (s *server) console(r *http.Request, device *pairing.Device, topics ...string) (page.Console,
	protocol.DeviceListResult, error) {
	list, err := s.Pairings.List(r.Context())
	return page.Console{
		Site: s.site, Viewer: viewer(device), Pending: words.Badge(len(list.Pending)), Topics: topics,
	}, list, err
}

// auditReading writes to the audit log that an admin reads another user's data. If it
// fails, the data must not be shown.
func (s *server) auditReading(r *http.Request, device *pairing.Device, action,
	target string) error {
	return s.Audit.BeginRead(r.Context(), access.OfDevice(*device).Actor(s.clientAddress(r)),
		audit.Act{Action: action, Target: target})
}
