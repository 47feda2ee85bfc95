package httpd

import (
	"errors"
	"net/http"

	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/web/page"
)

// findDevice finds the paired device of the browser that asks for a page. It gives nil
// if there is none. Its error is the store's. A request with an Authorization header
// comes from no browser, and gives nil.
func (s *server) findDevice(r *http.Request) (*pairing.Device, error) {
	secret := s.credential(r)
	if _, given := bearer(r); given || secret == "" {
		return nil, nil
	}
	device, err := s.Pairings.Authenticate(r.Context(), secret)
	var refused *protocol.Error
	switch {
	case err == nil:
		s.Pairings.Seen(device.DeviceID)
		return &device, nil
	case errors.As(err, &refused) && refused.Code == protocol.NotPaired:
		return nil, nil
	}
	return nil, err
}

func viewer(d *pairing.Device) page.Viewer {
	return page.Viewer{User: d.UserID, Role: string(d.Role), Device: deviceLabel(d.PairedDevice),
		DeviceID: d.DeviceID}
}

func callerOf(d *pairing.Device) session.Caller {
	return session.Caller{UserID: d.UserID, Role: d.Role}
}
