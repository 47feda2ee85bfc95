package httpd

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/words"
	"github.com/gatehouse-chat/gatehouse/web/page"
)

// who finds out whose browser asks for a page. Without a device that may come
// in it gives nil; an error says that this could not be found out. A bearer is
// no browser's: whoever sends one is shown what strangers are.
func (s *server) who(r *http.Request) (*pairing.Device, error) {
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
	return page.Viewer{User: d.UserID, Role: string(d.Role), Device: deviceLabel(d.PairedDevice), DeviceID: d.DeviceID}
}

func callerOf(d *pairing.Device) session.Caller {
	return session.Caller{UserID: d.UserID, Role: d.Role}
}

// show renders a page.
func (s *server) show(w http.ResponseWriter, r *http.Request, status int, content templ.Component) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if err := content.Render(r.Context(), w); err != nil && !errors.Is(err, context.Canceled) {
		s.Log.Debug("page not delivered", "path", r.URL.Path, "error", err)
	}
}

// gate shows the page of a browser that is not let in. It is also the shell for
// one whose cookie did not come along, because a link elsewhere led here: the
// client connects, finds itself let in and reloads.
func (s *server) gate(w http.ResponseWriter, r *http.Request) {
	s.show(w, r, http.StatusOK, page.Pairing(page.PairingModel{
		Site: s.site, State: markup.StateConnecting, DeviceName: words.Browser(r.UserAgent()),
	}))
}

// fromElsewhere reports whether a link on another site led here, so that the
// browser kept its cookie back.
func fromElsewhere(r *http.Request) bool {
	from := r.Header.Get("Sec-Fetch-Site")
	return from == "cross-site" || from == "same-site"
}

func (s *server) login(w http.ResponseWriter, r *http.Request) {
	s.show(w, r, http.StatusOK, page.Login(page.LoginModel{Site: s.site, State: markup.StateForm}))
}

func (s *server) notFound(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/api/") {
		fail(w, http.StatusNotFound, protocol.Refuse(protocol.NotFound, "there is nothing at this address"))
		return
	}
	s.notice(w, r, http.StatusNotFound, "Nothing here", "There is no page at this address.", "")
}

func (s *server) notice(w http.ResponseWriter, r *http.Request, status int, title, text, detail string) {
	s.show(w, r, status, page.Notice(page.NoticeModel{
		Site: s.site, Status: strconv.Itoa(status), Title: title, Text: text, Detail: detail,
		ActionText: "To the chat", ActionHref: "/",
	}))
}

// failed shows the notice for a page that could not be made.
func (s *server) failed(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // nobody waits for it any more
	}
	refusal := s.Refusals.Refusal(err)
	switch refusal.Code {
	case protocol.Forbidden:
		s.notice(w, r, http.StatusForbidden, "Not yours", "This chat belongs to somebody else.", "")
	case protocol.NotFound:
		s.notice(w, r, http.StatusNotFound, words.NoSession, "This chat was deleted, or never existed.", "")
	case protocol.Unavailable:
		s.notice(w, r, http.StatusServiceUnavailable, "One moment, please",
			"The gateway cannot reach its store right now. Nothing is lost: reload the page in a moment.", "")
	default:
		s.notice(w, r, http.StatusInternalServerError, "Something went wrong",
			"The gateway failed to make this page. Reload it; if that does not help, tell an admin.", refusal.Message)
	}
}
