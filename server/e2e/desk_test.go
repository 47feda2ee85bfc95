package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/gatehouse-chat/gatehouse/shared/markup"
)

// TestLeaveComeBackAndSignOut follows a browser at the gate: it leaves and comes back, an
// admin finds it by its code, and after it has signed out it asks for nothing by itself.
func TestLeaveComeBackAndSignOut(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	chromium := browser(t)
	user, admin := newTab(t, chromium), newTab(t, chromium)
	code := pairingCode(user, g)
	signIn(t, g, admin)
	left := func(is string) string {
		return `document.querySelector(` + quote(cardSelector(code)) + `)?.dataset.left === "` + is + `"`
	}
	admin.wait("the card", left("false"))
	user.run("close the page", chromedp.Navigate("about:blank"))
	admin.within(6*time.Second, "it has left", left("true"))
	if again := pairingCode(user, g); again != code {
		t.Errorf("back, it shows the code %s, want %s", again, code)
	}
	admin.within(2*time.Second, "it is back", left("false"))

	admin.fill("#"+markup.IDFindCode, " "+strings.ToLower(code[:4])+"-"+code[4:])
	admin.click(`.find-code button[type=submit]`)
	dialog := "#" + markup.IDApproveDialog
	admin.wait("the dialog", `document.querySelector("`+dialog+`").open`)
	if shown := strings.ReplaceAll(admin.text(dialog+" .dialog-code"), " ", ""); shown != code {
		t.Fatalf("the dialog shows code %q, not %q", shown, code)
	}
	admin.click(dialog + ` button[type=submit][data-when="form busy"]`)
	user.wait("the chat", `document.body?.dataset.page === "`+markup.PageChat+`"`)
	user.waitForClient()
	user.wait("connected", connectionIs(markup.LinkConnected))

	user.click(`[data-action="` + markup.ActionSignOut + `"]`)
	user.click("#" + markup.IDSignOutDialog + ` [data-action="` + markup.ActionConfirmSignOut + `"]`)
	user.wait("signed out", `document.body?.dataset.page === "`+markup.PagePairing+`" && `+
		stateIs(markup.StateSignedOut))
	user.screenshot("signed-out")
	user.run("reload", chromedp.Reload())
	user.wait("still signed out", stateIs(markup.StateSignedOut))
	admin.wait("the admin's line", `!!document.querySelector("#`+markup.IDResolvedList+
		` > [data-state=`+markup.ResolvedSignedOut+`]")`)
	if n := admin.number(`document.querySelectorAll("#` + markup.IDPendingList + ` > *").length`); n != 0 {
		t.Errorf("%d requests wait after the sign-out", n)
	}
	user.click(`.door-when[data-when="` + markup.StateSignedOut + `"] [data-action="` + markup.ActionAskAgain + `"]`)
	user.wait("a code", stateIs(markup.StateWaiting))
	admin.wait("a card", `document.querySelectorAll("#`+markup.IDPendingList+` > *").length === 1`)
}
