package firefox

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/e2e/rig"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
)

// axeSource is the source of axe-core, which finds faults that keep people with assistive
// technology out (https://github.com/dequelabs/axe-core).
func axeSource(t *testing.T) string {
	t.Helper()
	modules := os.Getenv("E2E_NODE_MODULES")
	if modules == "" {
		t.Skip("there is no axe-core: npm install --prefix DIR axe-core, and set E2E_NODE_MODULES=DIR/node_modules")
	}
	source, err := os.ReadFile(filepath.Join(modules, "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	return string(source)
}

// rich is a message with everything that messages can have.
const rich = "# A heading\n\nText with **bold**, *italic*, `code`, ~~gone~~, [a link](https://example.com), " +
	"https://example.com/x and $E = mc^2$.\n\n## A smaller one\n\n- one\n  1. two\n- [x] done\n- [ ] to do\n\n" +
	"> a quote\n\n| Name | Cost | Much more to say about it in a column that is wide |\n|---|--:|---|\n" +
	"| a | 1 | <br>two |\n\n```go\nfunc main() { fmt.Println(\"a line that is long enough to need a frame that scrolls, " +
	"on a phone at least, and so on\") }\n```\n\n```\nplain\n```\n\n$$\\frac{a}{b} = \\sqrt{2}$$\n\n---\n\n" +
	"![a picture](https://example.com/x.png)\n\nעברית and **注意：**请先保存。"

// axe is a walk whose pages axe examines.
type axe struct {
	*walk
	source        string
	width, height int // of the page, in CSS pixels
}

// examine fails for each violation on the page that a tab shows.
func (a *axe) examine(state string, b *Tab) {
	a.Helper()
	if b.Evaluate("typeof axe") != "object" {
		b.run(a.source)
	}
	b.Resize(a.width, a.height)
	found := b.Evaluate(`axe.run(document, {resultTypes: ["violations"]}).then(r => r.violations.map(v =>
		v.id + " (" + v.help + "): " + v.nodes.map(n => n.html.slice(0, 200) + " " + n.failureSummary).join("\n\t")).join("\n"))`)
	if found != "" {
		a.Errorf("%s at %d×%d:\n%s", state, a.width, a.height, found)
		a.Log(b.Evaluate("document.body.innerText"))
	}
	b.Resize(1280, 800)
}

// TestAxe examines every state of every page that a test can reach, light on a laptop and
// dark on a phone.
func TestAxe(t *testing.T) {
	t.Parallel()
	for scheme, preference := range map[string]string{"dark": "0", "light": "1"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			source := axeSource(t)
			w := &walk{T: t, gateway: rig.StartGatewayWithoutToken(t, "")}
			w.network = rig.StartRelay(t, w.gateway.Address)
			// Without motion, no colour is examined while it changes.
			w.user = Open(t, `user_pref("layout.css.prefers-color-scheme.content-override", `+preference+
				`); user_pref("ui.prefersReducedMotion", 1);`)
			w.admin = w.user.OpenStranger()
			a := &axe{w, source, 1280, 800}
			if scheme == "dark" {
				a.width, a.height = 390, 844
			}
			a.gate()
			a.chat()
			a.console()
			a.others()
		})
	}
}

// gate examines the pages before anybody is in.
func (a *axe) gate() {
	a.user.Navigate(a.url("/"))
	a.user.Wait("the code", stateIs(markup.StateWaiting))
	a.examine("a pairing code", a.user)
	a.admin.Navigate(a.url("/login"))
	a.admin.Wait("the login", stateIs(markup.StateForm))
	a.examine("the login", a.admin)
	a.admin.Click("#" + markup.IDTokenInput)
	a.admin.Press("not the token at all" + KeyEnter)
	a.admin.Wait("refused", stateIs(markup.StateTokenRefused))
	a.examine("a refused token", a.admin)

	stranger := a.user.OpenStranger()
	stranger.Navigate(a.url("/"))
	stranger.Wait("the code", stateIs(markup.StateWaiting))
	a.signIn()
	a.examine("the pairings", a.admin)
	code := stranger.Evaluate(`document.getElementById("` + markup.IDPairingCode + `").dataset.code`)
	a.admin.Click(`[data-code="` + code + `"] ` + action(markup.ActionDeny))
	a.examine("denying", a.admin)
	a.admin.Click("#" + markup.IDDenyDialog + " " + action(markup.ActionConfirmDeny))
	stranger.Wait("denied", stateIs(markup.StateDenied))
	a.examine("a denial", stranger)

	code = a.user.Evaluate(`document.getElementById("` + markup.IDPairingCode + `").dataset.code`)
	a.admin.Click(`[data-code="` + code + `"] ` + action(markup.ActionApprove))
	a.examine("approving", a.admin)
	a.admin.Click(`#` + markup.IDApproveDialog + ` button[type=submit][data-when="form busy"]`)
	a.user.Wait("the chat", pageIs(markup.PageChat)+" && "+inPlace)
}

