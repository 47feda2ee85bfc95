package httpd

import (
	"errors"
	"net/http"

	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// signOut is DELETE /api/session. It ends the browser's credential, closes its
// WebSockets and removes the cookie, even if the credential is not valid.
func (s *server) signOut(w http.ResponseWriter, r *http.Request) {
	if !s.sameOrigin(r) {
		s.refuse(w, r, protocol.Refuse(protocol.Forbidden,
			"only a page of this gateway can sign its browser out"))
		return
	}
	secret := s.credential(r)
	s.setCookie(w, r, "")
	if secret != "" {
		if err := s.signOutDevice(r, secret); err != nil {
			s.refuse(w, r, err)
			return
		}
		s.Connections.CloseBrowser(secret, protocol.ReasonSignedOut)
	}
	w.WriteHeader(http.StatusNoContent)
}

// signOutDevice ends a credential, and audits that if the credential was valid.
func (s *server) signOutDevice(r *http.Request, secret string) error {
	who, err := s.Identities.CheckDevice(r.Context(), secret)
	if refused := new(protocol.Error); errors.As(err, &refused) && refused.Code == protocol.NotPaired {
		return s.Pairings.SignOut(r.Context(), secret)
	}
	if err != nil {
		return err
	}
	ended, err := s.Audit.Begin(r.Context(), who.Actor(s.clientAddress(r)),
		audit.Act{Action: audit.SignOut, Target: audit.Device(who.DeviceID)})
	if err != nil {
		return err
	}
	err = s.Pairings.SignOut(r.Context(), secret)
	ended(err)
	if err == nil {
		s.Log.Info("security.signed_out", "address", s.clientAddress(r), "user", who.UserID, "device",
			who.DeviceID)
	}
	return err
}
