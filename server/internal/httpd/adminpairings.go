package httpd

import (
	"cmp"
	"net/http"

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
		More: words.MorePending(list.PendingTotal, len(list.Pending)), Left: leftOf(list.Pending),
		Devices:  deviceRows(list.Paired, device.DeviceID),
		Resolved: resolvedLines(past), Users: users(list.Users),
	}))
	return nil
}

// leftOf says how many of the pairings have no requester any more; empty: none.
func leftOf(list []protocol.PendingDevice) string {
	left := 0
	for _, p := range list {
		if p.Left {
			left++
		}
	}
	return words.PendingRequests(left)
}

// deviceLabel is the name that people see.
func deviceLabel(d protocol.PairedDevice) string {
	return words.Device(d.Label, d.DeviceName, d.UserAgent)
}

func pendingCards(list []protocol.PendingDevice) []part.Pending {
	cards := make([]part.Pending, 0, len(list))
	for _, p := range list {
		name := words.Device("", p.DeviceName, p.UserAgent)
		cards = append(cards, part.Pending{
			Code: p.Code, DeviceID: p.DeviceID, DeviceName: name,
			Browser: words.BrowserBeside(name, p.UserAgent), Address: p.Address,
			Since: ago(p.CreatedAt), Remaining: remaining(p.ExpiresAt), Left: p.Left,
			Resembles: words.NameWithRole(p.Resembles, string(p.ResemblesRole)),
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
			User: d.UserID, Role: string(d.Role), LastSeen: ago(max(d.LastSeenAt, d.CreatedAt)), Since: ago(cmp.Or(d.PairedAt, d.CreatedAt)),
			This: d.DeviceID == own,
		})
	}
	return rows
}

func resolvedLines(past []pairing.Resolved) []part.Resolved {
	lines := make([]part.Resolved, 0, len(past))
	for _, p := range past {
		line := part.Resolved{Outcome: outcomeOf(p), DeviceName: deviceLabel(p.PairedDevice),
			Time: ago(p.ResolvedAt)}
		if p.Status == protocol.PairingApproved || p.Status == protocol.PairingRevoked {
			line.User, line.Role = p.UserID, string(p.Role)
		}
		lines = append(lines, line)
	}
	return lines
}

// outcomeOf is what has become of a pairing or device, as the page shows it.
func outcomeOf(p pairing.Resolved) string {
	switch bySelf := p.ResolvedBy == p.DeviceID; {
	case p.Status == protocol.PairingApproved:
		return markup.ResolvedApproved
	case p.Status == protocol.PairingDenied:
		return markup.ResolvedDenied
	case p.Status == protocol.PairingExpired && bySelf:
		return markup.ResolvedWithdrawn
	case p.Status == protocol.PairingExpired:
		return markup.ResolvedExpired
	case bySelf:
		return markup.ResolvedSignedOut
	}
	return markup.ResolvedRevoked
}

func users(list []protocol.KnownUser) []string {
	ids := make([]string, 0, len(list))
	for _, u := range list {
		ids = append(ids, u.UserID)
	}
	return ids
}
