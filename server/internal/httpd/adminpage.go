package httpd

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gatehouse-chat/gatehouse/server/internal/access"
	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/words"
	"github.com/gatehouse-chat/gatehouse/web/page"
	"github.com/gatehouse-chat/gatehouse/web/part"
)

// resolvedShown is how many decisions of the past the admin page shows.
const resolvedShown = 12

// forAdmins is a page of the admin console, for admins alone. Its forms may be
// sent, by GET to the page itself; those of other pages never are.
func (s *server) forAdmins(show func(http.ResponseWriter, *http.Request, *pairing.Device) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		device, err := s.who(r)
		switch {
		case err != nil:
		case device == nil && fromElsewhere(r):
			s.gate(w, r)
			return
		case device == nil:
			s.login(w, r)
			return
		case !device.Role.Allows(protocol.Admin):
			s.notice(w, r, http.StatusForbidden, "For admins", "Only admins can open this page, and your user is not an admin.", "")
			return
		default:
			h := w.Header()
			h.Set("Content-Security-Policy", strings.Replace(h.Get("Content-Security-Policy"), "form-action 'none'", "form-action 'self'", 1))
			err = show(w, r, device)
		}
		if err != nil {
			s.failed(w, r, err)
		}
	}
}

// console is what all pages of the console have; topics, what changes this one.
func (s *server) console(r *http.Request, device *pairing.Device, topics ...string) (page.Console, protocol.DeviceListResult, error) {
	list, err := s.Pairings.List(r.Context())
	return page.Console{
		Site: s.site, Viewer: viewer(device), Pending: words.Badge(len(list.Pending)), Topics: topics,
	}, list, err
}

// reads notes that an admin reads what is another's. With an error it must not be
// shown.
func (s *server) reads(r *http.Request, device *pairing.Device, action, target string) error {
	return s.Audit.BeginRead(r.Context(), access.OfDevice(*device).Actor(s.address(r)), audit.Act{Action: action, Target: target})
}

// adminPairings is GET /admin: who waits, who is in.
func (s *server) adminPairings(w http.ResponseWriter, r *http.Request, device *pairing.Device) error {
	console, list, err := s.console(r, device)
	if err != nil {
		return err
	}
	past, err := s.Pairings.History(r.Context(), resolvedShown)
	if err != nil {
		return err
	}
	s.show(w, r, http.StatusOK, page.Admin(page.AdminModel{
		Console: console, Waiting: pendingCards(list.Pending), Devices: deviceRows(list.Paired, device.DeviceID),
		Resolved: resolvedLines(past), Users: users(list.Paired),
	}))
	return nil
}

// deviceLabel is what people call a device.
func deviceLabel(d protocol.PairedDevice) string {
	return words.Device(d.Label, d.DeviceName, d.UserAgent)
}

func pendingCards(list []protocol.PendingDevice) []part.Pending {
	cards := make([]part.Pending, 0, len(list))
	for _, p := range slices.Backward(list) { // oldest first
		cards = append(cards, part.Pending{
			Code: p.Code, DeviceID: p.DeviceID, DeviceName: words.Device("", p.DeviceName, p.UserAgent),
			Browser: words.Browser(p.UserAgent), Address: p.Address,
			Since: ago(p.CreatedAt), Remaining: remaining(p.ExpiresAt),
		})
	}
	return cards
}

func deviceRows(list []protocol.PairedDevice, own string) []part.Device {
	rows := make([]part.Device, 0, len(list))
	for _, d := range list {
		rows = append(rows, part.Device{
			ID: d.DeviceID, Label: deviceLabel(d), Browser: words.Browser(d.UserAgent), User: d.UserID,
			Role: string(d.Role), LastSeen: ago(max(d.LastSeenAt, d.CreatedAt)), Since: ago(d.CreatedAt), This: d.DeviceID == own,
		})
	}
	return rows
}

func resolvedLines(past []pairing.Resolved) []part.Resolved {
	outcomes := map[string]string{
		protocol.PairingApproved: markup.ResolvedApproved, protocol.PairingDenied: markup.ResolvedDenied,
		protocol.PairingExpired: markup.ResolvedExpired, protocol.PairingRevoked: markup.ResolvedRevoked,
	}
	lines := make([]part.Resolved, 0, len(past))
	for _, p := range past {
		line := part.Resolved{Outcome: outcomes[p.Status], DeviceName: deviceLabel(p.PairedDevice), Time: ago(p.ResolvedAt)}
		if p.Status == protocol.PairingApproved || p.Status == protocol.PairingRevoked {
			line.User, line.Role = p.UserID, string(p.Role)
		}
		lines = append(lines, line)
	}
	return lines
}

func users(list []protocol.PairedDevice) []string {
	var ids []string
	for _, d := range list {
		ids = append(ids, d.UserID)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
