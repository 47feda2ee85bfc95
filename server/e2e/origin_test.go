package e2e

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/gatehouse-chat/gatehouse/shared/markup"
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

func TestForeignOriginIsRefused(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	b := newTab(t, browser(t))
	b.expectProblem("WebSocket connection to")
	b.run("open the foreign page", chromedp.Navigate(foreignPage(t, g)))
	b.wait("refused", `document.title === "refused"`)
	if !strings.Contains(g.Log(), "security.origin_rejected") {
		t.Error("the log does not say security.origin_rejected")
	}
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

// TestTwoTabs shows the same answer in two tabs of one browser.
func TestTwoTabs(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	first, _ := pairedTabs(t, g)
	first.send("Hello there")
	first.wait("an answer", replyIs(markup.StatusComplete))
	second := first.openBeside()
	second.open(evaluate[string](first, "location.href"))
	second.wait("connected", connectionIs(markup.LinkConnected))
	first.send("Write some code")
	second.wait("the other tab's answer", replyIs(markup.StatusComplete)+` && document.querySelectorAll("`+messages+` > *").length === 4`)
	first.wait("the answer", replyIs(markup.StatusComplete))
	if a, b := renderedMessages(first), renderedMessages(second); a != b {
		t.Errorf("the tabs differ:\n%s\n\n%s", a, b)
	}
}
