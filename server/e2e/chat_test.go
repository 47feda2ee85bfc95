package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/gatehouse-chat/gatehouse/shared/markup"
)

const (
	messages  = "#" + markup.IDMessages
	lastReply = messages + " > :last-child"
)

// stateIs is a condition: the page has a state.
func stateIs(state string) string { return `document.body?.dataset.state === "` + state + `"` }

// connectionIs is a condition: the page shows the connection in a state.
func connectionIs(state string) string {
	return `document.querySelector("#` + markup.IDConnection +
		`")?.dataset.state === "` + state + `"`
}

// replyIs is a condition: the last message is an answer with a status.
func replyIs(status string) string {
	return `document.querySelector("` + lastReply +
		`.message-assistant")?.dataset.status === "` + status + `"`
}

// signIn opens the admin page with the sign-in link.
func signIn(t *testing.T, g *gatehouse, b *tab) {
	t.Helper()
	b.run("open the link", chromedp.Navigate(g.adminLink()))
	b.wait("the admin page", `document.body?.dataset.page === "`+markup.PageAdmin+`"`)
	b.waitForClient()
	b.wait("the admin is connected", connectionIs(markup.LinkConnected))
}

// pairingCode opens the chat in a new browser and returns the code that it shows.
func pairingCode(b *tab, g *gatehouse) string {
	b.t.Helper()
	b.open(g.url("/"))
	b.wait("the code", stateIs(markup.StateWaiting))
	code := evaluate[string](b, `document.querySelector("#`+markup.IDPairingCode+`").dataset.code`)
	if len(code) != 8 {
		b.t.Fatalf("the code is %q", code)
	}
	return code
}

// cardSelector selects the card of a pending pairing.
func cardSelector(code string) string {
	return `#` + markup.IDPendingList + ` > [data-code="` + code + `"]`
}

// approve approves the browser with the code, with the proposed user and role.
func approve(b *tab, code string) {
	b.t.Helper()
	b.wait("the card", `!!document.querySelector(`+quote(cardSelector(code))+`)`)
	b.click(cardSelector(code) + ` [data-action="` + markup.ActionApprove + `"]`)
	dialog := "#" + markup.IDApproveDialog
	b.wait("the dialog", `document.querySelector("`+dialog+`").open`)
	if shown := strings.ReplaceAll(b.text(dialog+" .dialog-code"), " ", ""); shown != code {
		b.t.Fatalf("the dialog shows code %q, not %q", shown, code)
	}
	b.screenshot("approve")
	b.click(dialog + ` button[type=submit][data-when="form busy"]`)
	b.wait("the dialog closes", `!document.querySelector("`+dialog+`").open`)
}

// pairedTabs returns the tab of a user in the chat, and the tab of the admin who has
// approved the user's browser.
func pairedTabs(t *testing.T, g *gatehouse) (user, admin *tab) {
	t.Helper()
	chromium := browser(t)
	user, admin = newTab(t, chromium), newTab(t, chromium)
	pair(admin, user, g)
	return user, admin
}

// pair lets the user's browser in, with the admin's.
func pair(admin, user *tab, g *gatehouse) {
	user.t.Helper()
	code := pairingCode(user, g)
	signIn(user.t, g, admin)
	approve(admin, code)
	user.wait("the chat", `document.body?.dataset.page === "`+markup.PageChat+`"`)
	user.waitForClient()
	user.wait("connected", connectionIs(markup.LinkConnected))
}

