package static

import (
	"io"
	"net/http"
	"strconv"
	"strings"
)

// forever asks caches to keep a file for a year, the longest usual time (RFC 9111, section
// 5.2.2.1), and not to check it on a reload (RFC 8246).
const forever = "public, max-age=31536000, immutable"

// ServeHTTP answers GET and HEAD of a hashed name with the smallest form that the client
// accepts, and everything else with 404 or 405. It ignores Range and sends the whole file
// (RFC 9110, section 14.2).
func (a *Assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "Method Not Allowed", http.StatusMethodNotAllowed)
		return
	}
	name, ok := strings.CutPrefix(r.URL.Path, Prefix)
	f, known := a.files[name]
	if !ok || !known {
		h.Set("Cache-Control", "no-store")
		http.NotFound(w, r)
		return
	}
	a.send(w, r, f)
}

func (a *Assets) send(w http.ResponseWriter, r *http.Request, f file) {
	chosen := choose(f.forms, r.Header.Values("Accept-Encoding"))
	content, err := a.dist.Open(chosen.name)
	if err != nil {
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
		return
	}
	defer content.Close()
	h := w.Header()
	h.Set("Content-Type", f.mediaType)
	h.Set("Cache-Control", forever)
	h.Set("Content-Length", strconv.FormatInt(chosen.size, 10))
	if len(f.forms) > 1 {
		h.Set("Vary", "Accept-Encoding")
	}
	if chosen.coding != "identity" {
		h.Set("Content-Encoding", chosen.coding)
	}
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodGet {
		_, _ = io.Copy(w, content) // an error means that the client is gone
	}
}
