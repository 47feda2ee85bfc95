package e2e

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/gatehouse-chat/gatehouse/shared/markup"
)

// countFrames counts what the page sends on its sockets.
const countFrames = `
	window.framesSent = 0;
	const send = WebSocket.prototype.send;
	WebSocket.prototype.send = function (data) { window.framesSent++; return send.call(this, data); };`

// TestRateLimit checks that the client keeps to a low limit: it shows that and how long
// it waits, requests nothing meanwhile, and loses nothing.
func TestRateLimit(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, `{gateway: {rate_limit_rpm: 6}}`)
	user, _ := pairedTabs(t, g)
	// With the page's own requests, that is more than the burst of five.
	for i := range 4 {
		user.send(fmt.Sprintf("echo message %d", i))
	}
	// The text is read at the moment at which the pause is seen: it is soon over.
	user.wait("the pause is shown", `(`+connectionIs(markup.LinkSlow)+`) &&
		Boolean(window.pill = document.getElementById("`+markup.IDConnection+`").innerText)`)
	pill := evaluate[string](user, `window.pill`)
	left, err := strconv.Atoi(regexp.MustCompile(`\d+`).FindString(pill))
	if err != nil || left < 1 || left > 10 || !strings.Contains(pill, "Slow down") {
		t.Errorf("the pill says %q", pill)
	}
	user.wait("the message says so", `document.querySelector("`+messages+` > [data-status=paused]")?.innerText.includes("Kept here") ?? false`)
	screenshots(user, "slow")
	if words := user.text("#" + markup.IDToasts); words != "" {
		t.Errorf("a notice says %q", words)
	}
	user.within(90*time.Second, "all is said, once and in order",
		userMessagesAre(markup.StatusComplete, "echo message 0", "echo message 1", "echo message 2",
			"echo message 3"))
	user.within(40*time.Second, "all is well", connectionIs(markup.LinkConnected))

	// A page that is loaded in a pause fills itself as soon as it may.
	user.run("load it again and again", chromedp.Reload())
	user.waitForClient()
	user.run("again", chromedp.Reload())
	user.waitForClient()
	user.send("echo after it")
	user.within(2*time.Minute, "it is said",
		userMessagesAre(markup.StatusComplete, "echo message 0", "echo message 1", "echo message 2",
			"echo message 3", "echo after it"))
	user.within(90*time.Second, "all is well", connectionIs(markup.LinkConnected))
	user.wait("the list is there", `document.querySelectorAll("#`+markup.IDSessionList+` > *").length === 1`)
}

// TestTightestRateLimit checks that a page does not send much to a gateway that takes one
// request a minute.
func TestTightestRateLimit(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	user, _ := pairedTabs(t, g)
	user.send("Hello there")
	user.wait("an answer", replyIs(markup.StatusComplete))
	g.restart(`{gateway: {rate_limit_rpm: 1}}`)
	user.run("count frames", onEachPage(countFrames))
	for range 5 { // uses up the burst of 5
		user.run("reload", chromedp.Reload())
		user.waitForClient()
		user.wait("connected", connectionIs(markup.LinkConnected)+" || "+connectionIs(markup.LinkSlow))
		user.wait("the page has asked", "framesSent > 1")
	}
	user.wait("the pause is shown", connectionIs(markup.LinkSlow))
	before := user.number("framesSent")
	user.send("echo in the pause")
	user.wait("it is kept", `!!document.querySelector("`+messages+` > [data-status=paused]")`)
	time.Sleep(15 * time.Second)
	// The page may try the message once before it knows about the limit.
	if sent := user.number("framesSent") - before; sent > 2 {
		t.Errorf("%d frames were sent in 15 s of a pause", sent)
	}
	g.restart("")
	user.within(2*time.Minute, "it is said when the gateway takes more",
		userMessagesAre(markup.StatusComplete, "Hello there", "echo in the pause"))
}

// onEachPage runs a script before any of a page's own.
func onEachPage(script string) chromedp.Action[chromedp.Void] {
	return command(page.AddScriptToEvaluateOnNewDocument,
		page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
}

// restart restarts the gateway with another configuration.
func (g *gatehouse) restart(config string) {
	g.t.Helper()
	g.Stop()
	g.Configure(config)
	g.Start()
}
