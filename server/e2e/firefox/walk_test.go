package firefox

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/e2e/rig"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
)

// walk is a gateway behind a network that can be cut, a user's tab and an admin's.
type walk struct {
	*testing.T
	gateway     *rig.Gateway
	network     *rig.Relay
	user, admin *Tab
}

// newWalk starts a gateway and Firefox, lets the user in through the console, and shows
// the user's chat.
func newWalk(t *testing.T) *walk {
	t.Helper()
	t.Parallel()
	w := &walk{T: t, gateway: rig.StartGatewayWithoutToken(t, "")}
	w.network = rig.StartRelay(t, w.gateway.Address)
	w.user = Open(t, "")
	w.admin = w.user.OpenStranger()
	t.Cleanup(func() {
		for who, b := range map[string]*Tab{"user": w.user, "admin": w.admin} {
			if errors := b.Errors(); len(errors) > 0 {
				t.Errorf("the %s's page reports %q", who, errors)
			}
		}
	})
	w.pair()
	return w
}

func (w *walk) url(path string) string { return "http://" + w.network.Address + path }

func (w *walk) pair() {
	w.Helper()
	w.user.Navigate(w.url("/"))
	w.user.Wait("the code", stateIs(markup.StateWaiting))
	code := w.user.Evaluate(`document.getElementById("` + markup.IDPairingCode + `").dataset.code`)
	w.signIn()
	w.admin.Click(`[data-code="` + code + `"] ` + action(markup.ActionApprove))
	w.admin.Click(`#` + markup.IDApproveDialog + ` button[type=submit][data-when="form busy"]`)
	w.user.Wait("the chat", pageIs(markup.PageChat)+" && "+inPlace)
}

// signIn opens the console with the sign-in link.
func (w *walk) signIn() {
	w.Helper()
	_, link, _ := strings.Cut(w.gateway.SignInLink(), "#")
	w.admin.Navigate("about:blank") // only the fragment may differ, which loads nothing
	w.admin.Navigate(w.url("/login#" + link))
	w.admin.Wait("the console", pageIs(markup.PageAdmin)+" && "+inPlace)
}

// say writes a message into the composer and sends it.
func (w *walk) say(text string) {
	w.Helper()
	w.user.Click("#" + markup.IDComposerInput)
	w.user.Press(text + KeyEnter)
}

// shown returns what the user's page shows of the messages.
func (w *walk) shown() string {
	w.Helper()
	return w.user.Evaluate(`[...document.querySelectorAll("` + messages + ` > *")].map(m => m.dataset.messageId +
		" " + m.dataset.status + " " + m.querySelector("[data-slot=body]").innerHTML).join("\n")`)
}

// reloadsEqual checks that a reload shows the same messages.
func (w *walk) reloadsEqual() {
	w.Helper()
	before := w.shown()
	w.user.Reload()
	w.user.Wait("the client again", inPlace)
	if after := w.shown(); after != before {
		w.Errorf("after a reload the page shows\n%s\n\nbefore\n%s", after, before)
	}
}

func TestStreamStopReload(t *testing.T) {
	w := newWalk(t)
	w.say("Show me some markdown")
	w.user.Wait("an answer", replyIs(markup.StatusComplete))
	w.say("long")
	w.user.Wait("it streams", replyIs(markup.StatusStreaming)+" && "+replyLength+" > 200")
	at := w.user.Evaluate(replyLength)
	w.user.Reload()
	w.user.Wait("it goes on after a reload", inPlace+" && "+replyIs(markup.StatusStreaming)+
		" && "+replyLength+" > "+at)
	w.user.Click(action(markup.ActionStopRun))
	w.user.Wait("it stops", replyIs(markup.StatusAborted))
	w.reloadsEqual()
}

func TestKilledGateway(t *testing.T) {
	w := newWalk(t)
	w.say("long")
	w.user.Wait("it streams", replyIs(markup.StatusStreaming)+" && "+replyLength+" > 200")
	w.gateway.Kill()
	w.user.Wait("the loss is shown", connectionIs(markup.LinkReconnecting))
	w.say("typed while it was down")
	w.gateway.Start()
	w.user.Wait("reconnected by itself", connectionIs(markup.LinkConnected))
	w.user.Wait("the message has arrived once", saidAre("long", "typed while it was down"))
	w.user.Wait("it is answered", replyIs(markup.StatusComplete))
	failed := messages + ` > [data-status="` + markup.StatusFailed + `"]`
	w.user.Wait("the answer that was cut off is marked", fmt.Sprintf(`!!document.querySelector('%s')`, failed))
	w.reloadsEqual()
}

