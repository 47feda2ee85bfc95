package httpd

import (
	"net/http"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/web/page"
	"github.com/gatehouse-chat/gatehouse/web/part"
)

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
	m := page.AdminKeysModel{Console: console, Users: users(devices.Users)}
	for _, k := range keys {
		m.Rows = append(m.Rows, keyRow(k))
	}
	s.render(w, r, http.StatusOK, page.AdminKeys(m))
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
