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

// pageState is a condition: the page is in a state.
func pageState(state string) string { return `document.body?.dataset.state === "` + state + `"` }

// link is a condition: the connection is shown as such.
func link(state string) string {
	return `document.querySelector("#` + markup.IDConnection + `")?.dataset.state === "` + state + `"`
}

// replyIs is a condition: the last message is an answer of that status.
func replyIs(status string) string {
	return `document.querySelector("` + lastReply + `.message-assistant")?.dataset.status === "` + status + `"`
}

// signIn opens the admin page by the sign-in link.
func signIn(t *testing.T, g *gatehouse, b *tab) {
	t.Helper()
	b.run("open the link", chromedp.Navigate(g.adminLink()))
	b.wait("the admin page", `document.body?.dataset.page === "`+markup.PageAdmin+`"`)
	b.taken()
	b.wait("the admin is connected", link(markup.LinkConnected))
}

// pairingCode opens the chat in a new browser and gives the code that it shows.
func pairingCode(b *tab, g *gatehouse) string {
	b.t.Helper()
	b.open(g.url("/"))
	b.wait("the code", pageState(markup.StateWaiting))
	code := evaluate[string](b, `document.querySelector("#`+markup.IDPairingCode+`").dataset.code`)
	if len(code) != 8 {
		b.t.Fatalf("the code is %q", code)
	}
	return code
}

// card selects the card of a pairing that waits.
func card(code string) string { return `#` + markup.IDPendingList + ` > [data-code="` + code + `"]` }

// approve lets the browser with the code in, with what is proposed.
func approve(b *tab, code string) {
	b.t.Helper()
	b.wait("the card", `!!document.querySelector(`+quote(card(code))+`)`)
	b.click(card(code) + ` [data-action="` + markup.ActionApprove + `"]`)
	dialog := "#" + markup.IDApproveDialog
	b.wait("the dialog", `document.querySelector("`+dialog+`").open`)
	if shown := strings.ReplaceAll(b.text(dialog+" .dialog-code"), " ", ""); shown != code {
		b.t.Fatalf("the dialog shows code %q, not %q", shown, code)
	}
	b.shoot("approve")
	b.click(dialog + ` button[type=submit][data-when="form busy"]`)
	b.wait("the dialog closes", `!document.querySelector("`+dialog+`").open`)
}

// paired gives a browser that is in the chat, and the admin's.
func paired(t *testing.T, g *gatehouse) (user, admin *tab) {
	t.Helper()
	chromium := browser(t)
	user, admin = newTab(t, chromium), newTab(t, chromium)
	pairWith(admin, user, g)
	return user, admin
}

// pairWith lets a browser in, by the admin's.
func pairWith(admin, user *tab, g *gatehouse) {
	user.t.Helper()
	code := pairingCode(user, g)
	signIn(user.t, g, admin)
	approve(admin, code)
	user.wait("the chat", `document.body?.dataset.page === "`+markup.PageChat+`"`)
	user.taken()
	user.wait("connected", link(markup.LinkConnected))
}

func TestPairChatReloadRevoke(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	user, admin := paired(t, g)
	user.shoot("empty")

	user.say("Show me some markdown")
	user.wait("an answer streams", replyIs(markup.StatusStreaming))
	user.wait("an answer is complete", replyIs(markup.StatusComplete))
	user.shoot("markdown")
	if n := user.number(`document.querySelectorAll("` + lastReply + ` table").length`); n != 1 {
		t.Errorf("the answer has %d tables, not 1", n)
	}

	user.say("long")
	user.wait("it streams", replyIs(markup.StatusStreaming)+` && document.querySelector("`+lastReply+`").innerText.length > 200`)
	user.click(`[data-action="` + markup.ActionStopRun + `"]`)
	user.wait("it stops", replyIs(markup.StatusAborted))

	before := bodies(user)
	user.run("reload without a client", blockWasm, chromedp.Reload())
	user.wait("the transcript", `document.querySelectorAll("`+messages+` > *").length === 4`)
	if after := bodies(user); after != before {
		t.Errorf("after a reload the server's transcript differs:\n%s\n\nbefore:\n%s", after, before)
	}
	user.run("reload", unblock, chromedp.Reload())
	user.taken()
	user.wait("connected again", link(markup.LinkConnected))
	if after := bodies(user); after != before {
		t.Errorf("after a reload the client's transcript differs:\n%s\n\nbefore:\n%s", after, before)
	}

	user.click(`#` + markup.IDSidebar + ` [data-action="` + markup.ActionNewSession + `"]`)
	user.wait("a new chat", `document.querySelectorAll("`+messages+` > *").length === 0`)
	user.say("Hello there")
	user.wait("an answer", replyIs(markup.StatusComplete))
	user.wait("two chats", `document.querySelectorAll("#`+markup.IDSessionList+` > *").length === 2`)
	user.shoot("two")
	user.click("#" + markup.IDSessionList + ` > :last-child [data-action="` + markup.ActionOpenSession + `"]`)
	user.wait("the first chat", `document.querySelectorAll("`+messages+` > *").length === 4`)

	row := "#" + markup.IDDeviceList + ` > [data-this="false"]`
	admin.click(row + ` [data-action="` + markup.ActionRevoke + `"]`)
	admin.click("#" + markup.IDRevokeDialog + ` [data-action="` + markup.ActionConfirmRevoke + `"]`)
	user.within(time.Second, "thrown out", pageState(markup.StateRevoked)+` && !document.querySelector("`+messages+` > *")`)
	user.shoot("revoked")
}

// bodies is what the messages say and look like, without their times, which are
// the server's until the client knows the reader's zone.
func bodies(b *tab) string {
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
	admin.click(card(code) + ` [data-action="` + markup.ActionDeny + `"]`)
	admin.click("#" + markup.IDDenyDialog + ` [data-action="` + markup.ActionConfirmDeny + `"]`)
	user.within(2*time.Second, "denied", pageState(markup.StateDenied))
	user.shoot("denied")
	user.run("reload", chromedp.Reload())
	user.wait("still denied", pageState(markup.StateDenied))
	admin.wait("nobody waits", `document.querySelectorAll("#`+markup.IDPendingList+` > *").length === 0`)
}

func TestWrongTokenAndToken(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	b := newTab(t, browser(t))
	b.open(g.url("/login"))
	b.fill("#"+markup.IDTokenInput, "not the token at all")
	b.run("press Enter", enter)
	b.wait("refused", pageState(markup.StateTokenRefused))
	b.shoot("refused")
	b.fill("#"+markup.IDTokenInput, g.token())
	b.run("press Enter", enter)
	b.wait("the admin page", `document.body?.dataset.page === "`+markup.PageAdmin+`"`)
	b.open(g.adminLink())
	b.wait("the admin page", `document.body?.dataset.page === "`+markup.PageAdmin+`"`)
	b.open(g.adminLink())
	b.wait("a link works once", pageState(markup.StateLinkFailed))
}

func TestGatewayRestart(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	user, _ := paired(t, g)
	user.say("long")
	user.wait("it streams", replyIs(markup.StatusStreaming)+` && document.querySelector("`+lastReply+`").innerText.length > 200`)
	g.Kill()
	user.wait("the loss is shown", link(markup.LinkReconnecting))
	user.shoot("lost")
	g.Start()
	user.wait("reconnected by itself", link(markup.LinkConnected))
	user.wait("the answer is marked", replyIs(markup.StatusFailed))
	user.shoot("interrupted")
	user.say("Are you there?")
	user.wait("it goes on", replyIs(markup.StatusComplete))
}
