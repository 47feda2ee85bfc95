package e2e

import (
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/gatehouse-chat/gatehouse/shared/markup"
)

// viewports are the screens and colour schemes on which people see the pages.
var viewports = []struct {
	name          string
	width, height int64
	scheme        string
}{
	{"laptop-light", 1280, 800, "light"},
	{"laptop-dark", 1280, 800, "dark"},
	{"phone-light", 390, 844, "light"},
	{"phone-dark", 390, 844, "dark"},
}

// TestPictures takes pictures of every page for people to look at, into the directory
// E2E_PICTURES.
func TestPictures(t *testing.T) {
	if os.Getenv("E2E_PICTURES") == "" {
		t.Skip("E2E_PICTURES names no directory for pictures")
	}
	g := startGatehouse(t, "")
	chromium := browser(t)
	user, admin, waiting, login := newTab(t, chromium), newTab(t, chromium), newTab(t,
		chromium), newTab(t, chromium)
	code := pairingCode(user, g)
	signIn(t, g, admin)
	approve(admin, code)
	user.wait("the chat", `document.body?.dataset.page === "`+markup.PageChat+`"`)
	user.waitForClient()
	user.wait("connected", connectionIs(markup.LinkConnected))
	screenshots(user, "new")
	user.send("Show me some markdown")
	user.wait("an answer", replyIs(markup.StatusComplete))
	user.send("error")
	user.wait("a failure", replyIs(markup.StatusFailed))
	screenshots(user, "chat")
	pairingCode(waiting, g)
	screenshots(waiting, "pairing")
	admin.wait("a request", `!!document.querySelector("#`+markup.IDPendingList+` > *")`)
	screenshots(admin, "admin")
	login.open(g.url("/login"))
	screenshots(login, "login")
	for _, page := range []string{"/docs", "/docs/configuration", "/docs/network", "/docs/architecture"} {
		login.run("open "+page, chromedp.Navigate(g.url(page)))
		screenshots(login, strings.ReplaceAll(page[1:], "/", "-"))
	}
}

// screenshots takes a picture on each of the viewports, and checks that the page is not
// too wide.
func screenshots(b *tab, name string) {
	b.t.Helper()
	for _, l := range viewports {
		b.emulate(l.width, l.height, l.scheme)
		b.screenshot(name + "-" + l.name)
		if wide := b.number(`document.documentElement.scrollWidth - innerWidth`); wide > 0 {
			b.t.Errorf("%s on %s is %d px too wide", name, l.name, wide)
		}
	}
}

// emulate gives the tab a size and a colour scheme, and waits until the page is painted
// that way.
func (b *tab) emulate(width, height int64, scheme string) {
	b.t.Helper()
	b.run("look "+scheme, chromedp.EmulateViewport(width, height),
		command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: scheme},
				{Name: "prefers-reduced-motion",
					Value: "reduce"}, // no colour on its way to another
			}}),
		chromedp.Evaluate[chromedp.Void](`window.painted = false; requestAnimationFrame(() => requestAnimationFrame(() => window.painted = true)); void 0`))
	b.wait("it is painted anew", `window.painted`)
}
