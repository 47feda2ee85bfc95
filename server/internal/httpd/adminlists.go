package httpd

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/words"
	"github.com/gatehouse-chat/gatehouse/web/page"
	"github.com/gatehouse-chat/gatehouse/web/part"
)

const (
	sessionsShown = 50  // on a page
	clientsShown  = 200 // at most
	maxFilter     = 255 // bytes of each text that is looked for
)

// asked gives what the query of an address asks for, no more than could be meant.
func asked(r *http.Request, name string) string {
	text := strings.TrimSpace(r.URL.Query().Get(name))
	return strings.ToValidUTF8(text[:min(len(text), maxFilter)], "")
}

// address is that of a page with these in its query, those that are not empty.
func address(path string, namesAndValues ...string) string {
	query := url.Values{}
	for rest := namesAndValues; len(rest) > 1; rest = rest[2:] {
		if name, value := rest[0], rest[1]; value != "" {
			query.Set(name, value)
		}
	}
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// adminSessions is GET /admin/sessions: everybody's sessions.
func (s *server) adminSessions(w http.ResponseWriter, r *http.Request, device *pairing.Device) error {
	const path = "/admin/sessions"
	console, _, err := s.console(r, device, protocol.TopicSessions)
	if err != nil {
		return err
	}
	if err := s.reads(r, device, audit.SessionsList, ""); err != nil {
		return err
	}
	m := page.AdminSessionsModel{Console: console, Query: asked(r, "q"), User: asked(r, "user")}
	after, ok := session.ParseCursor(asked(r, "after"))
	list, more, err := s.Sessions.List(r.Context(), session.List{
		UserID: m.User, Query: m.Query, Wide: true, Limit: sessionsShown, After: after,
	})
	if err != nil {
		return err
	}
	for _, rec := range list {
		m.Rows = append(m.Rows, part.SessionRow{
			Key: rec.Key, Label: words.Session(rec.Label), User: rec.UserID,
			Agent:   s.settings(r).agentName(rec.AgentID),
			Running: rec.Running, Updated: ago(protocol.At(rec.UpdatedAt)),
		})
	}
	if ok && after != nil {
		m.First = address(path, "q", m.Query, "user", m.User)
	}
	if more {
		m.Next = address(path, "q", m.Query, "user", m.User, "after", list[len(list)-1].Cursor())
	}
	s.show(w, r, http.StatusOK, page.AdminSessions(m))
	return nil
}

// adminClients is GET /admin/clients: live connections.
func (s *server) adminClients(w http.ResponseWriter, r *http.Request, device *pairing.Device) error {
	console, devices, err := s.console(r, device, protocol.TopicClients)
	if err != nil {
		return err
	}
	m := page.AdminClientsModel{Console: console, Query: asked(r, "q")}
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
	s.show(w, r, http.StatusOK, page.AdminClients(m))
	return nil
}

func clientRow(c protocol.ConnectedClient, devices map[string]string) part.ClientRow {
	row := part.ClientRow{
		ID: c.ID, User: c.UserID, Role: string(c.Role), Via: credential(c.Via, devices), Program: c.Client,
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

// deviceNames are what people call devices, by id.
func deviceNames(devices []protocol.PairedDevice) map[string]string {
	names := map[string]string{}
	for _, d := range devices {
		names[d.DeviceID] = deviceLabel(d)
	}
	return names
}

// credential is a Via in words.
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

// contains reports whether one of the texts holds what is looked for, in capital
// or small letters.
func contains(sought string, texts ...string) bool {
	sought = strings.ToLower(sought)
	for _, text := range texts {
		if strings.Contains(strings.ToLower(text), sought) {
			return true
		}
	}
	return false
}

// adminKeys is GET /admin/keys: API keys.
func (s *server) adminKeys(w http.ResponseWriter, r *http.Request, device *pairing.Device) error {
	console, devices, err := s.console(r, device, protocol.TopicKeys)
	if err != nil {
		return err
	}
	keys, _, err := s.Keys.List(r.Context())
	if err != nil {
		return err
	}
	m := page.AdminKeysModel{Console: console, Users: users(devices.Paired)}
	for _, k := range keys {
		m.Rows = append(m.Rows, keyRow(k))
	}
	s.show(w, r, http.StatusOK, page.AdminKeys(m))
	return nil
}

func keyRow(k protocol.APIKey) part.KeyRow {
	row := part.KeyRow{
		ID: k.ID, Name: k.Name, Prefix: k.Prefix, User: k.UserID, Role: string(k.Role),
		CreatedBy: k.CreatedBy, Created: ago(k.CreatedAt), LastUsed: ago(k.LastUsedAt),
		Expires: clock(k.ExpiresAt),
	}
	switch {
	case k.RevokedAt != 0:
		row.Ended = "revoked"
	case k.ExpiresAt != 0 && k.ExpiresAt <= protocol.At(time.Now()):
		row.Ended = "expired"
	}
	return row
}