func TestPairChatReloadRevoke(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	user, admin := pairedTabs(t, g)
	user.screenshot("empty")

	user.send("Show me some markdown")
	user.wait("an answer streams", replyIs(markup.StatusStreaming))
	user.wait("an answer is complete", replyIs(markup.StatusComplete))
	user.screenshot("markdown")
	if n := user.number(`document.querySelectorAll("` + lastReply + ` table").length`); n != 1 {
		t.Errorf("the answer has %d tables, not 1", n)
	}

	user.send("long")
	user.wait("it streams", replyIs(markup.StatusStreaming)+` && document.querySelector("`+lastReply+`").innerText.length > 200`)
	user.click(`[data-action="` + markup.ActionStopRun + `"]`)
	user.wait("it stops", replyIs(markup.StatusAborted))

	before := renderedMessages(user)
	user.run("reload without a client", blockWasm, chromedp.Reload())
	user.wait("the transcript", `document.querySelectorAll("`+messages+` > *").length === 4`)
	if after := renderedMessages(user); after != before {
		t.Errorf("after a reload the server's transcript differs:\n%s\n\nbefore:\n%s", after,
			before)
	}
	user.run("reload", unblock, chromedp.Reload())
	user.waitForClient()
	user.wait("connected again", connectionIs(markup.LinkConnected))
	if after := renderedMessages(user); after != before {
		t.Errorf("after a reload the client's transcript differs:\n%s\n\nbefore:\n%s", after,
			before)
	}

	user.click(`#` + markup.IDSidebar + ` [data-action="` + markup.ActionNewSession + `"]`)
	user.wait("a new chat", `document.querySelectorAll("`+messages+` > *").length === 0`)
	user.send("Hello there")
	user.wait("an answer", replyIs(markup.StatusComplete))
	user.wait("two chats", `document.querySelectorAll("#`+markup.IDSessionList+` > *").length === 2`)
	user.screenshot("two")
	user.click("#" + markup.IDSessionList + ` > :last-child [data-action="` +
		markup.ActionOpenSession + `"]`)
	user.wait("the first chat", `document.querySelectorAll("`+messages+` > *").length === 4`)

	row := "#" + markup.IDDeviceList + ` > [data-this="false"]`
	admin.click(row + ` [data-action="` + markup.ActionRevoke + `"]`)
	admin.click("#" + markup.IDRevokeDialog + ` [data-action="` + markup.ActionConfirmRevoke + `"]`)
	user.within(time.Second, "thrown out", stateIs(markup.StateRevoked)+` && !document.querySelector("`+messages+` > *")`)
	user.screenshot("revoked")
}

// renderedMessages returns the messages' ids, status and HTML. It leaves their times out:
// the server writes them until the client knows the reader's time zone.
func renderedMessages(b *tab) string {
	b.t.Helper()
	return evaluate[string](b, `[...document.querySelectorAll("`+messages+` > *")].map(m =>
		m.dataset.messageId + " " + m.dataset.status + " " + m.querySelector("[data-slot=body]").innerHTML).join("\n")`)
}

func TestDenyAndAskAgain(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	chromium := browser(t)
	user, admin := newTab(t, chromium), newTab(t, chromium)
	code := pairingCode(user, g)
	user.run("reload", chromedp.Reload())
	user.wait("the same code", `document.querySelector("#`+markup.IDPairingCode+`")?.dataset.code === "`+code+`"`)
	signIn(t, g, admin)
	admin.click(cardSelector(code) + ` [data-action="` + markup.ActionDeny + `"]`)
	admin.click("#" + markup.IDDenyDialog + ` [data-action="` + markup.ActionConfirmDeny + `"]`)
	user.within(2*time.Second, "denied", stateIs(markup.StateDenied))
	user.screenshot("denied")
	user.run("reload", chromedp.Reload())
	user.wait("still denied", stateIs(markup.StateDenied))
	admin.wait("nobody waits", `document.querySelectorAll("#`+markup.IDPendingList+` > *").length === 0`)
}

func TestWrongTokenAndToken(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	b := newTab(t, browser(t))
	b.open(g.url("/login"))
	b.fill("#"+markup.IDTokenInput, "not the token at all")
	b.run("press Enter", enter)
	b.wait("refused", stateIs(markup.StateTokenRefused))
	b.screenshot("refused")
	b.fill("#"+markup.IDTokenInput, g.token())
	b.run("press Enter", enter)
	b.wait("the admin page", `document.body?.dataset.page === "`+markup.PageAdmin+`"`)
	b.open(g.adminLink())
	b.wait("the admin page", `document.body?.dataset.page === "`+markup.PageAdmin+`"`)
	b.open(g.adminLink())
	b.wait("a link works once", stateIs(markup.StateLinkFailed))
}
