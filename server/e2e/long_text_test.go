package e2e

import (
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// TestLongPaste checks that a text that is too long for a message is offered as a file, stays in
// the composer until it is one, and arrives whole.
func TestLongPaste(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	user, _ := pairedTabs(t, g)
	const line = "2026-03-01T08:00:00Z worker 7: der Schlüssel passt nicht; "
	const lines = protocol.MaxMessageBytes/len(line) + 20
	user.fill(composer, "What is wrong here?\n")
	// A paste, as the page sees it: DevTools types long texts line by line.
	user.run("paste", chromedp.Evaluate[chromedp.Void](`(() => { const c = document.querySelector("`+composer+`");
		c.setRangeText(`+quote(line)+`.repeat(`+strconv.Itoa(lines)+`), c.value.length, c.value.length, "end");
		c.dispatchEvent(new InputEvent("input", {bubbles: true, inputType: "insertFromPaste"})) })()`))
	notice := "#" + markup.IDComposerLong
	user.wait("the offer", `!document.querySelector("`+notice+`").hidden`)
	if said := user.text(notice); strings.Contains(said, "byte") || !strings.Contains(said, "characters too long") {
		t.Errorf("the page says %q", said)
	}
	screenshots(user, "offer")
	user.press("Enter", 0)
	user.wait("it is not sent", `document.querySelector("#`+markup.IDToasts+`").innerText.includes("Attach it as a file")`)
	if n := user.number(`document.querySelector("` + composer + `").value.length`); n < lines*(len(line)-1) {
		t.Errorf("%d characters are left in the composer", n)
	}
	user.click(notice + ` [data-action="` + markup.ActionAttachText + `"]`)
	user.wait("it is a file", attachmentIs("pasted-text.txt", markup.FileReady)+
		` && document.querySelector("`+composer+`").value === "What is wrong here?" && document.querySelector("`+notice+`").hidden`)
	screenshots(user, "attached")
	user.press("Enter", 0)
	user.wait("it is sent", `document.querySelector("`+messages+` > .message-user .file-chip")?.href`)
	user.runAsync("read the file", `const r = await fetch(document.querySelector("`+messages+` > .message-user .file-chip").href);
		window.got = (await r.arrayBuffer()).byteLength`)
	if got := user.number(`window.got`); got != lines*len(line) {
		t.Errorf("the file has %d bytes, not %d", got, lines*len(line))
	}
}
