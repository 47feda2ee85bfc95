package e2e

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/chromedp/chromedp"
)

// foreignPage serves a page of another origin that tries to connect, and shows the
// outcome in its title.
func foreignPage(t *testing.T, g *gatehouse) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<!doctype html><link rel="icon" href="data:,"><script>
			const s = new WebSocket("ws://` + g.Address + `/ws");
			s.onopen = () => s.send('{"type":"req","id":"1","method":"connect"}');
			s.onmessage = e => document.title = e.data;
			s.onerror = () => document.title = "refused";
		</script>`))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// TestForeignOriginThatIsAllowed connects from an allowed origin: the cookie of the
// gateway's own pages does not count there.
func TestForeignOriginThatIsAllowed(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, `{ gateway: { allowed_origins: ["*"] } }`)
	b := newTab(t, browser(t))
	signIn(t, g, b)
	foreign := b.openBeside()
	foreign.run("open the foreign page", chromedp.Navigate(foreignPage(t, g)))
	foreign.wait("an answer", `document.title.includes("pending_pairing") && !document.title.includes('"role"')`)
}
