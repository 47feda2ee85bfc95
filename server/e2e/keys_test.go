package e2e

import (
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"github.com/gatehouse-chat/gatehouse/shared/markup"
)

const composer = "#" + markup.IDComposerInput

// focusIs is a condition: the element that matches has the focus.
func focusIs(selector string) string {
	return `document.activeElement === document.querySelector(` + quote(selector) + `)`
}

// asPhone gives the tab the screen of a phone, with a finger as its pointer.
func (b *tab) asPhone() {
	b.t.Helper()
	b.run("be a phone", chromedp.EmulateViewport(390, 844, chromedp.EmulateMobile, chromedp.EmulateTouch))
	b.wait("a finger points", `matchMedia("(pointer: coarse)").matches`)
}

// asLaptop undoes asPhone.
func (b *tab) asLaptop() {
	b.t.Helper()
	b.run("be a laptop", chromedp.EmulateViewport(1280, 800))
	b.wait("no finger points", `!matchMedia("(pointer: coarse)").matches`)
}

// press presses a key, with modifiers as in the DevTools protocol.
func (b *tab) press(key string, modifiers int64) {
	b.t.Helper()
	codes := map[string]int64{"Enter": 13, "Escape": 27, "Tab": 9, "p": 80}
	event := input.DispatchKeyEventParams{Type: "keyDown", Key: key, Code: key,
		WindowsVirtualKeyCode: codes[key], Modifiers: modifiers}
	if key == "p" {
		event.Code = "KeyP"
	}
	if key == "Enter" {
		event.Text = "\r"
	}
	up := event
	up.Type, up.Text = "keyUp", ""
	b.run("press "+key, command(input.DispatchKeyEvent, event), command(input.DispatchKeyEvent, up))
}

const ctrl, shift = 2, 8 // modifiers

// TestEnter checks what Enter does with a mouse and with a finger as the main pointer, and
// as the user has chosen.
func TestEnter(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	user, _ := pairedTabs(t, g)
	sent := 0
	expect := func(what string, sends bool, modifiers int64) {
		t.Helper()
		user.fill(composer, "message")
		user.press("Enter", modifiers)
		if !sends {
			user.wait(what+": a new line", `document.querySelector("`+composer+`").value === "message\n"`)
			return
		}
		sent++
		user.wait(what+": it is sent", `document.querySelectorAll("`+messages+` > .message-user").length === `+string(rune('0'+sent))+
			` && document.querySelector("`+composer+`").value === ""`)
	}
	hint := func(want string) {
		t.Helper()
		user.wait("the keyboard shows "+want, `document.querySelector("`+composer+`").enterKeyHint === "`+want+`"`)
	}
	choose := func(value string) {
		t.Helper()
		user.run("open the settings", chromedp.Evaluate[chromedp.Void](
			`document.querySelector("[data-action=`+markup.ActionSettings+`]").click()`))
		radio := "#" + markup.IDSettingsDialog + ` [value="` + value + `"]`
		user.wait("the settings", `document.querySelector("#`+markup.IDSettingsDialog+`").open`)
		user.click(radio)
		user.press("Escape", 0)
		user.wait("no settings", `!document.querySelector("#`+markup.IDSettingsDialog+`").open`)
	}
	expect("with a mouse", true, 0)
	expect("with a mouse and Shift", false, shift)
	hint("send")

	user.asPhone()
	hint("enter")
	expect("with a finger", false, 0)
	expect("with a finger and Ctrl", true, ctrl)
	user.fill(composer, "by the button")
	user.click(".composer-send")
	sent++
	user.wait("the button sends", `document.querySelectorAll("`+messages+` > .message-user").length === `+string(rune('0'+sent)))

	choose(markup.EnterSend)
	hint("send")
	expect("with a finger, as chosen", true, 0)
	choose(markup.EnterNewline)
	user.asLaptop()
	hint("enter")
	expect("with a mouse, as chosen", false, 0)
	expect("with a mouse and Ctrl, as chosen", true, ctrl)
	user.run("reload", chromedp.Reload())
	user.waitForClient()
	hint("enter")
	expect("after a reload", false, 0)
	choose(markup.EnterAuto)
	hint("send")
	expect("as usual again", true, 0)
}

// TestEnterOfAnInputMethod checks that the Enter that ends a composition does not send, nor
// does Escape then stop an answer. Safari ends the composition before it reports the key.
func TestEnterOfAnInputMethod(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	user, _ := pairedTabs(t, g)
	user.run("compose", chromedp.Focus(composer), command(input.ImeSetComposition,
		input.ImeSetCompositionParams{Text: "にほん", SelectionStart: 3, SelectionEnd: 3}))
	for _, key := range []string{
		`{key: "Enter", isComposing: true, bubbles: true, cancelable: true}`,
		`{key: "Enter", keyCode: 229, bubbles: true, cancelable: true}`,
		`{key: "Escape", isComposing: true, bubbles: true, cancelable: true}`,
	} {
		if evaluate[bool](user, `!document.querySelector("`+composer+`").dispatchEvent(new KeyboardEvent("keydown", `+key+`))`) {
			t.Errorf("the page has taken %s", key)
		}
	}
	user.run("commit", command(input.InsertText, input.InsertTextParams{Text: "日本"}))
	if n := user.number(`document.querySelectorAll("` + messages + ` > *").length`); n != 0 {
		t.Errorf("%d messages were sent", n)
	}
	user.press("Enter", 0)
	user.wait("it is sent", `document.querySelector("`+messages+` > .message-user")?.innerText.includes("日本")`)
}

