package interop

import (
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/e2e/rig"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
)

// enterKey is WebDriver's code for the Enter key.
const enterKey = "\ue007"

// TestFirefoxRunsTheClient pairs, chats and reloads with Gatehouse's own pages. The tests
// in Chromium cover everything else that the client can do.
func TestFirefoxRunsTheClient(t *testing.T) {
	t.Parallel()
	rig.Binary(t)
	b := newTab(t)
	g := rig.StartGateway(t, "")
	b.navigate(g.URL("/"))
	b.wait("the code", `document.body?.dataset.state === "`+markup.StateWaiting+`"`)
	code := b.evaluate(`document.getElementById("` + markup.IDPairingCode + `").dataset.code`)
	connectAs(t, g, "keeper").Must("device.pair.approve", `{"code":"`+code+`"}`)
	b.wait("the chat", `document.body?.dataset.page === "`+markup.PageChat+`"`)
	const inPlace = `document.body?.dataset.boot === "` + markup.BootReady + `" &&
		document.getElementById("` + markup.IDConnection + `")?.dataset.state === "` + markup.LinkConnected + `"`
	b.wait("the client", inPlace)

	b.evaluate(`document.getElementById("` + markup.IDComposerInput + `").focus()`)
	b.press("What is a gate?" + enterKey)
	const answered = `document.querySelector("#` + markup.IDMessages +
		` > :last-child.message-assistant")?.dataset.status === "` +
		markup.StatusComplete + `"`
	b.wait("an answer", answered)
	before := b.evaluate(`document.getElementById("` + markup.IDMessages + `").children.length`)
	b.reload()
	b.wait("the client again", inPlace)
	b.wait("the transcript", answered)
	if after := b.evaluate(`document.getElementById("` + markup.IDMessages + `").children.length`); after != before {
		t.Errorf("after a reload there are %s messages, before there were %s", after, before)
	}
	if len(b.errors) > 0 {
		t.Errorf("the page reports %q", b.errors)
	}
}
