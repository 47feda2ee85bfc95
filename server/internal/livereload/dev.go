//go:build dev

package livereload

import (
	_ "embed"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"
)

//go:embed reload.js
var script string

const (
	scriptPath = "/dev/reload.js"
	eventsPath = "/dev/events"
)

// Script returns the URL of the script that every page must load.
func Script() string { return scriptPath }

// Mount adds routes for the script and for the event stream that the script reads.
func Mount(r chi.Router) {
	s := &stream{build: buildName(), stopped: make(chan struct{})}
	r.Get(scriptPath, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = io.WriteString(w, script)
	})
	r.Get(eventsPath, s.serve)
}

// buildName returns the name that the development loop has given this build, as
// "page.style". Pages reload if the first part has changed, and replace their style
// sheet if only the second has. Without the loop every start has a new name.
func buildName() string {
	if name := os.Getenv("LIVERELOAD_BUILD"); name != "" {
		return name
	}
	return fmt.Sprintf("%d.0", time.Now().UnixNano())
}

// stream serves the event stream.
type stream struct {
	build    string        // its name
	register sync.Once     // for the end of the server
	stopped  chan struct{} // closed when the HTTP server shuts down
}

// serve sends the name of the build and then keeps the connection open until the client
// or the server ends it. A server that shuts down waits for its connections, so serve
// must return then.
func (s *stream) serve(w http.ResponseWriter, r *http.Request) {
	s.register.Do(func() {
		if server, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok {
			server.RegisterOnShutdown(func() { close(s.stopped) })
		}
	})
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	fmt.Fprintf(w, "retry: 200\nevent: build\ndata: %s\n\n", s.build)
	connection := http.NewResponseController(w)
	_ = connection.SetWriteDeadline(time.Time{}) // fails only if there is no deadline
	if connection.Flush() != nil {
		return
	}
	select {
	case <-r.Context().Done():
	case <-s.stopped:
	}
}
