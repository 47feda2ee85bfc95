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

// goTo opens a page of the console by its navigation.
func (b *tab) goTo(name string) {
	b.t.Helper()
	b.run("go to "+name, chromedp.Evaluate[chromedp.Void](
		`[...document.querySelectorAll(".tab")].find(tab => tab.innerText.startsWith(`+quote(name)+`)).click()`))
	b.wait(name, `document.querySelector(".tab[aria-current=page]")?.innerText.startsWith(`+quote(name)+`) ?? false`)
	b.taken()
	b.wait("connected", link(markup.LinkConnected))
}

// stays marks the page, so that stayed can tell whether it was loaded again.
func (b *tab) stays() { b.run("mark", chromedp.Evaluate[chromedp.Void](`void (window.marked = true)`)) }

func (b *tab) stayed() {
	b.t.Helper()
	if !evaluate[bool](b, `window.marked === true`) {
		b.t.Error("the page was loaded again")
	}
}

// there is a condition: an element is in the page.
func there(selector string) string { return `!!document.querySelector(` + quote(selector) + `)` }

// rowOf is a condition: a row has that text in it.
func rowOf(text string) string {
	return `[...document.querySelectorAll("tr[data-row]")].some(row => row.innerText.includes(` + quote(text) + `))`
}

func do(action string) string { return `[data-action="` + action + `"]` }

func sessionKey(b *tab) string {
	b.t.Helper()
	return evaluate[string](b, `document.body.dataset.sessionKey`)
}

func TestAdminWatchesAndWrites(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	user, admin := paired(t, g)
	admin.goTo("Sessions")
	admin.stays()
	user.say("Hello there")
	user.wait("an answer", replyIs(markup.StatusComplete))
	key := sessionKey(user)
	row := `tr[data-row="` + key + `"]`
	admin.wait("the session appears by itself", there(row))

	// The row changes while its link has the focus, and keeps it.
	admin.run("focus", chromedp.Focus(row+" .row-link"))
	user.say("long")
	admin.wait("it is answering", there(row+" "+do(markup.ActionStopSession)))
	if !evaluate[bool](admin, `document.activeElement === document.querySelector(`+quote(row+" .row-link")+`)`) {
		t.Error("the focus is lost")
	}
	admin.shoot("sessions")
	admin.click(row + " " + do(markup.ActionStopSession))
	user.wait("stopped", replyIs(markup.StatusAborted))
	admin.wait("it rests", `!`+there(row+" "+do(markup.ActionStopSession)))
	admin.stayed()

	admin.click(row + " .row-link")
	admin.wait("the user's chat", `document.body?.dataset.owner > "" && document.body.dataset.page === "chat"`)
	admin.taken()
	admin.wait("connected", link(markup.LinkConnected))
	user.say("Hello again")
	admin.wait("it is followed live", `document.querySelector("`+messages+`")?.innerText.includes("Hello again")`)
	admin.wait("an answer", replyIs(markup.StatusComplete))
	if name := admin.text(messages + " > .message-user .message-name"); name != evaluate[string](user, `document.body.dataset.user`) {
		t.Errorf("the user is called %q", name)
	}

	const byAdmin = messages + ` > [data-by-other="true"]`
	admin.say("Mind the step")
	user.wait("the note", `document.querySelector(`+quote(byAdmin+".message-system")+`)?.innerText.includes("Mind the step") ?? false`)
	if said := user.text(byAdmin + ".message-system"); !strings.Contains(said, "written by an admin") || !strings.Contains(said, "admin") {
		t.Errorf("the user does not see that an admin wrote: %q", said)
	}
	user.shoot("note")
	admin.run("as a message", chromedp.Click(`.write-as-choice:has([value="`+markup.AsMessage+`"])`))
	admin.say("Are you well?")
	user.wait("the message", `document.querySelector(`+quote(byAdmin+".message-user")+`)?.innerText.includes("Are you well?") ?? false`)
	user.wait("it is answered", replyIs(markup.StatusComplete))
	admin.wait("it is answered", replyIs(markup.StatusComplete))
	admin.shoot("watch")

	// It outlives a reload, and the connection.
	admin.run("reload", chromedp.Reload())
	admin.taken()
	admin.wait("still the user's", `document.body?.dataset.owner > ""`)
	admin.wait("connected", link(markup.LinkConnected))
	user.say("Bye")
	admin.wait("it is followed again", `document.querySelector("`+messages+`")?.innerText.includes("Bye")`)

	admin.open(g.url("/admin/audit"))
	admin.wait("connected", link(markup.LinkConnected))
	for _, action := range []string{"session.read", "session.watch", "session.inject", "session.send", "session.abort", "pairing.approve", "sign_in"} {
		admin.wait(action, rowOf(action))
	}
	admin.shoot("audit")
}

