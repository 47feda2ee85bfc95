package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/gatehouse-chat/gatehouse/shared/markup"
)

// goTo opens a page of the console with the navigation.
func (b *tab) goTo(name string) {
	b.t.Helper()
	b.run("go to "+name, chromedp.Evaluate[chromedp.Void](
		`[...document.querySelectorAll(".tab")].find(tab => tab.innerText.startsWith(`+quote(name)+`)).click()`))
	b.wait(name, `document.querySelector(".tab[aria-current=page]")?.innerText.startsWith(`+quote(name)+`) ?? false`)
	b.waitForClient()
	b.wait("connected", connectionIs(markup.LinkConnected))
}

// markPage marks the page for checkNotReloaded.
func (b *tab) markPage() {
	b.run("mark", chromedp.Evaluate[chromedp.Void](`void (window.marked = true)`))
}

func (b *tab) checkNotReloaded() {
	b.t.Helper()
	if !evaluate[bool](b, `window.marked === true`) {
		b.t.Error("the page was loaded again")
	}
}

// exists is a condition: an element is in the page.
func exists(selector string) string { return `!!document.querySelector(` + quote(selector) + `)` }

// hasRow is a condition: a row contains that text.
func hasRow(text string) string {
	return `[...document.querySelectorAll("tr[data-row]")].some(row => row.innerText.includes(` +
		quote(text) + `))`
}

func actionSelector(action string) string { return `[data-action="` + action + `"]` }

func sessionKey(b *tab) string {
	b.t.Helper()
	return evaluate[string](b, `document.body.dataset.sessionKey`)
}

func TestAdminWatchesAndWrites(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	user, admin := pairedTabs(t, g)
	admin.goTo("Sessions")
	admin.markPage()
	user.send("Hello there")
	user.wait("an answer", replyIs(markup.StatusComplete))
	key := sessionKey(user)
	row := `tr[data-row="` + key + `"]`
	admin.wait("the session appears by itself", exists(row))

	// The row changes while its link has the focus, and keeps it.
	admin.run("focus", chromedp.Focus(row+" .row-link"))
	user.send("long")
	admin.wait("it is answering", exists(row+" "+actionSelector(markup.ActionStopSession)))
	if !evaluate[bool](admin, `document.activeElement === document.querySelector(`+quote(row+" .row-link")+`)`) {
		t.Error("the focus is lost")
	}
	admin.screenshot("sessions")
	admin.click(row + " " + actionSelector(markup.ActionStopSession))
	user.wait("stopped", replyIs(markup.StatusAborted))
	admin.wait("it rests", `!`+exists(row+" "+actionSelector(markup.ActionStopSession)))
	admin.checkNotReloaded()

	admin.click(row + " .row-link")
	admin.wait("the user's chat", `document.body?.dataset.owner > "" && document.body.dataset.page === "chat"`)
	admin.waitForClient()
	admin.wait("connected", connectionIs(markup.LinkConnected))
	user.send("Hello again")
	admin.wait("it is followed live", `document.querySelector("`+messages+`")?.innerText.includes("Hello again")`)
	admin.wait("an answer", replyIs(markup.StatusComplete))
	if name := admin.text(messages + " > .message-user .message-name"); name != evaluate[string](user, `document.body.dataset.user`) {
		t.Errorf("the user is called %q", name)
	}

	const byAdmin = messages + ` > [data-by-other="true"]`
	admin.send("Mind the step")
	user.wait("the note", `document.querySelector(`+quote(byAdmin+".message-system")+`)?.innerText.includes("Mind the step") ?? false`)
	if note := user.text(byAdmin + ".message-system"); !strings.Contains(note, "written by an admin") || !strings.Contains(note, "admin") {
		t.Errorf("the user does not see that an admin wrote: %q", note)
	}
	user.screenshot("note")
	admin.run("as a message", chromedp.Click(`.write-as-choice:has([value="`+markup.AsMessage+`"])`))
	admin.send("Are you well?")
	user.wait("the message", `document.querySelector(`+quote(byAdmin+".message-user")+`)?.innerText.includes("Are you well?") ?? false`)
	user.wait("it is answered", replyIs(markup.StatusComplete))
	admin.wait("it is answered", replyIs(markup.StatusComplete))
	admin.screenshot("watch")

	// The admin follows the session again after a reload.
	admin.run("reload", chromedp.Reload())
	admin.waitForClient()
	admin.wait("still the user's", `document.body?.dataset.owner > ""`)
	admin.wait("connected", connectionIs(markup.LinkConnected))
	user.send("Bye")
	admin.wait("it is followed again", `document.querySelector("`+messages+`")?.innerText.includes("Bye")`)

	admin.open(g.url("/admin/audit"))
	admin.wait("connected", connectionIs(markup.LinkConnected))
	for _, action := range []string{"session.read", "session.watch", "session.inject", "session.send", "session.abort", "pairing.approve", "sign_in"} {
		admin.wait(action, hasRow(action))
	}
	admin.screenshot("audit")
}

