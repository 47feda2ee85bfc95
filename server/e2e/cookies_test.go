package e2e

import (
	"net/http/httputil"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/gatehouse-chat/gatehouse/shared/markup"
)

// browserWithoutCookies starts a Chromium whose user has blocked all cookies, and returns
// its tab. navigator.cookieEnabled is true there all the same.
func browserWithoutCookies(t *testing.T) *tab {
	t.Helper()
	profile := filepath.Join(t.TempDir(), "profile")
	if err := os.MkdirAll(filepath.Join(profile, "Default"), 0o700); err != nil {
		t.Fatal(err)
	}
	settings := `{"profile":{"default_content_setting_values":{"cookies":2}}}`
	if err := os.WriteFile(filepath.Join(profile, "Default", "Preferences"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	return openTab(t, browser(t, chromedp.UserDataDir(profile)))
}

// devicesOf counts what the admin's page shows: pending requests and paired devices.
func devicesOf(admin *tab) (pending, paired int) {
	admin.t.Helper()
	return admin.number(`document.querySelectorAll("#` + markup.IDPendingList + ` > *").length`),
		admin.number(`document.querySelectorAll("#` + markup.IDDeviceList + ` > *").length`)
}

// checkNobodyElse checks that only the admin's own device is there, and nobody waits.
func checkNobodyElse(t *testing.T, g *gatehouse, admin *tab) {
	t.Helper()
	admin.open(g.url("/admin"))
	if pending, paired := devicesOf(admin); pending != 0 || paired != 1 {
		t.Errorf("%d requests wait, %d devices are paired; want 0 and the admin's own", pending, paired)
	}
}

// TestCookiesAreBlocked opens the gate and signs in, again and again, with a browser that
// keeps no cookies. It is told why, and leaves no code and no device behind.
func TestCookiesAreBlocked(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	b := browserWithoutCookies(t)
	b.open(g.url("/"))
	for range 4 {
		b.wait("the gate says so", stateIs(markup.StateNoCookies))
		b.run("reload", chromedp.Reload())
		b.waitForClient()
	}
	b.wait("the gate says so", stateIs(markup.StateNoCookies))
	b.screenshot("gate")
	if text := b.text(".arch"); !strings.Contains(text, "keeps no cookies") || !strings.Contains(text, "Allow cookies") {
		t.Errorf("the gate says %q", text)
	}
	b.click(`.door-when[data-when="` + markup.StateNoCookies + `"] ` + actionSelector(markup.ActionAskAgain))
	b.wait("again", stateIs(markup.StateNoCookies))

	b.open(g.adminLink())
	b.wait("the login says so", stateIs(markup.StateNoCookies))
	b.screenshot("login")
	b.fill("#"+markup.IDTokenInput, g.token())
	b.run("press Enter", enter)
	b.wait("the form is free again", stateIs(markup.StateNoCookies)+` && document.querySelector("#`+markup.IDLoginForm+`").dataset.state === "`+markup.FormIdle+`"`)
	if text := b.text(".login-notes"); !strings.Contains(text, "keeps no cookies") {
		t.Errorf("the login says %q", text)
	}
	// The link was not used up.
	admin := newTab(t, browser(t))
	signIn(t, g, admin)
	checkNobodyElse(t, g, admin)
}

// TestCookiesAreLostOnTheWay puts a proxy in front that removes the cookie: from every
// request, from the WebSocket's alone, and from pages alone.
func TestCookiesAreLostOnTheWay(t *testing.T) {
	t.Parallel()
	chromium := browser(t)
	for name, lost := range map[string]func(path string) bool{
		"everywhere":           func(string) bool { return true },
		"at the WebSocket":     func(path string) bool { return path == "/ws" },
		"at pages of the chat": func(path string) bool { return path == "/" },
	} {
		g := startGatehouse(t, "")
		admin := newTab(t, chromium)
		signIn(t, g, admin)
		direct := *g
		startReverseProxy(t, g, func(r *httputil.ProxyRequest) {
			if lost(r.In.URL.Path) {
				r.Out.Header.Del("Cookie")
			}
		}, nil)
		b := newTab(t, chromium)
		b.open(g.url("/"))
		if name == "at pages of the chat" {
			b.wait("the code", stateIs(markup.StateWaiting))
			approve(admin, evaluate[string](b, `document.querySelector("#`+markup.IDPairingCode+`").dataset.code`))
		}
		b.within(10*time.Second, name+": the gate says so", stateIs(markup.StateNoCookies))
		if name != "at pages of the chat" {
			checkNobodyElse(t, &direct, admin)
		}
	}
}