func TestAdminDisconnects(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	user, admin := paired(t, g)
	who := evaluate[string](user, `document.body.dataset.user`)
	admin.goTo("Clients")
	admin.wait("both", `document.querySelectorAll("tr[data-row]").length === 2`)
	admin.stays()
	id := evaluate[string](admin, `[...document.querySelectorAll("tr[data-row]")].find(row => row.innerText.includes(`+quote(who)+`)).dataset.row`)
	row := `tr[data-row="` + id + `"]`
	admin.shoot("clients")
	admin.click(row + " " + do(markup.ActionDisconnect))
	dialog := "#" + markup.IDDisconnectDialog
	admin.wait("the dialog", `document.querySelector("`+dialog+`").open`)
	if words := admin.text(dialog); !strings.Contains(words, who) {
		t.Errorf("the dialog does not say whom: %q", words)
	}
	admin.shoot("disconnect")
	admin.click(dialog + " " + do(markup.ActionConfirmDisconnect))
	user.wait("disconnected", link(markup.LinkRefused))
	user.shoot("disconnected")
	admin.wait("the row goes", `!`+there(row))
	admin.stayed()
	user.click(`#` + markup.IDConnection + ` .pill-button[data-when="` + markup.LinkRefused + `"]`)
	user.wait("connected again", link(markup.LinkConnected))
	admin.wait("it is back", rowOf(who))
	user.say("Hello")
	user.wait("an answer", replyIs(markup.StatusComplete))
}

func TestKeysInTheConsole(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	admin := newTab(t, browser(t))
	signIn(t, g, admin)
	admin.goTo("Keys")
	admin.stays()
	admin.click(do(markup.ActionNewKey))
	dialog := "#" + markup.IDKeyDialog
	admin.fill(dialog+` input[name="`+markup.FieldName+`"]`, "Nightly report")
	admin.fill(dialog+` input[name="`+markup.FieldUser+`"]`, "reports")
	admin.shoot("new")
	admin.run("press Enter", enter)
	admin.wait("the key", `document.querySelector("`+dialog+` code[data-slot=key]").innerText.startsWith("gh_")`)
	key := admin.text(dialog + " code[data-slot=key]")
	admin.shoot("made")
	admin.wait("the row", rowOf("Nightly report"))
	admin.click(dialog + ` .button[data-when="` + markup.KeyMade + `"]`)
	if html := evaluate[string](admin, `document.querySelector("table").innerHTML`); strings.Contains(html, key) || !strings.Contains(html, key[:9]) {
		t.Error("the list has the key, or not its beginning")
	}
	admin.click(do(markup.ActionRevokeKey))
	dialog = "#" + markup.IDRevokeKeyDialog
	admin.wait("the dialog", `document.querySelector("`+dialog+`").open`)
	if words := admin.text(dialog); !strings.Contains(words, "Nightly report") || !strings.Contains(words, key[:9]) {
		t.Errorf("the dialog does not say which: %q", words)
	}
	admin.click(dialog + " " + do(markup.ActionConfirmRevokeKey))
	admin.wait("it is revoked", there("tr.row-ended")+` && !`+there(do(markup.ActionRevokeKey)))
	admin.stayed()
}

func TestReloadInTheConsole(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	admin := newTab(t, browser(t))
	signIn(t, g, admin)
	admin.goTo("Status")
	admin.stays()
	admin.wait("facts", `document.querySelectorAll(".fact").length > 10`)
	panel := "#" + markup.IDReload
	state := func(s string) string { return `document.querySelector("` + panel + `").dataset.state === "` + s + `"` }
	g.Configure(`{gateway: {rate_limit_rpm: 600}}`)
	admin.click(do(markup.ActionReloadConfig))
	admin.wait("read again", state(markup.ReloadDone))
	if words := admin.text(panel); !strings.Contains(words, "gateway.rate_limit_rpm") {
		t.Errorf("the page says %q", words)
	}
	admin.wait("it holds", `document.querySelector(".fact-groups").innerText.includes("600")`)
	admin.shoot("done")
	g.Configure(`{gateway: {rate_limit_rpm: -3, nonsense: 1}}`)
	admin.click(do(markup.ActionReloadConfig))
	admin.wait("refused", state(markup.ReloadFailed))
	if words := admin.text(panel); !strings.Contains(words, "rate_limit_rpm") || !strings.Contains(words, "nonsense") {
		t.Errorf("the page does not say all faults: %q", words)
	}
	admin.shoot("failed")
	admin.stayed()
}

