package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/gatehouse-chat/gatehouse/shared/markup"
)

// look has the page shown by a medium ("screen" or "print") and with features such as
// forced-colors: names and values in turn.
func (b *tab) look(medium string, features ...string) {
	b.t.Helper()
	params := emulation.SetEmulatedMediaParams{Media: medium, Features: []*emulation.MediaFeature{
		{Name: "prefers-reduced-motion", Value: "reduce"}}}
	for i := 0; i < len(features); i += 2 {
		params.Features = append(params.Features, &emulation.MediaFeature{Name: features[i], Value: features[i+1]})
	}
	b.run("look as "+fmt.Sprint(features), command(emulation.SetEmulatedMedia, params))
}

// styleOf returns the computed value of a property of the first element that matches.
func (b *tab) styleOf(selector, property string) string {
	b.t.Helper()
	return evaluate[string](b, `getComputedStyle(document.querySelector(`+quote(selector)+`)).getPropertyValue("`+property+`")`)
}

// withMarkdown returns the tab of a user whose chat has an answer with all kinds of blocks,
// and another chat.
func withMarkdown(t *testing.T) *tab {
	t.Helper()
	g := startGatehouse(t, "")
	user, _ := pairedTabs(t, g)
	user.send("Hello")
	user.wait("an answer", replyIs(markup.StatusComplete))
	user.click("#" + markup.IDSidebar + ` [data-action="` + markup.ActionNewSession + `"]`)
	user.send("Show me some markdown")
	user.wait("an answer", replyIs(markup.StatusComplete))
	user.wait("two chats", `document.querySelectorAll("#`+markup.IDSessionList+` > *").length === 2`)
	return user
}

// TestArticles checks that the messages are articles with names, the same ones from the
// client as from the gateway.
func TestArticles(t *testing.T) {
	t.Parallel()
	user := withMarkdown(t)
	names := func() string {
		return evaluate[string](user, `[...document.querySelectorAll("`+messages+` > article")].map(a => a.getAttribute("aria-label")).join("; ")`)
	}
	times := evaluate[[]string](user, `[...document.querySelectorAll("`+messages+` time")].map(t => t.textContent)`)
	if len(times) != 2 {
		t.Fatalf("the messages have the times %q", times)
	}
	want := "You, " + times[0] + "; Demo agent, " + times[1]
	if got := names(); got != want {
		t.Errorf("live the messages are called %q, want %q", got, want)
	}
	user.run("reload", chromedp.Reload())
	user.waitForClient()
	user.wait("connected", connectionIs(markup.LinkConnected))
	user.wait("the names are the same", `[...document.querySelectorAll("`+messages+` > article")].map(a => a.getAttribute("aria-label")).join("; ") === `+quote(want))
}

// TestForcedColours checks that lines say what colours say otherwise.
func TestForcedColours(t *testing.T) {
	t.Parallel()
	user := withMarkdown(t)
	for _, scheme := range []string{"light", "dark"} {
		user.look("screen", "forced-colors", "active", "prefers-color-scheme", scheme)
		user.wait("forced colours", `matchMedia("(forced-colors: active)").matches`)
		user.screenshot("forced-" + scheme)
		if w := user.styleOf(".message-user .message-body", "border-top-width"); w == "0px" {
			t.Errorf("%s: a message of the user has no border", scheme)
		}
		current, other := "#"+markup.IDSessionList+` > [aria-current="page"]`, "#"+markup.IDSessionList+` > [aria-current="false"]`
		if a, b := user.styleOf(current, "outline-style"), user.styleOf(other, "outline-style"); a == b {
			t.Errorf("%s: the current chat has the outline %s as the others", scheme, a)
		}
		user.run("focus", chromedp.Evaluate[chromedp.Void](`document.querySelector(".new-chat").focus({focusVisible: true})`))
		if s := user.styleOf(".new-chat", "outline-style"); s == "none" {
			t.Errorf("%s: the focus is not shown", scheme)
		}
		dots := map[string]string{}
		for _, state := range []string{markup.LinkConnected, markup.LinkReconnecting, markup.LinkOffline} {
			shape := evaluate[string](user, `(() => { const pill = document.querySelector("#`+markup.IDConnection+`"), was = pill.dataset.state;
				pill.dataset.state = "`+state+`";
				const s = getComputedStyle(pill.querySelector(".pill-dot")), shape = s.backgroundColor + " " + s.borderTopLeftRadius;
				pill.dataset.state = was;
				return shape })()`)
			if other := dots[shape]; other != "" {
				t.Errorf("%s: the dots of %s and %s are both %s", scheme, state, other, shape)
			}
			dots[shape] = state
		}
	}
}