func TestAdminDisconnects(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	user, admin := pairedTabs(t, g)
	who := evaluate[string](user, `document.body.dataset.user`)
	admin.goTo("Clients")
	admin.wait("both", `document.querySelectorAll("tr[data-row]").length === 2`)
	admin.markPage()
	id := evaluate[string](admin, `[...document.querySelectorAll("tr[data-row]")].find(row => row.innerText.includes(`+quote(who)+`)).dataset.row`)
	row := `tr[data-row="` + id + `"]`
	admin.screenshot("clients")
	admin.click(row + " " + actionSelector(markup.ActionDisconnect))
	dialog := "#" + markup.IDDisconnectDialog
	admin.wait("the dialog", `document.querySelector("`+dialog+`").open`)
	if words := admin.text(dialog); !strings.Contains(words, who) {
		t.Errorf("the dialog does not say whom: %q", words)
	}
	admin.screenshot("disconnect")
	admin.click(dialog + " " + actionSelector(markup.ActionConfirmDisconnect))
	user.wait("disconnected", connectionIs(markup.LinkRefused))
	user.screenshot("disconnected")
	admin.wait("the row goes", `!`+exists(row))
	admin.checkNotReloaded()
	user.click(`#` + markup.IDConnection + ` .pill-button[data-when="` + markup.LinkRefused + `"]`)
	user.wait("connected again", connectionIs(markup.LinkConnected))
	admin.wait("it is back", hasRow(who))
	user.send("Hello")
	user.wait("an answer", replyIs(markup.StatusComplete))
}

func TestKeysInTheConsole(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	admin := newTab(t, browser(t))
	signIn(t, g, admin)
	admin.goTo("Keys")
	admin.markPage()
	admin.click(actionSelector(markup.ActionNewKey))
	dialog := "#" + markup.IDKeyDialog
	admin.fill(dialog+` input[name="`+markup.FieldName+`"]`, "Nightly report")
	admin.fill(dialog+` input[name="`+markup.FieldUser+`"]`, "reports")
	admin.screenshot("new")
	admin.run("press Enter", enter)
	admin.wait("the key", `document.querySelector("`+dialog+` code[data-slot=key]").innerText.startsWith("gh_")`)
	key := admin.text(dialog + " code[data-slot=key]")
	admin.screenshot("made")
	admin.wait("the row", hasRow("Nightly report"))
	admin.click(dialog + ` .button[data-when="` + markup.KeyMade + `"]`)
	if html := evaluate[string](admin, `document.querySelector("table").innerHTML`); strings.Contains(html, key) || !strings.Contains(html, key[:9]) {
		t.Error("the list has the key, or not its beginning")
	}
	admin.click(actionSelector(markup.ActionRevokeKey))
	dialog = "#" + markup.IDRevokeKeyDialog
	admin.wait("the dialog", `document.querySelector("`+dialog+`").open`)
	if words := admin.text(dialog); !strings.Contains(words, "Nightly report") || !strings.Contains(words, key[:9]) {
		t.Errorf("the dialog does not say which: %q", words)
	}
	admin.click(dialog + " " + actionSelector(markup.ActionConfirmRevokeKey))
	admin.wait("it is revoked", exists("tr.row-ended")+` && !`+exists(actionSelector(markup.ActionRevokeKey)))
	admin.checkNotReloaded()
}

func TestReloadInTheConsole(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	admin := newTab(t, browser(t))
	signIn(t, g, admin)
	admin.goTo("Status")
	admin.markPage()
	admin.wait("facts", `document.querySelectorAll(".fact").length > 10`)
	panel := "#" + markup.IDReload
	state := func(s string) string { return `document.querySelector("` + panel + `").dataset.state === "` + s + `"` }
	g.Configure(`{gateway: {rate_limit_rpm: 600}}`)
	admin.click(actionSelector(markup.ActionReloadConfig))
	admin.wait("read again", state(markup.ReloadDone))
	if words := admin.text(panel); !strings.Contains(words, "gateway.rate_limit_rpm") {
		t.Errorf("the page says %q", words)
	}
	admin.wait("it holds", `document.querySelector(".fact-groups").innerText.includes("600")`)
	admin.screenshot("done")
	g.Configure(`{gateway: {rate_limit_rpm: -3, nonsense: 1}}`)
	admin.click(actionSelector(markup.ActionReloadConfig))
	admin.wait("refused", state(markup.ReloadFailed))
	if words := admin.text(panel); !strings.Contains(words, "rate_limit_rpm") || !strings.Contains(words, "nonsense") {
		t.Errorf("the page does not say all faults: %q", words)
	}
	admin.screenshot("failed")
	admin.checkNotReloaded()
}