func TestFiltersOfTheAuditLog(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	admin := newTab(t, browser(t))
	signIn(t, g, admin)
	admin.goTo("Audit")
	admin.wait("lines", rowOf("sign_in")+` && `+rowOf("gateway.started"))
	admin.stays()
	admin.fill(`.filter input[name="q"]`, "gateway.started")
	admin.run("press Enter", enter)
	admin.wait("fewer lines", rowOf("gateway.started")+` && !(`+rowOf("sign_in")+`) && location.search === "?q=gateway.started"`)
	admin.stayed()
	if href := evaluate[string](admin, `document.querySelector("a[download]").getAttribute("href")`); href != "/admin/audit.csv?q=gateway.started" {
		t.Errorf("the download is of %s", href)
	}
	admin.run("download", chromedp.Evaluate[chromedp.Void](`void fetch(document.querySelector("a[download]").href).then(r => r.text()).then(t => window.csv = t)`))
	admin.wait("the download", `typeof window.csv === "string" && window.csv.includes("gateway.started")`)

	admin.click(".filter-more summary")
	admin.fill(`.filter input[name="q"]`, "")
	admin.fill(`.filter input[name="user"]`, "admin")
	admin.shoot("filters")
	admin.click(".filter-fields .button-primary")
	// The download's own line tells what was looked for.
	admin.wait("a user's lines", rowOf("sign_in")+` && ![...document.querySelectorAll("tr[data-row]")].some(
		row => row.innerText.includes("gateway.started") && !row.innerText.includes("audit.export")) && location.search === "?user=admin" &&
		document.querySelector(".filter-more .badge").innerText === "1" && !document.querySelector(".filter-more").open`)
	admin.stayed()

	// The forms work without the client, too.
	admin.run("reload without a client", blockWasm, chromedp.Reload())
	admin.wait("the page", `document.readyState === "complete"`)
	admin.fill(`.filter input[name="q"]`, "sign_in")
	admin.run("press Enter", enter)
	admin.wait("the other line", `location.search.includes("q=sign_in") && `+rowOf("sign_in")+` && !(`+rowOf("gateway.started")+`)`)
	admin.run("unblock", unblock)
}

// notifications stand in for the browser's, which shows none without a screen. The
// page is told that nobody looks at it.
const notifications = `
window.Notification = class {
	static permission = "granted";
	constructor(title, { tag }) { (window.notices ??= []).push(title + ": " + tag); }
};
document.hasFocus = () => false;`

func TestWhoWaitsIsSeenEverywhere(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	chromium := browser(t)
	admin, waiting := newTab(t, chromium), newTab(t, chromium)
	signIn(t, g, admin)
	admin.wait("whether it notifies is said", `document.querySelector("#`+markup.IDNotices+`").dataset.state !== "`+markup.NoticesUnknown+`"`)
	chat := admin.beside()
	chat.run("let it notify", command(page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: notifications}))
	chat.open(g.url("/"))
	chat.wait("connected", link(markup.LinkConnected))
	admin.goTo("Status")
	code := pairingCode(waiting, g)
	for _, b := range []*tab{admin, chat} {
		b.wait("the badge", `document.querySelector("#`+markup.IDPendingBadge+`").innerText === "1"`)
		b.wait("the title", `document.title.startsWith("(1) ")`)
	}
	chat.wait("a notification", `window.notices?.join() === "Headless Chrome on Linux asks to be let in: /admin#`+code+`"`)
	chat.run("a phone", chromedp.EmulateViewport(390, 844))
	chat.shoot("phone")
	admin.goTo("Pairings")
	approve(admin, code)
	for _, b := range []*tab{admin, chat} {
		b.wait("no badge", `document.querySelector("#`+markup.IDPendingBadge+`").innerText === "" && !document.title.startsWith("(")`)
	}
}

// androidNotifications are those of browsers that leave notifying to service
// workers: the name is there, and throws.
const androidNotifications = `
window.Notification = class {
	static permission = "default";
	constructor() { throw new TypeError("Illegal constructor"); }
};`

// TestNotificationsThatCannotBe holds that the page says so where a browser has no
// notifications for pages, rather than offering them.
func TestNotificationsThatCannotBe(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	chromium := browser(t)
	admin, waiting := newTab(t, chromium), newTab(t, chromium)
	admin.run("be on Android", onEachPage(androidNotifications))
	signIn(t, g, admin)
	admin.wait("it is said", `document.querySelector("#`+markup.IDNotices+`").dataset.state === "`+markup.NoticesAbsent+`"`)
	if words := admin.text("#" + markup.IDNotices); !strings.Contains(words, "counted in its title") {
		t.Errorf("the page says %q", words)
	}
	pictures(admin, "absent")
	pairingCode(waiting, g)
	admin.wait("who waits is counted", `document.title.startsWith("(1) ")`)
}