// TestZoom checks that at 400 % zoom, as on a laptop of 1280 by 800 pixels, at least half of the
// window is for the transcript, whatever is in the composer, and nothing is too wide.
func TestZoom(t *testing.T) {
	t.Parallel()
	user := withMarkdown(t)
	user.run("zoom", chromedp.EmulateViewport(320, 200))
	transcript := `document.querySelector("#` + markup.IDTranscript + `").getBoundingClientRect().height`
	for _, text := range []string{"", "one\ntwo\nthree\nfour\nfive\nsix\nseven"} {
		user.fill(composer, text)
		user.screenshot(fmt.Sprint("zoom-", len(text)))
		if h := user.number(`Math.round(` + transcript + `)`); h < 100 {
			t.Errorf("with %d characters in the composer the transcript has %d of 200 px", len(text), h)
		}
		if !evaluate[bool](user, `(() => { const r = document.querySelector("`+composer+`").getBoundingClientRect(); return r.height >= 24 && r.bottom <= innerHeight })()`) {
			t.Error("the composer is cut off")
		}
	}
	if wide := user.tooWide(); wide != "" {
		t.Errorf("too wide: %s", wide)
	}
}

// TestLargeText checks that with text of twice the size a phone still shows the chat's title,
// beside the state of the connection.
func TestLargeText(t *testing.T) {
	t.Parallel()
	user := withMarkdown(t)
	user.run("twice the size", chromedp.EmulateViewport(390, 844),
		chromedp.Evaluate[chromedp.Void](`void (document.documentElement.style.fontSize = "200%")`))
	user.screenshot("large")
	for _, state := range []string{markup.LinkConnected, markup.LinkReconnecting, markup.LinkFailing, markup.LinkRefused} {
		got := evaluate[string](user, `(() => { const pill = document.querySelector("#`+markup.IDConnection+`");
			pill.dataset.state = "`+state+`";
			for (const s of pill.querySelectorAll("[data-slot]")) s.textContent = s.dataset.slot === "reason" ? "This browser was signed out" : "12";
			const title = document.querySelector("#`+markup.IDSessionTitle+`").getBoundingClientRect(), at = pill.getBoundingClientRect();
			return title.width < 120 ? "its title has " + title.width + " px" : at.right > innerWidth ? "its pill is cut off" :
				"`+state+`" === "connected" && at.top > title.bottom ? "its pill is below the title" : "" })()`)
		if got != "" {
			t.Errorf("the page is %s, and %s", state, got)
		}
		user.screenshot("large-" + state)
	}
	if wide := user.tooWide(); wide != "" {
		t.Errorf("too wide: %s", wide)
	}
}

// tooWide names the elements that make the page wider than the window, or returns "".
func (b *tab) tooWide() string {
	b.t.Helper()
	return evaluate[string](b, `document.documentElement.scrollWidth <= innerWidth ? "" : [...document.querySelectorAll("body *")].filter(el =>
		el.getBoundingClientRect().right > innerWidth + 1).map(el => el.localName + "." + el.className).slice(0, 8).join(", ")`)
}

