package e2e

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/gatehouse-chat/gatehouse/server/internal/certs/certstest"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
)

// TestTLS signs an admin in over TLS. The page comes over HTTP/2, which has no upgrade;
// its WebSocket opens all the same.
func TestTLS(t *testing.T) {
	t.Parallel()
	cert, key := certstest.Write(t, t.TempDir(), "localhost", 1)
	g := startGatehouse(t, fmt.Sprintf(`{ tls: { cert_file: %q, key_file: %q } }`, cert, key))
	b := newTab(t, browser(t, chromedp.Flag("ignore-certificate-errors", true)))
	b.run("open the link", chromedp.Navigate(g.SignInLink()))
	b.wait("the admin page", `document.body?.dataset.page === "`+markup.PageAdmin+`"`)
	b.wait("the admin is connected", connectionIs(markup.LinkConnected))
	if p := evaluate[string](b, `performance.getEntriesByType("navigation")[0].nextHopProtocol`); p != "h2" {
		t.Errorf("the page came by %s", p)
	}
	b.run("load it again", chromedp.Reload()) // with the __Host- cookie
	b.wait("the admin is connected again", connectionIs(markup.LinkConnected))
}
