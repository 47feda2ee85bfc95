package httpd

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/words"
	"github.com/gatehouse-chat/gatehouse/web/page"
	"github.com/gatehouse-chat/gatehouse/web/part"
)

// clientsShown is how many connections the page shows at most.
const clientsShown = 200

// adminClients is GET /admin/clients: live connections.
func (s *server) adminClients(w http.ResponseWriter, r *http.Request,
	device *pairing.Device) error {
	console, devices, err := s.console(r, device, protocol.TopicClients)
	if err != nil {
		return err
	}
	m := page.AdminClientsModel{Console: console, Query: queryParam(r, "q")}
	names := deviceNames(devices.Paired)
	people := map[string]bool{}
	all := s.Connections.List()
	for _, c := range all {
		people[c.UserID] = true
		row := clientRow(c, names)
		row.This = c.DeviceID == device.DeviceID
		switch {
		case !contains(m.Query, row.User, row.Role, row.Via, row.Program, row.Address):
		case len(m.Rows) == clientsShown:
			m.More = true
		default:
			m.Rows = append(m.Rows, row)
		}
	}
	m.Total = words.Count(int64(len(all)), "connection") + " of " +
		words.Count(int64(len(people)), "user")
	s.render(w, r, http.StatusOK, page.AdminClients(m))
	return nil
}

func clientRow(c protocol.ConnectedClient, devices map[string]string) part.ClientRow {
	row := part.ClientRow{
		ID: c.ID, User: c.UserID, Role: string(c.Role), Via: credential(c.Via, devices),
		Program: c.Client,
		Address: c.Address, Since: ago(c.ConnectedAt), Active: ago(c.ActiveAt),
	}
	if c.Client == "" || strings.HasPrefix(c.Client, protocol.WebClient+" ") {
		row.Program = words.Browser(c.UserAgent)
	}
	if row.Program == row.Via {
		row.Program = ""
	}
	return row
}

// deviceNames gives the names that people see, by device id.
func deviceNames(devices []protocol.PairedDevice) map[string]string {
	names := map[string]string{}
	for _, d := range devices {
		names[d.DeviceID] = deviceLabel(d)
	}
	return names
}

// credential says in words how a client has authenticated.
func credential(via string, devices map[string]string) string {
	if id, ok := audit.ParseDevice(via); ok {
		return cmp.Or(devices[id], via)
	}
	if prefix, ok := audit.ParseViaKey(via); ok {
		return "key " + prefix
	}
	if via == audit.ViaToken {
		return "gateway token"
	}
	return via
}

// contains reports whether one of the texts contains sought, ignoring case.
func contains(sought string, texts ...string) bool {
	sought = strings.ToLower(sought)
	for _, text := range texts {
		if strings.Contains(strings.ToLower(text), sought) {
			return true
		}
	}
	return false
}