// chat examines the chat.
func (a *axe) chat() {
	b := a.user
	a.examine("an empty chat", b)
	b.Evaluate(`(window.text = ` + quote(a, "echo "+rich) + `, document.getElementById("` + markup.IDComposerInput +
		`").value = text, document.getElementById("` + markup.IDComposerInput + `").dispatchEvent(new Event("input", {bubbles: true})))`)
	a.say("")
	b.Wait("an answer", replyIs(markup.StatusComplete))
	b.Wait("it is formatted", `!!document.querySelector("`+lastReply+` table")`)
	a.examine("a rich answer", b)
	a.say("error")
	b.Wait("a failed answer", replyIs(markup.StatusFailed))
	a.say("thinking")
	b.Wait("an answer with its thoughts", replyIs(markup.StatusComplete))
	a.examine("a failed answer and thoughts", b)
	a.say("long")
	b.Wait("it streams", replyIs(markup.StatusStreaming)+" && "+replyLength+" > 200")
	a.examine("a streaming answer", b)
	a.say("next")
	b.Wait("a queued message", `!!document.querySelector('`+messages+` > [data-status="`+markup.StatusQueued+`"]')`)
	a.examine("a queued message", b)
	b.Click(action(markup.ActionStopRun))
	b.Wait("an answer", replyIs(markup.StatusComplete))
	a.examine("a stopped answer", b)

	menu := "#" + markup.IDSessionList + " summary"
	for _, name := range []string{markup.ActionRenameSession, markup.ActionDeleteSession} {
		b.Click(menu)
		a.examine("the menu of a chat", b)
		b.Click("#" + markup.IDSessionList + " " + action(name))
		a.examine("the dialog "+name, b)
		b.Press(KeyEscape)
	}
	a.network.Cut()
	b.Wait("the loss is shown", connectionIs(markup.LinkReconnecting))
	a.say("typed in a tunnel")
	a.examine("an outage", b)
	a.network.Mend()
	b.Evaluate(`document.querySelector('#` + markup.IDConnection + " " + action(markup.ActionReconnectNow) + `').click()`)
	b.Wait("it is back", connectionIs(markup.LinkConnected))
}

// console examines the pages for admins, and the user's chat as an admin sees it.
func (a *axe) console() {
	for _, path := range []string{"", "/sessions", "/clients", "/keys", "/audit", "/status"} {
		a.admin.Navigate(a.url("/admin" + path))
		a.admin.Wait("the page", inPlace)
		a.examine("/admin"+path, a.admin)
	}
	a.admin.Navigate(a.url("/admin/keys"))
	a.admin.Wait("the page", inPlace)
	a.admin.Click(action(markup.ActionNewKey))
	a.examine("a new key", a.admin)
	a.admin.Press(KeyEscape)
	a.admin.Navigate(a.url("/s/" + a.user.Evaluate(`document.body.dataset.sessionKey`)))
	a.admin.Wait("the user's chat", inPlace)
	a.examine("a user's chat", a.admin)
}

// others examines the manual and what a wrong address shows.
func (a *axe) others() {
	for _, path := range []string{"/docs", "/docs/start", "/no/such/page"} {
		a.admin.Navigate(a.url(path))
		a.examine(path, a.admin)
	}
	a.admin.Navigate(a.url("/admin"))
	a.admin.Wait("the devices", inPlace)
	a.admin.Click("#" + markup.IDDeviceList + ` > [data-this="false"] ` + action(markup.ActionRevoke))
	a.examine("revoking", a.admin)
	a.admin.Click("#" + markup.IDRevokeDialog + " " + action(markup.ActionConfirmRevoke))
	a.user.Wait("the user is out", stateIs(markup.StateRevoked))
	a.examine("a revoked browser", a.user)
}