func TestFiltersOfTheAuditLog(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	admin := newTab(t, browser(t))
	signIn(t, g, admin)
	admin.goTo("Audit")
	admin.wait("lines", hasRow("sign_in")+` && `+hasRow("gateway.started"))
	admin.markPage()
	admin.fill(`.filter input[name="q"]`, "gateway.started")
	admin.run("press Enter", enter)
	admin.wait("fewer lines", hasRow("gateway.started")+` && !(`+hasRow("sign_in")+`) && location.search === "?q=gateway.started"`)
	admin.checkNotReloaded()
	if href := evaluate[string](admin, `document.querySelector("a[download]").getAttribute("href")`); href != "/admin/audit.csv?q=gateway.started" {
		t.Errorf("the download is of %s", href)
	}
	admin.run("download", chromedp.Evaluate[chromedp.Void](`void fetch(document.querySelector("a[download]").href).then(r => r.text()).then(t => window.csv = t)`))
	admin.wait("the download", `typeof window.csv === "string" && window.csv.includes("gateway.started")`)

	admin.click(".filter-more summary")
	admin.fill(`.filter input[name="q"]`, "")
	admin.fill(`.filter input[name="user"]`, "admin")
	admin.screenshot("filters")
	admin.click(".filter-fields .button-primary")
	// The export's own entry quotes its filters.
	admin.wait("a user's lines", hasRow("sign_in")+` && ![...document.querySelectorAll("tr[data-row]")].some(
		row => row.innerText.includes("gateway.started") && !row.innerText.includes("audit.export")) && location.search === "?user=admin" &&
		document.querySelector(".filter-more .badge").innerText === "1" && !document.querySelector(".filter-more").open`)
	admin.checkNotReloaded()

	// The forms also work without the client.
	admin.run("reload without a client", blockWasm, chromedp.Reload())
	admin.wait("the page", `document.readyState === "complete"`)
	admin.fill(`.filter input[name="q"]`, "sign_in")
	admin.run("press Enter", enter)
	admin.wait("the other line", `location.search.includes("q=sign_in") && `+hasRow("sign_in")+` && !(`+hasRow("gateway.started")+`)`)
	admin.run("unblock", unblock)
}

// fakeNotifications replaces the browser's notifications, since a browser without a
// screen shows none. The page believes that nobody looks at it.
const fakeNotifications = `
window.Notification = class {
	static permission = "granted";
	constructor(title, { tag }) { (window.notices ??= []).push(title + ": " + tag); }
};
document.hasFocus = () => false;`

func TestPendingPairingsAreShownEverywhere(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	chromium := browser(t)
	admin, waiting := newTab(t, chromium), newTab(t, chromium)
	signIn(t, g, admin)
	admin.wait("whether it notifies is said",
		`document.querySelector("#`+markup.IDNotices+`").dataset.state !== "`+markup.NoticesUnknown+`"`)
	chat := admin.openBeside()
	chat.run("let it notify", command(page.AddScriptToEvaluateOnNewDocument,
		page.AddScriptToEvaluateOnNewDocumentParams{Source: fakeNotifications}))
	chat.open(g.url("/"))
	chat.wait("connected", connectionIs(markup.LinkConnected))
	admin.goTo("Status")
	code := pairingCode(waiting, g)
	for _, b := range []*tab{admin, chat} {
		b.wait("the badge", `document.querySelector("#`+markup.IDPendingBadge+`").innerText === "1"`)
		b.wait("the title", `document.title.startsWith("(1) ")`)
	}
	chat.wait("a notification", `window.notices?.join() === "Headless Chrome on Linux asks to be let in: /admin#`+code+`"`)
	chat.run("a phone", chromedp.EmulateViewport(390, 844))
	chat.screenshot("phone")
	admin.goTo("Pairings")
	approve(admin, code)
	for _, b := range []*tab{admin, chat} {
		b.wait("no badge", `document.querySelector("#`+markup.IDPendingBadge+`").innerText === "" && !document.title.startsWith("(")`)
	}
}

// androidNotifications behave as in browsers that leave notifications to service workers:
// the constructor exists, and throws.
const androidNotifications = `
window.Notification = class {
	static permission = "default";
	constructor() { throw new TypeError("Illegal constructor"); }
};`

// TestNotificationsThatCannotBe checks that the page says so where a browser has no
// notifications for pages, rather than offering them.
func TestNotificationsThatCannotBe(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	chromium := browser(t)
	admin, waiting := newTab(t, chromium), newTab(t, chromium)
	admin.run("be on Android", onEachPage(androidNotifications))
	signIn(t, g, admin)
	admin.wait("it is said", `document.querySelector("#`+markup.IDNotices+`").dataset.state === "`+markup.NoticesAbsent+`"`)
	if words := admin.text("#" + markup.IDNotices); !strings.Contains(words, "its title shows how many requests are waiting") {
		t.Errorf("the page says %q", words)
	}
	screenshots(admin, "absent")
	pairingCode(waiting, g)
	admin.wait("who waits is counted", `document.title.startsWith("(1) ")`)
}

