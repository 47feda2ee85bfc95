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

// Script returns the URL of the script that every page is to load.
func Script() string { return scriptPath }

// Mount adds the script and the stream of events that it reads.
func Mount(r chi.Router) {
	s := &stream{build: build(), stopped: make(chan struct{})}
	r.Get(scriptPath, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = io.WriteString(w, script)
	})
	r.Get(eventsPath, s.serve)
}

// build names this build as the development loop does, "page.style": pages
// reload when the first part changed, and take the new style sheet when only the
// second did. Without the loop every start is a new build.
func build() string {
	if name := os.Getenv("LIVERELOAD_BUILD"); name != "" {
		return name
	}
	return fmt.Sprintf("%d.0", time.Now().UnixNano())
}

type stream struct {
	build    string
	watching sync.Once
	stopped  chan struct{} // closed when the HTTP server shuts down
}

// serve names the build and then holds the connection until one side goes. A
// server that shuts down waits for its connections, so it has to be told.
func (s *stream) serve(w http.ResponseWriter, r *http.Request) {
	s.watching.Do(func() {
		if server, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok {
			server.RegisterOnShutdown(func() { close(s.stopped) })
		}
	})
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	fmt.Fprintf(w, "retry: 200\nevent: build\ndata: %s\n\n", s.build)
	connection := http.NewResponseController(w)
	_ = connection.SetWriteDeadline(time.Time{}) // of no use where there is none
	if connection.Flush() != nil {
		return
	}
	select {
	case <-r.Context().Done():
	case <-s.stopped:
	}
}
