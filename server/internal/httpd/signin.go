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
	token  string // the gateway token
	code   string // the code of a sign-in link
	cookie bool   // the page has asked for a cookie before, and should have it by now
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
		case "cookie":
			b.cookie = d.Bool()
		default:
			d.Skip()
		}
	}
}

// errNoCookie refuses a page that says that it has a cookie, and comes without.
var errNoCookie = protocol.Refuse(protocol.FailedPrecondition,
	"the browser did not send the cookie that it was given: it has to keep cookies of this "+
		"address, and a proxy has to pass the headers Set-Cookie and Cookie on")

// signIn is POST /api/session. Without a body, the browser gets a cookie with a new
// credential, for which it can then ask for pairing. With the gateway token or the code
// of a sign-in link, the credential is an admin's at once.
func (s *server) signIn(w http.ResponseWriter, r *http.Request) {
	body, refusal := readSignIn(w, r)
	if refusal != nil {
		s.refuse(w, r, refusal)
		return
	}
	switch {
	case body.cookie && s.credential(r) == "":
		// The browser would forget that it has signed in, and a link's code works once.
		s.refuse(w, r, errNoCookie)
		return
	case body.token != "":
		if err := s.SignIns.CheckToken(s.clientAddress(r), body.token); err != nil {
			s.refuse(w, r, err)
			return
		}
	case body.code != "":
		if err := s.SignIns.CheckLink(s.clientAddress(r), body.code); err != nil {
			s.refuse(w, r, err)
			return
		}
	default:
		s.giveCredential(w, r)
		return
	}
	secret := pairing.NewCredential()
	if err := s.signInAdmin(r, secret, body); err != nil {
		s.refuse(w, r, err)
		return
	}
	// The browser's earlier credential or request for pairing ends.
	if before := s.credential(r); before != "" {
		if err := s.Pairings.SignOut(r.Context(), before); err != nil {
			s.Log.Warn("the browser's earlier credential could not be removed and stays valid", "error", err)
		}
	}
	s.Log.Info("security.signed_in", "address", s.clientAddress(r))
	s.setCookie(w, r, secret)
	w.WriteHeader(http.StatusNoContent)
}

// signInAdmin stores the credential as an admin's, and audits that.
func (s *server) signInAdmin(r *http.Request, secret string, body signInBody) error {
	via := audit.ViaToken
	if body.token == "" {
		via = audit.ViaLink
	}
	who := audit.Actor{UserID: auth.AdminUser, Role: protocol.Admin, Via: via,
		Address: s.clientAddress(r).String()}
	ended, err := s.Audit.Begin(r.Context(), who,
		audit.Act{Action: audit.SignIn, Detail: words.Browser(r.UserAgent())})
	if err != nil {
		return err
	}
	_, err = s.Pairings.SignIn(r.Context(), pairing.Requester{
		Secret: secret, Address: s.clientAddress(r), UserAgent: r.UserAgent(),
	})
	ended(err)
	return err
}

// giveCredential sets the cookie. The browser keeps a credential that a device has, or gets
// that device's next one (see pairing.Service.Renew). Any other credential is not one that
// this gateway has issued to this browser, so the browser gets a new one.
func (s *server) giveCredential(w http.ResponseWriter, r *http.Request) {
	secret := s.credential(r)
	if secret != "" {
		var err error
		if secret, err = s.Pairings.Renew(r.Context(), secret); err != nil {
			s.refuse(w, r, err)
			return
		}
	}
	if secret == "" {
		if err := s.SignIns.AllowCall(s.clientAddress(r)); err != nil {
			s.refuse(w, r, err)
			return
		}
		secret = s.Pairings.Issue()
	}
	s.setCookie(w, r, secret)
	w.WriteHeader(http.StatusNoContent)
}

func readSignIn(w http.ResponseWriter, r *http.Request) (signInBody, error) {
	var b signInBody
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil ||
		kind != "application/json" {
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