// TestWideTables checks that the columns of a wide table stay readable on a phone, and that
// the table scrolls by itself.
func TestWideTables(t *testing.T) {
	t.Parallel()
	user := withMarkdown(t)
	user.asPhone()
	user.run("a wide table", chromedp.Evaluate[chromedp.Void](`(() => {
		const row = (cell) => "<tr>" + ("<" + cell + ">several words that would wrap</" + cell + ">").repeat(6) + "</tr>";
		document.querySelector("`+lastReply+` table").innerHTML = "<thead>" + row("th") + "</thead><tbody>" + row("td") + "</tbody>" })()`))
	user.run("show it", chromedp.Evaluate[chromedp.Void](`document.querySelector("`+lastReply+` table").scrollIntoView()`))
	user.screenshot("table")
	if narrow := user.number(`Math.round(Math.min(...[...document.querySelectorAll("` + lastReply + ` td")].map(c => c.getBoundingClientRect().width)))`); narrow < 110 {
		t.Errorf("the narrowest column has %d px", narrow)
	}
	if !evaluate[bool](user, `(() => { let el = document.querySelector("`+lastReply+` td"); while (el.scrollWidth <= el.clientWidth) el = el.parentElement;
		return el.closest(".message-body") && getComputedStyle(el).overflowX === "auto" && document.documentElement.scrollWidth <= innerWidth })()`) {
		t.Error("the table does not scroll by itself")
	}
}

// TestFormulasInLists checks that items with formulas keep their bullets and numbers, which
// an item that scrolls would cut off, and that a long formula scrolls inside its list.
func TestFormulasInLists(t *testing.T) {
	t.Parallel()
	user := withMarkdown(t)
	user.send("echo 1. short $x^2$\n2. long $a_1" + strings.Repeat(" + a_2", 60) + "$\n\n   **$y$** loose\n")
	user.wait("the formulas", `document.querySelectorAll("`+lastReply+` li math").length === 3`)
	user.wait("an answer", replyIs(markup.StatusComplete))
	user.asPhone() // on which Enter sends nothing
	user.screenshot("list")
	if got := evaluate[string](user, `[...document.querySelectorAll("`+lastReply+` li")].map(e => getComputedStyle(e).overflow).join()`); got != "visible,visible" {
		t.Errorf("the items with formulas have the overflow %q", got)
	}
	if !evaluate[bool](user, `(() => { const list = document.querySelector("`+lastReply+` ol"), p = [list, ...list.querySelectorAll("p")];
		return p.some(e => e.scrollWidth > e.clientWidth && getComputedStyle(e).overflowX === "auto") && document.documentElement.scrollWidth <= innerWidth })()`) {
		t.Error("the long formula does not scroll in its list")
	}
}

// TestTargets checks that a finger can hit what is there to be pressed (WCAG 2.5.5): 44 px, the
// area that reaches beyond an element included.
func TestTargets(t *testing.T) {
	t.Parallel()
	user := withMarkdown(t)
	user.asPhone()
	small := func(what string) {
		t.Helper()
		for _, found := range evaluate[[]string](user, `[...document.querySelectorAll("a[href], button, summary, input:not([type=file]), select")].filter((el) => {
			if (!el.checkVisibility({visibilityProperty: true}) || el.closest(".prose p, .prose li")) return false;
			if (el.matches("input[type=radio]")) el = el.closest("label");
			const r = el.getBoundingClientRect(), more = getComputedStyle(el, "::after");
			const grown = more.content !== "none" && more.position === "absolute" ? -2 * parseFloat(more.top) : 0;
			return r.width > 1 && r.height + grown < 44;
		}).map((el) => el.className + " " + el.textContent.trim().slice(0, 30) + " " + Math.round(el.getBoundingClientRect().height))`) {
			t.Errorf("%s: %s px", what, found)
		}
	}
	small("the chat")
	user.click(".room-head .narrow-only")
	user.wait("the list of chats", `document.querySelector("#`+markup.IDSidebar+`").matches(":popover-open")`)
	user.screenshot("drawer")
	small("the list of chats")
	user.click(`[data-action="` + markup.ActionSettings + `"]`)
	user.wait("the settings", `document.querySelector("#`+markup.IDSettingsDialog+`").open`)
	user.screenshot("settings")
	small("the settings")
}

