package e2e

import (
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/gatehouse-chat/gatehouse/shared/markup"
)

// looks are how people see the pages.
var looks = []struct {
	name          string
	width, height int64
	scheme        string
}{
	{"laptop-light", 1280, 800, "light"},
	{"laptop-dark", 1280, 800, "dark"},
	{"phone-light", 390, 844, "light"},
	{"phone-dark", 390, 844, "dark"},
}

// TestPictures takes pictures of every page for people to look at. It needs
// E2E_PICTURES, a directory to put them in.
func TestPictures(t *testing.T) {
	if os.Getenv("E2E_PICTURES") == "" {
		t.Skip("E2E_PICTURES names no directory for pictures")
	}
	g := startGatehouse(t, "")
	chromium := browser(t)
	user, admin, waiting, login := newTab(t, chromium), newTab(t, chromium), newTab(t, chromium), newTab(t, chromium)
	code := pairingCode(user, g)
	signIn(t, g, admin)
	approve(admin, code)
	user.wait("the chat", `document.body?.dataset.page === "`+markup.PageChat+`"`)
	user.taken()
	user.wait("connected", link(markup.LinkConnected))
	pictures(user, "new")
	user.say("Show me some markdown")
	user.wait("an answer", replyIs(markup.StatusComplete))
	user.say("error")
	user.wait("a failure", replyIs(markup.StatusFailed))
	pictures(user, "chat")
	pairingCode(waiting, g)
	pictures(waiting, "pairing")
	admin.wait("a request", `!!document.querySelector("#`+markup.IDPendingList+` > *")`)
	pictures(admin, "admin")
	login.open(g.url("/login"))
	pictures(login, "login")
	for _, page := range []string{"/docs", "/docs/configuration", "/docs/network", "/docs/architecture"} {
		login.run("open "+page, chromedp.Navigate(g.url(page)))
		pictures(login, strings.ReplaceAll(page[1:], "/", "-"))
	}
}

func pictures(b *tab, name string) {
	b.t.Helper()
	for _, l := range looks {
		b.look(l.width, l.height, l.scheme)
		b.shoot(name + "-" + l.name)
		if wide := b.number(`document.documentElement.scrollWidth - innerWidth`); wide > 0 {
			b.t.Errorf("%s on %s is %d px too wide", name, l.name, wide)
		}
	}
}

// look gives the tab a size and a colour scheme, and waits until it is painted so.
func (b *tab) look(width, height int64, scheme string) {
	b.t.Helper()
	b.run("look "+scheme, chromedp.EmulateViewport(width, height),
		command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: scheme},
				{Name: "prefers-reduced-motion", Value: "reduce"}, // no colour on its way to another
			}}),
		chromedp.Evaluate[chromedp.Void](`window.painted = false; requestAnimationFrame(() => requestAnimationFrame(() => window.painted = true)); void 0`))
	b.wait("it is painted anew", `window.painted`)
}
