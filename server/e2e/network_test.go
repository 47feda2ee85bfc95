package e2e

import (
	"net"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/gatehouse-chat/gatehouse/shared/markup"
)

// networkURL is the URL of a path under a name that is not this machine's own, as a phone
// has it: plain HTTP, and no secure context.
func networkURL(g *gatehouse, path string) string {
	_, port, _ := net.SplitHostPort(g.Address)
	return "http://" + networkName + ":" + port + path
}

// TestOnTheNetwork pairs with the QR code's link, and chats, where browsers give a page
// less than on the machine itself.
func TestOnTheNetwork(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, `{ gateway: { hosts: ["`+networkName+`"] } }`)
	chromium := browser(t)
	user, admin := newTab(t, chromium), newTab(t, chromium)
	user.open(networkURL(g, "/"))
	user.wait("the code", stateIs(markup.StateWaiting))
	user.wait("the QR code", `(e => !e.hidden && e.naturalWidth > 0)(document.getElementById("`+markup.IDPairingQR+`"))`)
	user.screenshot("qr")
	if secure := evaluate[bool](user, "isSecureContext"); secure {
		t.Error("the page is in a secure context, which this test is not about")
	}
	code := evaluate[string](user, `document.getElementById("`+markup.IDPairingCode+`").dataset.code`)
	_, fragment, _ := strings.Cut(g.SignInLink(), "#")
	admin.run("sign in", chromedp.Navigate(networkURL(g, "/login#"+fragment)))
	admin.wait("the admin page", `document.body?.dataset.page === "`+markup.PageAdmin+`"`)
	admin.run("leave", chromedp.Navigate("about:blank"))
	admin.open(networkURL(g, "/admin#"+code))
	dialog := "#" + markup.IDApproveDialog
	admin.wait("the dialog for the code", `document.querySelector("`+dialog+`").open && document.querySelector("`+dialog+`").dataset.code === "`+code+`"`)
	admin.click(dialog + ` button[type=submit][data-when="form busy"]`)
	user.wait("the chat", `document.body?.dataset.page === "`+markup.PageChat+`"`)
	user.waitForClient()
	user.wait("connected", connectionIs(markup.LinkConnected))
	user.send("Hello there")
	user.wait("an answer", replyIs(markup.StatusComplete))
	user.click(lastReply + ` [data-action="` + markup.ActionCopyMessage + `"]`)
	user.wait("copied", `document.querySelector('`+lastReply+` [data-action="`+markup.ActionCopyMessage+`"]').dataset.state === "`+markup.CopyDone+`"`)
}
