package httpd

import (
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/gatehouse-chat/gatehouse/server/internal/access"
	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/media"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// mediaPolicy is the Content-Security-Policy of files. A file that is opened as a page
// can run and load nothing, and has no origin.
const mediaPolicy = "default-src 'none'; sandbox"

// file is GET and HEAD /api/media/{id}: a file's bytes, or with ?thumbnail its
// thumbnail.
func (s *server) file(w http.ResponseWriter, r *http.Request) {
	f, who, err := s.findFile(r)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	open, version, mime := s.Media.Open, hex.EncodeToString(f.Sum[:16]), f.MimeType
	if r.URL.Query().Has("thumbnail") {
		open, version, mime = s.Media.OpenThumbnail, version+"-thumbnail", f.Thumbnail
	}
	content, err := open(f)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	defer func() { _ = content.Close() }() // nothing was written
	if strings.HasPrefix(mime, "text/") {
		mime += "; charset=utf-8"
	}
	h := w.Header()
	h.Set("Content-Type", mime)
	h.Set("Content-Disposition", disposition(f))
	h.Set("Content-Security-Policy", mediaPolicy)
	h.Set("ETag", `"`+version+`"`)
	// A browser may keep the file but must ask each time, since access may have ended.
	h.Set("Cache-Control", "private, no-cache")
	to := &pacedWriter{ResponseWriter: w, ends: endOf(who)}
	http.ServeContent(to, r, "", time.Time{}, content)
	s.Metrics.MediaServed(to.written)
}

// findFile finds the file, if the caller may read it. It audits an admin who reads
// another user's file.
func (s *server) findFile(r *http.Request) (media.File, access.Identity, error) {
	c, err := s.identify(r)
	if err != nil {
		return media.File{}, c, err
	}
	f, err := s.Media.Find(r.Context(), c.Caller(), chi.URLParam(r, "id"))
	if err != nil || f.UserID == c.UserID || f.SessionUser == c.UserID {
		return f, c, err
	}
	return f, c, s.Audit.BeginRead(r.Context(), c.Actor(s.clientAddress(r)), fileAct(audit.MediaRead, f))
}

// removeFile is DELETE /api/media/{id}, for a file that is in no message.
func (s *server) removeFile(w http.ResponseWriter, r *http.Request) {
	if err := s.deleteFile(r); err != nil {
		s.refuse(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *server) deleteFile(r *http.Request) error {
	c, err := s.requireRole(r, protocol.Operator)
	if err != nil {
		return err
	}
	f, err := s.Media.Find(r.Context(), c.Caller(), chi.URLParam(r, "id"))
	if err != nil {
		return err
	}
	if f.UserID == c.UserID {
		return s.Media.Delete(r.Context(), c.Caller(), f.ID)
	}
	ended, err := s.Audit.Begin(r.Context(), c.Actor(s.clientAddress(r)),
		fileAct(audit.MediaDelete, f))
	if err != nil {
		return err
	}
	err = s.Media.Delete(r.Context(), c.Caller(), f.ID)
	ended(err)
	return err
}

// fileAct is an act on another user's file.
func fileAct(action string, f media.File) audit.Act {
	return audit.Act{Action: action, Target: audit.Media(f.ID), Detail: f.Filename + " of " + f.UserID}
}

// disposition is the Content-Disposition: whether a browser may show the file, and the
// name under which it saves the file (RFC 6266, RFC 8187).
func disposition(f media.File) string {
	how := "attachment"
	if f.Image() {
		how = "inline"
	}
	plain := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || strings.ContainsRune(`"\%`, r) {
			return '_'
		}
		return r
	}, f.Filename)
	value := how + `; filename="` + plain + `"`
	if plain != f.Filename {
		value += "; filename*=UTF-8''" + extValue(f.Filename)
	}
	return value
}

// extValue encodes a text as an ext-value (RFC 8187 §3.2.1).
func extValue(s string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' ||
			strings.IndexByte("!#$&+-.^_`|~", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteString("%" + string(digits[c>>4]) + string(digits[c&15]))
	}
	return b.String()
}
