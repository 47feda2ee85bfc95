package interop

import (
	_ "embed"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/e2e/rig"
)

//go:embed testdata/peer.html
var peerPage []byte

// page opens WebSockets in whichever browser shows it.
type page struct {
	*bridge
	server *httptest.Server
}

// newPage serves the page under an origin of its own. If framed is not "", the page shows
// the page with that address in a frame.
func newPage(t testing.TB, framed string) *page {
	t.Helper()
	commands, closing := make(chan []byte, 1<<10), make(chan struct{})
	p := &page{bridge: &bridge{t: t, send: func(line []byte) error {
		commands <- line
		return nil
	}}}
	routes := http.NewServeMux()
	routes.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write(peerPage)
		if framed != "" {
			_, _ = io.WriteString(w, `<iframe src="`+framed+`"></iframe>`)
		}
	})
	routes.HandleFunc("GET /commands", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.WriteHeader(http.StatusOK)
		for {
			_ = http.NewResponseController(w).Flush()
			select {
			case line := <-commands:
				_, _ = w.Write([]byte("data: " + string(line) + "\n\n"))
			case <-r.Context().Done():
				return
			case <-closing:
				return
			}
		}
	})
	routes.HandleFunc("POST /events", func(w http.ResponseWriter, r *http.Request) {
		line, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("a report of the page: %v", err)
			return
		}
		p.receive(line)
	})
	p.server = httptest.NewServer(routes)
	t.Cleanup(func() {
		close(closing)
		p.server.CloseClientConnections()
		p.server.Close()
	})
	return p
}

// openChromium shows a page in Chromium.
func openChromium(t testing.TB, url string) {
	t.Helper()
	path := os.Getenv("E2E_BROWSER")
	if path == "" {
		path = rig.FindCommand(t, "chromium", "chromium", "chromium-browser", "google-chrome")
	}
	rig.Start(t, rig.Command{Path: path, Args: []string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--user-data-dir=" + t.TempDir(), url,
	}})
}