// TestOutage tries again and again while there is no network, since Firefox makes each
// socket after a refused one wait longer. The page must be back as soon as the gateway can
// be reached.
func TestOutage(t *testing.T) {
	w := newWalk(t)
	w.say("Hello there")
	w.user.Wait("an answer", replyIs(markup.StatusComplete))
	w.network.Cut()
	w.user.Wait("the loss is shown", connectionIs(markup.LinkReconnecting))
	w.say("typed in a tunnel")
	// The button is away while the page tries, so no mouse could be sure to hit it.
	tryNow := `document.querySelector('#` + markup.IDConnection + " " + action(markup.ActionReconnectNow) + `').click()`
	for range 8 {
		w.user.Evaluate(tryNow)
		w.user.Wait("it has failed", connectionIs(markup.LinkReconnecting)+" || "+connectionIs(markup.LinkFailing))
	}
	w.network.Mend()
	w.user.Evaluate(`(window.mended = performance.now(), new MutationObserver(() => {
		if (` + connectionIs(markup.LinkConnected) + `) window.back ??= performance.now();
	}).observe(document.body, {subtree: true, attributes: true}))`)
	w.user.Evaluate(tryNow)
	w.user.Wait("it is back", "window.back > 0")
	took, err := strconv.Atoi(w.user.Evaluate("Math.round(window.back - window.mended)"))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("from the network's return to the connection: %d ms", took)
	if took > 5000 { // some 100 ms are usual; without the probe it is up to a minute
		t.Errorf("the page is back %d ms after the network", took)
	}
	w.user.Wait("the message has arrived once", saidAre("Hello there", "typed in a tunnel"))
	w.user.Wait("it is answered", replyIs(markup.StatusComplete))
	w.reloadsEqual()
}

func TestFiles(t *testing.T) {
	w := newWalk(t)
	name := filepath.Join(t.TempDir(), "job.py")
	if err := os.WriteFile(name, []byte("print('a file')\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.user.Choose("#"+markup.IDAttach, name)
	w.user.Wait("it is uploaded", `document.querySelector("#`+markup.IDAttachments+
		` > *")?.dataset.state === "`+markup.FileReady+`"`)
	w.say("What is this?")
	w.user.Wait("an answer", replyIs(markup.StatusComplete))
	w.user.Wait("the file is in the message", `document.querySelector("`+messages+
		` > .message-user .file [data-slot=filename]")?.textContent === "job.py"`)
	got := w.user.Evaluate(`fetch(document.querySelector("` + messages +
		` .file-chip").href).then(r => r.text().then(text => r.headers.get("Content-Type") + " " + text))`)
	if got != "text/plain; charset=utf-8 print('a file')\n" {
		t.Errorf("the file comes back as %q", got)
	}
	w.reloadsEqual()
}

func TestConsole(t *testing.T) {
	w := newWalk(t)
	w.say("Hello there")
	w.user.Wait("an answer", replyIs(markup.StatusComplete))
	for _, page := range []string{"Sessions", "Clients", "Audit", "Status", "Keys"} {
		w.admin.Evaluate(`[...document.querySelectorAll(".tab")].find(tab => tab.innerText.startsWith("` + page + `")).click()`)
		w.admin.Wait(page, `document.querySelector(".tab[aria-current=page]")?.innerText.startsWith("`+
			page+`") && `+inPlace)
	}
	w.admin.Click(action(markup.ActionNewKey))
	dialog := "#" + markup.IDKeyDialog
	w.admin.Click(dialog + ` input[name="` + markup.FieldName + `"]`)
	w.admin.Press("Nightly report")
	w.admin.Click(dialog + ` input[name="` + markup.FieldUser + `"]`)
	w.admin.Press("reports" + KeyEnter)
	w.admin.Wait("the key", `document.querySelector("`+dialog+` code[data-slot=key]").innerText.startsWith("gh_")`)
	w.admin.Press(KeyEscape)

	w.admin.Navigate(w.url("/admin"))
	w.admin.Wait("the devices", inPlace)
	w.admin.Click("#" + markup.IDDeviceList + ` > [data-this="false"] ` + action(markup.ActionRevoke))
	w.admin.Click("#" + markup.IDRevokeDialog + " " + action(markup.ActionConfirmRevoke))
	w.user.Wait("the user is out", stateIs(markup.StateRevoked)+` && !document.querySelector("`+messages+` > *")`)
}

// TestKeyboardAlone uses no mouse: it reaches everything with Tab, and leaves with Escape.
func TestKeyboardAlone(t *testing.T) {
	w := newWalk(t)
	b := w.user
	tabTo := func(what, selector string) {
		t.Helper()
		for range 40 {
			if b.Evaluate(hasFocus(selector)) == "true" {
				return
			}
			b.Press(KeyTab)
		}
		t.Fatalf("Tab does not reach %s: %s", what, b.Evaluate("document.activeElement.outerHTML"))
	}
	tabTo("the composer", "#"+markup.IDComposerInput)
	b.Press("Hello")
	b.PressWith(KeyShift, KeyEnter)
	b.Press("there" + KeyEnter)
	b.Wait("an answer", replyIs(markup.StatusComplete)+" && "+saidAre(`Hello\nthere`))
	b.Press("long" + KeyEnter)
	b.Wait("it streams", replyIs(markup.StatusStreaming)+" && "+replyLength+" > 200")
	tabTo("the stop button", action(markup.ActionStopRun))
	b.Press(KeyEnter)
	b.Wait("it stops", replyIs(markup.StatusAborted))
	tabTo("a new chat", action(markup.ActionNewSession))
	b.Press(KeyEnter)
	b.Wait("a new chat", `document.querySelectorAll("`+messages+` > *").length === 0`)
	tabTo("the chat", action(markup.ActionOpenSession))
	b.Press(KeyEnter)
	b.Wait("the chat again", `document.querySelectorAll("`+messages+` > *").length === 4`)
}
