package httpd

import (
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// policy is the pages' Content-Security-Policy. It allows only our own files, no inline
// scripts or styles, and images that a page has made itself.
const policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; " +
	"img-src 'self' blob: data:; connect-src 'self'; font-src 'self'; manifest-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// setHeaders sets the headers that every response has. A handler may override them: the
// one for assets replaces Cache-Control.
func (s *server) setHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		if s.secure(r) { // over plain HTTP, browsers ignore these and log a warning
			h.Set("Cross-Origin-Opener-Policy", "same-origin")
			if d := s.settings(r).HSTS; d > 0 {
				// RFC 6797 §6.1
				h.Set("Strict-Transport-Security", "max-age="+strconv.FormatInt(int64(d/time.Second), 10))
			}
		}
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// recoverPanics answers a panic with 500 and logs it.
func (s *server) recoverPanics(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if v == http.ErrAbortHandler {
				panic(v)
			}
			s.Log.Error("panic in a request", "path", r.URL.Path, "panic", v, "stack", string(debug.Stack()))
			writeError(w, http.StatusInternalServerError,
				protocol.Refuse(protocol.Internal, "something went wrong in the gateway; it was logged"))
		}()
		next.ServeHTTP(w, r)
	})
}

// cors lets pages of the allowed origins use the HTTP API, without cookies, and refuses
// requests of pages of any other origin.
func (s *server) cors(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page, site := r.Header.Get("Origin"), r.Header.Get("Sec-Fetch-Site")
		w.Header().Add("Vary", "Origin")
		switch {
		case page == "" && site != "" && site != "same-origin" && !openedByUser(r), !s.originAllowed(r):
			s.rejectOrigin(w, r)
			return
		case page != "" && !s.sameOrigin(r):
			w.Header().Set("Access-Control-Allow-Origin", page)
			w.Header().Set("Access-Control-Allow-Methods", "GET, POST, DELETE")
			w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type, "+
				senderHeader+", "+userHeader)
			w.Header().Set("Access-Control-Max-Age", "600")
		}
		if r.Method == http.MethodOptions { // a preflight
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// openedByUser reports whether the user has typed the URL or opened a bookmark: no page
// has made the request.
func openedByUser(r *http.Request) bool {
	return r.Header.Get("Sec-Fetch-Site") == "none" && isRead(r)
}