// TestHostileWordsInTheConsole shows an admin what strangers and users chose to be
// called. That nothing of it runs, and no policy is violated, each tab holds.
func TestHostileWordsInTheConsole(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	const evil = `"'><img src=x onerror=alert(1)><script>alert(2)</script></td></table></title>{{7*7}}<svg onload=alert(3)>`
	chromium := browser(t)
	user, admin := newTab(t, chromium), newTab(t, chromium)
	user.open(g.url("/"))
	user.wait("the code", pageState(markup.StateWaiting))
	user.fill("#"+markup.IDDeviceName, evil)
	user.run("press Enter", enter)
	code := evaluate[string](user, `document.querySelector("#`+markup.IDPairingCode+`").dataset.code`)
	signIn(t, g, admin)
	admin.wait("the card", `document.querySelector(`+quote(card(code))+`)?.innerText.includes("onerror") ?? false`)
	approve(admin, code)
	user.wait("the chat", `document.body?.dataset.page === "`+markup.PageChat+`"`)
	user.taken()
	user.wait("connected", link(markup.LinkConnected))
	admin.goTo("Keys")
	admin.click(do(markup.ActionNewKey))
	admin.fill(`#`+markup.IDKeyDialog+` input[name="`+markup.FieldName+`"]`, evil[:70])
	admin.fill(`#`+markup.IDKeyDialog+` input[name="`+markup.FieldUser+`"]`, "program")
	admin.run("press Enter", enter)
	admin.wait("the row, live", rowOf("onerror"))
	admin.goTo("Sessions")
	user.say(evil)
	admin.wait("the row, live", rowOf("onerror"))
	admin.goTo("Clients")
	admin.wait("the row", rowOf("onerror"))
	admin.click(`tr:not(:has(.chip-live)) ` + do(markup.ActionDisconnect))
	admin.wait("the dialog", `document.querySelector("#`+markup.IDDisconnectDialog+`").open`)
	admin.open(g.url("/admin/audit?q=onerror&user=" + strings.ReplaceAll(evil, " ", "%20")))
	for _, name := range []string{"Audit", "Sessions", "Status", "Pairings"} {
		admin.goTo(name)
	}
	if n := admin.number(`document.querySelectorAll("img[src=x], svg[onload]").length`); n != 0 {
		t.Errorf("%d elements are made of words", n)
	}
}

// TestConsolePictures takes pictures of every page of the console for people to
// look at. It needs E2E_PICTURES, a directory to put them in.
func TestConsolePictures(t *testing.T) {
	if os.Getenv("E2E_PICTURES") == "" {
		t.Skip("E2E_PICTURES names no directory for pictures")
	}
	g := startGatehouse(t, "")
	chromium := browser(t)
	user, admin, waiting := newTab(t, chromium), newTab(t, chromium), newTab(t, chromium)
	pairWith(admin, user, g)
	for i := range 4 {
		user.say(fmt.Sprintf("Letter %d to the landlord", i+1))
		user.wait("an answer", replyIs(markup.StatusComplete))
		user.click(`#` + markup.IDSidebar + ` ` + do(markup.ActionNewSession))
		user.wait("a new chat", `document.querySelectorAll("`+messages+` > *").length === 0`)
	}
	user.say("long")
	user.wait("it streams", replyIs(markup.StatusStreaming))
	key := sessionKey(user)
	pairingCode(waiting, g)
	for _, name := range []string{"Sessions", "Clients", "Keys", "Audit", "Status", "Pairings"} {
		admin.goTo(name)
		pictures(admin, strings.ToLower(name))
	}
	admin.open(g.url("/s/" + key))
	admin.wait("connected", link(markup.LinkConnected))
	pictures(admin, "watched")
	admin.open(g.url("/admin/keys"))
	admin.click(do(markup.ActionNewKey))
	pictures(admin, "new-key")
	admin.fill(`#`+markup.IDKeyDialog+` input[name="`+markup.FieldName+`"]`, "Nightly report")
	admin.fill(`#`+markup.IDKeyDialog+` input[name="`+markup.FieldUser+`"]`, "reports")
	admin.run("press Enter", enter)
	admin.wait("the key", there(`#`+markup.IDKeyDialog+`[data-state="`+markup.KeyMade+`"]`))
	pictures(admin, "made-key")
	user.click(do(markup.ActionStopRun))
	user.wait("stopped", replyIs(markup.StatusAborted))
}