// TestKeyboardOverThePage checks that the composer stays above a keyboard that a browser lays
// over the page, as Safari does.
func TestKeyboardOverThePage(t *testing.T) {
	t.Parallel()
	user := withMarkdown(t)
	user.asPhone()
	bottom := `Math.round(document.querySelector("` + composer + `").getBoundingClientRect().bottom)`
	keyboard := func(height string) {
		user.run("a keyboard", chromedp.Evaluate[chromedp.Void](`(() => {
			Object.defineProperty(visualViewport, "height", {configurable: true, get: () => `+height+`});
			visualViewport.dispatchEvent(new Event("resize")) })()`))
	}
	keyboard("500")
	user.wait("the composer is above it", bottom+` <= 500 && `+bottom+` > 400`)
	user.screenshot("keyboard")
	keyboard("innerHeight")
	user.wait("the composer is at the end", bottom+` > 700`)
}

// TestPrint checks that paper shows the transcript alone, all of it and in light colours.
func TestPrint(t *testing.T) {
	t.Parallel()
	user := withMarkdown(t)
	user.send("long")
	user.wait("it streams", replyIs(markup.StatusStreaming))
	user.press("Escape", 0)
	user.wait("it stops", replyIs(markup.StatusAborted))
	user.look("print", "prefers-color-scheme", "dark")
	user.wait("it is paper", `matchMedia("print").matches`)
	user.screenshot("paper")
	visible := func(selector string) bool {
		return evaluate[bool](user, `[...document.querySelectorAll(`+quote(selector)+`)].some(el => el.getClientRects().length > 0)`)
	}
	for _, selector := range []string{"#" + markup.IDSidebar, "#" + markup.IDComposer, "#" + markup.IDConnection, "button", "kbd", ".print-note"} {
		if visible(selector) {
			t.Errorf("%s is printed", selector)
		}
	}
	for _, selector := range []string{"#" + markup.IDSessionTitle, messages + " > article", messages + " pre", messages + " table"} {
		if !visible(selector) {
			t.Errorf("%s is not printed", selector)
		}
	}
	if cut := evaluate[[]string](user, `[...document.querySelectorAll("body, .chat, .room, .room-body, .transcript, .message, .prose *")].filter(el =>
		getComputedStyle(el).overflow !== "visible" && (el.scrollHeight > el.clientHeight + 1 || el.scrollWidth > el.clientWidth + 1)).map(el => el.localName + "." + el.className)`); len(cut) > 0 {
		t.Errorf("these are cut off: %q", cut)
	}
	if dark := user.styleOf("body", "color"); dark != "rgb(30, 36, 38)" {
		t.Errorf("the text is printed in %s", dark)
	}
	user.run("more before", chromedp.Evaluate[chromedp.Void](`void (document.body.dataset.hasMore = "true")`))
	if !visible(".print-note") {
		t.Error("the print does not say that earlier messages are missing")
	}
	ctx, cancel := context.WithTimeout(user.ctx, waitLimit)
	defer cancel()
	pdf, err := chromedp.Run(ctx, chromedp.PrintToPDF())
	if pages := regexp.MustCompile(`/Type /Page\b`).FindAll(pdf, -1); err != nil || len(pages) < 2 {
		t.Errorf("the print has %d pages: %v", len(pages), err)
	}
	if dir := os.Getenv("E2E_PICTURES"); dir != "" {
		_ = os.WriteFile(filepath.Join(dir, "print.pdf"), pdf, 0o600)
	}
}
