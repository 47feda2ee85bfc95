package firefox

import (
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/e2e/rig"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
)

// TestCookiesAreBlocked opens the gate and a sign-in link in a Firefox whose user has
// blocked all cookies. Such a Firefox also refuses sessionStorage, localStorage and
// IndexedDB. It is told why, and leaves no code and no device behind.
func TestCookiesAreBlocked(t *testing.T) {
	t.Parallel()
	rig.Binary(t)
	b := Open(t, `user_pref("network.cookie.cookieBehavior", 2);`)
	g := rig.StartGatewayWithoutToken(t, "")
	b.Navigate(g.URL("/"))
	for range 4 {
		b.Wait("the gate says so", stateIs(markup.StateNoCookies))
		b.Reload()
	}
	b.Wait("the gate says so", stateIs(markup.StateNoCookies))
	if text := b.Evaluate(`document.querySelector(".arch").innerText`); !strings.Contains(text, "keeps no cookies") {
		t.Errorf("the gate says %q", text)
	}
	_, code, _ := strings.Cut(g.SignInLink(), "#")
	b.Navigate(g.URL("/login#" + code))
	b.Wait("the login says so", stateIs(markup.StateNoCookies))
	if text := b.Evaluate(`document.querySelector(".login-notes").innerText`); !strings.Contains(text, "a sign-in link still works") {
		t.Errorf("the login says %q", text)
	}
	if errors := b.Errors(); len(errors) > 0 {
		t.Errorf("the page reports %q", errors)
	}
	// The link was not used up, and nobody has asked for approval.
	admin := Open(t, "")
	admin.Navigate(g.URL("/login#" + code))
	admin.Wait("the admin page", pageIs(markup.PageAdmin)+` && document.body.dataset.boot === "`+markup.BootReady+`"`)
	for id, want := range map[string]string{markup.IDPendingList: "0", markup.IDDeviceList: "1"} {
		if got := admin.Evaluate(`document.getElementById("` + id + `").children.length`); got != want {
			t.Errorf("%s has %s entries, want %s", id, got, want)
		}
	}
}
