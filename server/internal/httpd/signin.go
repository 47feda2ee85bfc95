package httpd

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"

	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/words"
)

// maxSignIn bounds the body of POST /api/session, in bytes.
const maxSignIn = 8 << 10

// signInBody is the body of POST /api/session; all of it is optional.
type signInBody struct {
	token string // the gateway token
	code  string // of a sign-in link
}

// AppendJSON is not needed: the body is only read.
func (*signInBody) AppendJSON(dst []byte) []byte { return append(dst, "{}"...) }

// DecodeJSON reads the body.
func (b *signInBody) DecodeJSON(d *jsontext.Decoder) {
	if !d.BeginObject() {
		return
	}
	for key, ok := d.Key(); ok; key, ok = d.Key() {
		switch string(key) {
		case "token":
			b.token = d.String()
		case "code":
			b.code = d.String()
		default:
			d.Skip()
		}
	}
}

// signIn is POST /api/session: without a body a browser gets the cookie that
// will be its device's credential; with the gateway token or the code of a
// sign-in link, one that is an admin's.
func (s *server) signIn(w http.ResponseWriter, r *http.Request) {
	body, refusal := readSignIn(w, r)
	if refusal != nil {
		s.refuse(w, r, refusal)
		return
	}
	switch {
	case body.token != "":
		if err := s.SignIns.CheckToken(s.address(r), body.token); err != nil {
			s.refuse(w, r, err)
			return
		}
	case body.code != "":
		if err := s.SignIns.CheckLink(s.address(r), body.code); err != nil {
			s.refuse(w, r, err)
			return
		}
	default:
		s.newBrowser(w, r)
		return
	}
	secret := pairing.NewCredential()
	if err := s.admitAdmin(r, secret, body); err != nil {
		s.refuse(w, r, err)
		return
	}
	// The browser's earlier credential, or request for pairing, ends here.
	if before := s.credential(r); before != "" {
		if err := s.Pairings.SignOut(r.Context(), before); err != nil {
			s.Log.Warn("the browser's earlier credential stays", "error", err)
		}
	}
	s.Log.Info("security.signed_in", "address", s.address(r))
	s.setCookie(w, r, secret)
	w.WriteHeader(http.StatusNoContent)
}

// admitAdmin makes the credential an admin's, and tells the audit log.
func (s *server) admitAdmin(r *http.Request, secret string, body signInBody) error {
	via := audit.ViaToken
	if body.token == "" {
		via = audit.ViaLink
	}
	who := audit.Actor{UserID: auth.AdminUser, Role: protocol.Admin, Via: via, Address: s.address(r).String()}
	ended, err := s.Audit.Begin(r.Context(), who, audit.Act{Action: audit.SignIn, Detail: words.Browser(r.UserAgent())})
	if err != nil {
		return err
	}
	_, err = s.Pairings.SignIn(r.Context(), pairing.Requester{
		Secret: secret, Address: s.address(r), UserAgent: r.UserAgent(),
	})
	ended(err)
	return err
}

// dismiss ends a credential, and tells the audit log if it was somebody's.
func (s *server) dismiss(r *http.Request, secret string) error {
	who, err := s.Identities.CheckDevice(r.Context(), secret)
	if refused := new(protocol.Error); errors.As(err, &refused) && refused.Code == protocol.NotPaired {
		return s.Pairings.SignOut(r.Context(), secret)
	}
	if err != nil {
		return err
	}
	ended, err := s.Audit.Begin(r.Context(), who.Actor(s.address(r)), audit.Act{Action: audit.SignOut, Target: audit.Device(who.DeviceID)})
	if err != nil {
		return err
	}
	err = s.Pairings.SignOut(r.Context(), secret)
	ended(err)
	if err == nil {
		s.Log.Info("security.signed_out", "address", s.address(r), "user", who.UserID, "device", who.DeviceID)
	}
	return err
}

// newBrowser keeps the credential that a browser has, or gives it one.
func (s *server) newBrowser(w http.ResponseWriter, r *http.Request) {
	secret := s.credential(r)
	if secret == "" {
		if err := s.SignIns.AllowCall(s.address(r)); err != nil {
			s.refuse(w, r, err)
			return
		}
		secret = pairing.NewCredential()
	}
	s.setCookie(w, r, secret)
	w.WriteHeader(http.StatusNoContent)
}

func readSignIn(w http.ResponseWriter, r *http.Request) (signInBody, error) {
	var b signInBody
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return b, &httpError{http.StatusUnsupportedMediaType,
			protocol.Refuse(protocol.InvalidRequest, "send application/json")}
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxSignIn))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return b, &httpError{http.StatusRequestEntityTooLarge,
			protocol.Refuse(protocol.InvalidRequest, "the body may have "+strconv.Itoa(maxSignIn)+" bytes")}
	case err != nil:
		return b, protocol.Refuse(protocol.InvalidRequest, "the body could not be read")
	case len(text) == 0:
		return b, nil
	}
	if err := protocol.Decode(text, &b); err != nil {
		return b, protocol.Refuse(protocol.InvalidRequest, "invalid body: "+err.Error())
	}
	return b, nil
}

// signOut is DELETE /api/session: it ends the browser's credential, closes its
// sockets and takes the cookie away, also one that opens nothing.
func (s *server) signOut(w http.ResponseWriter, r *http.Request) {
	if !s.sameOrigin(r) {
		s.refuse(w, r, protocol.Refuse(protocol.Forbidden, "only a page of this gateway can sign its browser out"))
		return
	}
	secret := s.credential(r)
	s.setCookie(w, r, "")
	if secret != "" {
		if err := s.dismiss(r, secret); err != nil {
			s.refuse(w, r, err)
			return
		}
		s.Connections.CloseBrowser(secret, protocol.ReasonSignedOut)
	}
	w.WriteHeader(http.StatusNoContent)
}
