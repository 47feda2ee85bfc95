package interop

import (
	_ "embed"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
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

// quietFirefox are preferences with which Firefox connects to no servers but the tests'.
const quietFirefox = `
user_pref("app.normandy.enabled", false);
user_pref("app.update.disabledForTesting", true);
user_pref("browser.aboutwelcome.enabled", false);
user_pref("browser.newtabpage.enabled", false);
user_pref("browser.region.network.url", "");
user_pref("browser.safebrowsing.update.enabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.startup.page", 0);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("dom.push.connection.enabled", false);
user_pref("extensions.systemAddon.update.enabled", false);
user_pref("extensions.update.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("services.settings.server", "data:,#remote-settings-dummy/v1");
user_pref("toolkit.telemetry.server", "");
`

// startFirefox starts Firefox with a profile of its own.
func startFirefox(t testing.TB, args ...string) *rig.Program {
	t.Helper()
	path := os.Getenv("E2E_FIREFOX")
	if path == "" {
		path = rig.FindCommand(t, "firefox-esr", "firefox-esr", "firefox")
	}
	home := t.TempDir()
	profile := filepath.Join(home, "profile")
	if err := os.Mkdir(profile, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(profile, "user.js"), []byte(strings.TrimSpace(quietFirefox)), 0o600); err != nil {
		t.Fatal(err)
	}
	return rig.Start(t, rig.Command{
		Path: path, Args: append([]string{"--headless", "--no-remote", "--profile",
			profile}, args...),
		Env: []string{"HOME=" + home, "MOZ_CRASHREPORTER_DISABLE=1"},
	})
}
