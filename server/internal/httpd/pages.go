package httpd

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/a-h/templ"

	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/words"
	"github.com/gatehouse-chat/gatehouse/web/page"
)

// render renders a page.
func (s *server) render(w http.ResponseWriter, r *http.Request, status int,
	content templ.Component) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if err := content.Render(r.Context(), w); err != nil && !errors.Is(err, context.Canceled) {
		s.Log.Debug("page not delivered", "path", r.URL.Path, "error", err)
	}
}

// showGate shows the page for a browser that is not paired. A browser that is paired
// gets it, too, if a link on another site led here, since then it sends no cookie: the
// client connects, is accepted, and reloads the page. So does a browser that was approved
// and has not got its new credential yet: the client asks for that first.
func (s *server) showGate(w http.ResponseWriter, r *http.Request) {
	s.render(w, r, http.StatusOK, page.Pairing(page.PairingModel{
		Site: s.site, State: markup.StateConnecting, DeviceName: words.Browser(r.UserAgent()),
	}))
}

// linkedFromElsewhere reports whether a link on another site led here, so that the
// browser has sent no cookie.
func linkedFromElsewhere(r *http.Request) bool {
	from := r.Header.Get("Sec-Fetch-Site")
	return from == "cross-site" || from == "same-site"
}

func (s *server) login(w http.ResponseWriter, r *http.Request) {
	s.render(w, r, http.StatusOK, page.Login(page.LoginModel{Site: s.site, State: markup.StateForm}))
}

func (s *server) notFound(w http.ResponseWriter, r *http.Request) {
	if underAPI(r) {
		writeError(w, http.StatusNotFound, protocol.Refuse(protocol.NotFound,
			"there is nothing at this address"))
		return
	}
	s.showNotice(w, r, http.StatusNotFound, "Nothing here", "There is no page at this address.", "")
}

func (s *server) showNotice(w http.ResponseWriter, r *http.Request, status int, title, text,
	detail string) {
	s.render(w, r, status, page.Notice(page.NoticeModel{
		Site: s.site, Status: strconv.Itoa(status), Title: title, Text: text, Detail: detail,
		ActionText: "To the chat", ActionHref: "/",
	}))
}

// showError shows the notice for a page that could not be rendered.
func (s *server) showError(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // the client is gone
	}
	refusal := s.Refusals.Refusal(err)
	switch refusal.Code {
	case protocol.Forbidden:
		s.showNotice(w, r, http.StatusForbidden, "Not yours", "This chat belongs to somebody else.", "")
	case protocol.NotFound:
		s.showNotice(w, r, http.StatusNotFound, words.NoSession,
			"This chat was deleted, or never existed.", "")
	case protocol.Unavailable:
		s.showNotice(w, r, http.StatusServiceUnavailable, "One moment, please",
			"The gateway cannot reach its store right now. Nothing is lost: reload the page in a moment.",
			"")
	case protocol.ResourceExhausted:
		s.showNotice(w, r, http.StatusTooManyRequests, "One at a time, please",
			"This page takes the gateway long, and you have asked for it several times at once. "+
				"Reload it in a moment.", refusal.Message)
	default:
		s.showNotice(w, r, http.StatusInternalServerError, "Something went wrong",
			"The gateway failed to make this page. Reload it; if that does not help, tell an admin.",
			refusal.Message)
	}
}
