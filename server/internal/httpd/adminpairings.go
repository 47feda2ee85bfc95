package httpd

import (
	"net/http"
	"slices"

	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/words"
	"github.com/gatehouse-chat/gatehouse/web/page"
	"github.com/gatehouse-chat/gatehouse/web/part"
)

// resolvedShown is how many past decisions the page shows.
const resolvedShown = 12

// adminPairings is GET /admin: pending pairings and paired devices.
func (s *server) adminPairings(w http.ResponseWriter, r *http.Request,
	device *pairing.Device) error {
	console, list, err := s.console(r, device)
	if err != nil {
		return err
	}
	past, err := s.Pairings.History(r.Context(), resolvedShown)
	if err != nil {
		return err
	}
	s.render(w, r, http.StatusOK, page.Admin(page.AdminModel{
		Console: console, Waiting: pendingCards(list.Pending),
		Devices:  deviceRows(list.Paired, device.DeviceID),
		Resolved: resolvedLines(past), Users: users(list.Paired),
	}))
	return nil
}

// deviceLabel is the name that people see.
func deviceLabel(d protocol.PairedDevice) string {
	return words.Device(d.Label, d.DeviceName, d.UserAgent)
}

func pendingCards(list []protocol.PendingDevice) []part.Pending {
	cards := make([]part.Pending, 0, len(list))
	for _, p := range slices.Backward(list) { // oldest first
		name := words.Device("", p.DeviceName, p.UserAgent)
		cards = append(cards, part.Pending{
			Code: p.Code, DeviceID: p.DeviceID, DeviceName: name,
			Browser: words.BrowserBeside(name, p.UserAgent), Address: p.Address,
			Since: ago(p.CreatedAt), Remaining: remaining(p.ExpiresAt),
		})
	}
	return cards
}

func deviceRows(list []protocol.PairedDevice, own string) []part.Device {
	rows := make([]part.Device, 0, len(list))
	for _, d := range list {
		label := deviceLabel(d)
		rows = append(rows, part.Device{
			ID: d.DeviceID, Label: label, Browser: words.BrowserBeside(label, d.UserAgent),
			User: d.UserID, Role: string(d.Role), LastSeen: ago(max(d.LastSeenAt, d.CreatedAt)), Since: ago(d.CreatedAt),
			This: d.DeviceID == own,
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
		line := part.Resolved{Outcome: outcomes[p.Status], DeviceName: deviceLabel(p.PairedDevice),
			Time: ago(p.ResolvedAt)}
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