// TestEscape checks that Escape closes what is open, gives the focus back, and only then
// stops an answer.
func TestEscape(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	user, _ := pairedTabs(t, g)
	user.wait("the composer has the focus after load", focusIs(composer))
	user.send("long")
	user.wait("it streams", replyIs(markup.StatusStreaming))

	summary := "#" + markup.IDSessionList + " summary"
	user.run("open the menu", chromedp.Evaluate[chromedp.Void](`document.querySelector("`+summary+`").focus()`))
	user.press("Enter", 0)
	user.wait("the menu is open", `document.querySelector("#`+markup.IDSessionList+` details").open`)
	user.press("Escape", 0)
	user.wait("the menu is closed", `!document.querySelector("#`+markup.IDSessionList+` details").open && `+focusIs(summary))

	dialog := `document.querySelector("#` + markup.IDRenameDialog + `")`
	user.press("Enter", 0)
	user.click("#" + markup.IDSessionList + ` [data-action="` + markup.ActionRenameSession + `"]`)
	user.wait("the old name is selected", `(() => { const i = document.querySelector("#`+markup.IDRenameInput+`");
		return `+dialog+`.open && i === document.activeElement && i.value && i.selectionEnd - i.selectionStart === i.value.length })()`)
	user.press("Escape", 0)
	user.wait("the focus is back", `!`+dialog+`.open && `+focusIs(summary))

	user.run("search", chromedp.Focus("#"+markup.IDSessionSearch), command(input.InsertText, input.InsertTextParams{Text: "x"}))
	user.press("Escape", 0)
	if !evaluate[bool](user, replyIs(markup.StatusStreaming)) {
		t.Fatal("an Escape that was for something else has stopped the answer")
	}

	user.run("back to the message", chromedp.Focus(composer))
	user.press("Escape", 0)
	user.wait("it stops", replyIs(markup.StatusAborted))
	user.wait("the composer has the focus", focusIs(composer))
}

// TestFocusStays checks that the keyboard's focus never falls back to the top of the page.
func TestFocusStays(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	user, _ := pairedTabs(t, g)
	user.send("long")
	user.wait("it streams", replyIs(markup.StatusStreaming))
	user.run("press the button", chromedp.Focus(".composer-stop"))
	user.press("Enter", 0)
	user.wait("it stops", replyIs(markup.StatusAborted))
	user.wait("the composer has the focus after stop", focusIs(composer))

	user.click(lastReply + ` [data-action="` + markup.ActionRetryRun + `"]`)
	user.wait("it streams again", replyIs(markup.StatusStreaming))
	user.press("Escape", 0)
	user.wait("it stops again", replyIs(markup.StatusAborted))

	user.click("#" + markup.IDSidebar + ` [data-action="` + markup.ActionNewSession + `"]`)
	user.send("Hello")
	user.wait("an answer", replyIs(markup.StatusComplete))
	user.wait("two chats", `document.querySelectorAll("#`+markup.IDSessionList+` > *").length === 2`)
	user.click("#" + markup.IDSessionList + ` > :last-child [data-action="` + markup.ActionOpenSession + `"]`)
	user.wait("another chat", `document.querySelector("`+messages+` > .message-user")?.innerText.includes("long")`)
	user.wait("the composer has the focus after opening a chat", focusIs(composer))

	// The deleted chat's neighbour takes over.
	user.click("#" + markup.IDSessionList + ` > :first-child summary`)
	user.click("#" + markup.IDSessionList + ` > :first-child [data-action="` + markup.ActionDeleteSession + `"]`)
	user.press("Tab", 0)
	user.press("Enter", 0) // Delete chat
	user.wait("it is deleted", `document.querySelectorAll("#`+markup.IDSessionList+` > *").length === 1`)
	user.wait("the focus is in the list", `document.activeElement.closest("#`+markup.IDSessionList+`, `+composer+`")`)

	user.asPhone()
	user.run("reload", chromedp.Reload())
	user.waitForClient()
	user.wait("connected", connectionIs(markup.LinkConnected))
	if evaluate[bool](user, focusIs(composer)) {
		t.Error("a phone opens its keyboard after load")
	}
}

// TestFocusOfDecisions checks that the focus goes to the next request after a decision.
func TestFocusOfDecisions(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	chromium := browser(t)
	admin := newTab(t, chromium)
	signIn(t, g, admin)
	codes := make([]string, 3)
	for i := range codes {
		codes[i] = pairingCode(newTab(t, chromium), g)
	}
	admin.wait("three requests", `document.querySelectorAll("#`+markup.IDPendingList+` > *").length === 3`)
	button := func(code, action string) string { return cardSelector(code) + ` [data-action="` + action + `"]` }

	admin.run("deny by the keyboard", chromedp.Focus(button(codes[0], markup.ActionDeny)))
	admin.press("Enter", 0)
	admin.wait("the dialog", `document.querySelector("#`+markup.IDDenyDialog+`").open`)
	admin.press("Escape", 0)
	admin.wait("the focus is back", focusIs(button(codes[0], markup.ActionDeny)))
	admin.press("Enter", 0)
	admin.click("#" + markup.IDDenyDialog + ` [data-action="` + markup.ActionConfirmDeny + `"]`)
	admin.wait("it is denied", `!document.querySelector(`+quote(cardSelector(codes[0]))+`)`)
	admin.wait("the next request has the focus", focusIs(button(codes[1], markup.ActionDeny)))

	approve(admin, codes[1])
	admin.wait("it is approved", `!document.querySelector(`+quote(cardSelector(codes[1]))+`)`)
	admin.wait("the next request has the focus", focusIs(button(codes[2], markup.ActionApprove)))

	approve(admin, codes[2])
	admin.wait("nobody waits", `!document.querySelector("#`+markup.IDPendingList+` > *")`)
	admin.wait("the heading has the focus", focusIs("#pending-heading"))
}