// TestHostileNamesInTheConsole shows an admin the names that strangers and users chose.
// Each tab checks that nothing in them runs or violates the policy.
func TestHostileNamesInTheConsole(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	const evil = `"'><img src=x onerror=alert(1)><script>alert(2)</script></td></table></title>{{7*7}}<svg onload=alert(3)>`
	chromium := browser(t)
	user, admin := newTab(t, chromium), newTab(t, chromium)
	user.open(g.url("/"))
	user.wait("the code", stateIs(markup.StateWaiting))
	user.fill("#"+markup.IDDeviceName, evil)
	user.run("press Enter", enter)
	code := evaluate[string](user, `document.querySelector("#`+markup.IDPairingCode+`").dataset.code`)
	signIn(t, g, admin)
	admin.wait("the card", `document.querySelector(`+quote(cardSelector(code))+`)?.innerText.includes("onerror") ?? false`)
	approve(admin, code)
	user.wait("the chat", `document.body?.dataset.page === "`+markup.PageChat+`"`)
	user.waitForClient()
	user.wait("connected", connectionIs(markup.LinkConnected))
	admin.goTo("Keys")
	admin.click(actionSelector(markup.ActionNewKey))
	admin.fill(`#`+markup.IDKeyDialog+` input[name="`+markup.FieldName+`"]`, evil[:70])
	admin.fill(`#`+markup.IDKeyDialog+` input[name="`+markup.FieldUser+`"]`, "program")
	admin.run("press Enter", enter)
	admin.wait("the row, live", hasRow("onerror"))
	admin.goTo("Sessions")
	user.send(evil)
	admin.wait("the row, live", hasRow("onerror"))
	admin.goTo("Clients")
	admin.wait("the row", hasRow("onerror"))
	admin.click(`tr:not(:has(.chip-live)) ` + actionSelector(markup.ActionDisconnect))
	admin.wait("the dialog", `document.querySelector("#`+markup.IDDisconnectDialog+`").open`)
	admin.open(g.url("/admin/audit?q=onerror&user=" + strings.ReplaceAll(evil, " ", "%20")))
	for _, name := range []string{"Audit", "Sessions", "Status", "Pairings"} {
		admin.goTo(name)
	}
	if n := admin.number(`document.querySelectorAll("img[src=x], svg[onload]").length`); n != 0 {
		t.Errorf("%d elements are made of words", n)
	}
}

// TestConsolePictures takes pictures of every page of the console for people to look at,
// into the directory E2E_PICTURES.
func TestConsolePictures(t *testing.T) {
	if os.Getenv("E2E_PICTURES") == "" {
		t.Skip("E2E_PICTURES names no directory for pictures")
	}
	g := startGatehouse(t, "")
	chromium := browser(t)
	user, admin, waiting := newTab(t, chromium), newTab(t, chromium), newTab(t, chromium)
	pair(admin, user, g)
	for i := range 4 {
		user.send(fmt.Sprintf("Letter %d to the landlord", i+1))
		user.wait("an answer", replyIs(markup.StatusComplete))
		user.click(`#` + markup.IDSidebar + ` ` + actionSelector(markup.ActionNewSession))
		user.wait("a new chat", `document.querySelectorAll("`+messages+` > *").length === 0`)
	}
	user.send("long")
	user.wait("it streams", replyIs(markup.StatusStreaming))
	key := sessionKey(user)
	pairingCode(waiting, g)
	for _, name := range []string{"Sessions", "Clients", "Keys", "Audit", "Status", "Pairings"} {
		admin.goTo(name)
		screenshots(admin, strings.ToLower(name))
	}
	admin.open(g.url("/s/" + key))
	admin.wait("connected", connectionIs(markup.LinkConnected))
	screenshots(admin, "watched")
	admin.open(g.url("/admin/keys"))
	admin.click(actionSelector(markup.ActionNewKey))
	screenshots(admin, "new-key")
	admin.fill(`#`+markup.IDKeyDialog+` input[name="`+markup.FieldName+`"]`, "Nightly report")
	admin.fill(`#`+markup.IDKeyDialog+` input[name="`+markup.FieldUser+`"]`, "reports")
	admin.run("press Enter", enter)
	admin.wait("the key", exists(`#`+markup.IDKeyDialog+`[data-state="`+markup.KeyMade+`"]`))
	screenshots(admin, "made-key")
	user.click(actionSelector(markup.ActionStopRun))
	user.wait("stopped", replyIs(markup.StatusAborted))
}
