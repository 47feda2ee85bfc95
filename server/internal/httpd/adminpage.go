package httpd

import (
	"net/http"
	"slices"

	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/web/page"
	"github.com/gatehouse-chat/gatehouse/web/part"
)

// resolvedShown is how many decisions of the past the admin page shows.
const resolvedShown = 12

// admin is GET /admin: who waits, who is in.
func (s *server) admin(w http.ResponseWriter, r *http.Request) {
	device, err := s.who(r)
	switch {
	case err != nil:
		s.failed(w, r, err)
		return
	case device == nil && fromElsewhere(r):
		s.gate(w, r)
		return
	case device == nil:
		s.login(w, r)
		return
	case !device.Role.Allows(protocol.Admin):
		s.notice(w, r, http.StatusForbidden, "For admins", "This page lets browsers in and out. Your user is not an admin.", "")
		return
	}
	list, err := s.Pairings.List(r.Context())
	if err != nil {
		s.failed(w, r, err)
		return
	}
	past, err := s.Pairings.History(r.Context(), resolvedShown)
	if err != nil {
		s.failed(w, r, err)
		return
	}
	s.show(w, r, http.StatusOK, page.Admin(page.AdminModel{
		Site: s.site, Viewer: viewer(device), Count: countText(len(list.Pending)),
		Pending: pendingCards(list.Pending), Devices: deviceRows(list.Paired, device.DeviceID),
		Resolved: resolvedLines(past), Users: users(list.Paired),
	}))
}

// deviceLabel is what people call a device.
func deviceLabel(d protocol.PairedDevice) string {
	if d.Label != "" {
		return d.Label
	}
	return pairing.Name(d.UserAgent, d.DeviceName)
}

func pendingCards(list []protocol.PendingDevice) []part.Pending {
	cards := make([]part.Pending, 0, len(list))
	for _, p := range slices.Backward(list) { // oldest first
		cards = append(cards, part.Pending{
			Code: p.Code, DeviceID: p.DeviceID, DeviceName: pairing.Name(p.UserAgent, p.DeviceName),
			Browser: pairing.Name(p.UserAgent, ""), Address: p.Address, Since: ago(p.CreatedAt), Remaining: remaining(p.ExpiresAt),
		})
	}
	return cards
}

func deviceRows(list []protocol.PairedDevice, own string) []part.Device {
	rows := make([]part.Device, 0, len(list))
	for _, d := range list {
		rows = append(rows, part.Device{
			ID: d.DeviceID, Label: deviceLabel(d), Browser: pairing.Name(d.UserAgent, ""), User: d.UserID,
			Role: string(d.Role), LastSeen: ago(max(d.LastSeenAt, d.CreatedAt)), Since: ago(d.CreatedAt), This: d.DeviceID == own,
		})
	}
	return rows
}

func resolvedLines(past []pairing.Past) []part.Resolved {
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
