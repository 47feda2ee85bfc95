package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/gatehouse-chat/gatehouse/shared/markup"
)

// userMessages returns the texts of the user's messages on the page, in order.
func userMessages(b *tab) []string {
	b.t.Helper()
	return evaluate[[]string](b, `[...document.querySelectorAll('`+messages+` > .message-user')].map(m =>
		m.querySelector("[data-slot=body]").innerText)`)
}

// userMessagesAre is a condition: the user's messages on the page are these, all with one
// status.
func userMessagesAre(status string, texts ...string) string {
	quoted := make([]string, len(texts))
	for i, t := range texts {
		quoted[i] = quote(t)
	}
	return `(all => JSON.stringify(all.map(m => m.querySelector("[data-slot=body]").innerText)) === JSON.stringify([` +
		strings.Join(quoted, ",") + `]) && all.every(m => m.dataset.status === "` + status +
		`"))([...document.querySelectorAll('` +
		messages + ` > .message-user')])`
}

const (
	lastLength = `(document.querySelector("` + lastReply +
		` [data-slot=body]")?.innerText.length ?? 0)`
	noneStreaming = `[...document.querySelectorAll('` + messages +
		` > .message-assistant')].every(m => m.dataset.status !== "` + markup.StatusStreaming + `")`
)

// startLongAnswer makes the agent begin a long answer.
func startLongAnswer(b *tab) {
	b.t.Helper()
	b.send("long")
	b.wait("it streams", replyIs(markup.StatusStreaming)+` && `+lastLength+` > 200`)
}

// stopAnswer stops the long answer, which would take a minute.
func stopAnswer(b *tab) {
	b.t.Helper()
	b.click(`[data-action="` + markup.ActionStopRun + `"]`)
	b.wait("it stops", noneStreaming)
}

// checkShowsServersTranscript checks that the page shows what the gateway has: it
// compares the page with the one that the server renders, and with what a new client
// makes of it.
func checkShowsServersTranscript(b *tab) {
	b.t.Helper()
	b.wait("every message has its answer, which has ended", noneStreaming+
		` && document.querySelectorAll("`+messages+` > .message-assistant").length >= document.querySelectorAll("`+messages+` > .message-user").length`)
	before := renderedMessages(b)
	b.run("reload without a client", blockWasm, chromedp.Reload())
	b.wait("the server's transcript", `!!document.querySelector("`+messages+` > *")`)
	if after := renderedMessages(b); after != before {
		b.t.Errorf("the page showed\n%s\n\nand the gateway has\n%s", before, after)
	}
	b.run("reload", unblock, chromedp.Reload())
	b.waitForClient()
	b.wait("connected again", connectionIs(markup.LinkConnected))
	if after := renderedMessages(b); after != before {
		b.t.Errorf("the page showed\n%s\n\nand a new client\n%s", before, after)
	}
}

// userWithoutNetwork returns a user who has said hello and then lost the network.
// reopenOnline loses the page, mends the network, and opens the page again.
func userWithoutNetwork(t *testing.T) (user *tab, reopenOnline func()) {
	t.Helper()
	g := startGatehouse(t, "")
	network := startRelay(t, g)
	user, _ = pairedTabs(t, g)
	user.send("Hello there")
	user.wait("an answer", replyIs(markup.StatusComplete))
	address := evaluate[string](user, "location.href")
	network.Cut()
	user.goOffline()
	user.wait("the loss is shown", connectionIs(markup.LinkOffline))
	return user, func() {
		t.Helper()
		// The reload fails without a network, so this page is gone.
		_, _ = chromedp.Run(user.ctx, chromedp.Evaluate[chromedp.Void](`setTimeout(() => location.reload(), 0)`))
		user.wait("the page is gone", `!document.querySelector("`+messages+`")`)
		network.Mend()
		user.goOnline()
		user.open(address)
	}
}

// TestTypedOffline types without a network, loses the page, and finds everything sent
// once the network is back.
func TestTypedOffline(t *testing.T) {
	t.Parallel()
	user, reopenOnline := userWithoutNetwork(t)
	texts := []string{"first", "second", "third"}
	for _, text := range texts {
		user.send(text)
	}
	user.wait("they wait", fmt.Sprintf(`document.querySelectorAll('%s > [data-status="%s"]').length === 3`, messages, markup.StatusWaiting))
	user.screenshot("waiting")
	reopenOnline()
	user.wait("they are sent", userMessagesAre(markup.StatusComplete,
		append([]string{"Hello there"}, texts...)...))
	checkShowsServersTranscript(user)
	if got := userMessages(user); !slices.Equal(got, append([]string{"Hello there"}, texts...)) {
		t.Errorf("said: %q", got)
	}
}

// TestClosedTab closes the tab of a message that could not be sent, and finds the message
// sent from another tab.
func TestClosedTab(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	network := startRelay(t, g)
	user, _ := pairedTabs(t, g)
	other := user.openBeside()
	other.open(g.url("/"))
	user.send("Hello there")
	user.wait("an answer", replyIs(markup.StatusComplete))
	address := evaluate[string](user, "location.href")
	network.Cut()
	user.goOffline()
	user.wait("the loss is shown", connectionIs(markup.LinkOffline))
	user.send("typed in a tunnel")
	user.run("close the tab", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, page.Close, cdp.Empty{})
		return err
	}))
	network.Mend()
	late := other.openBeside()
	late.open(address)
	late.wait("it is sent", userMessagesAre(markup.StatusComplete, "Hello there",
		"typed in a tunnel"))
	checkShowsServersTranscript(late)
}

// TestRestartedBrowser ends the browser while a message is in the outbox, and starts it
// again.
func TestRestartedBrowser(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	network := startRelay(t, g)
	profile := chromedp.UserDataDir(t.TempDir())
	chromium := browser(t, profile)
	admin, user := newTab(t, chromium), openTab(t, chromium)
	pair(admin, user, g)
	user.send("Hello there")
	user.wait("an answer", replyIs(markup.StatusComplete))
	address := evaluate[string](user, "location.href")
	network.Cut()
	user.wait("the loss is shown", connectionIs(markup.LinkReconnecting))
	user.send("kept over night")
	user.fill("#"+markup.IDComposerInput, "half a thought")
	user.wait("it waits", fmt.Sprintf(`document.querySelectorAll('%s > [data-status="%s"]').length === 1`, messages, markup.StatusWaiting))
	user.wait("the draft is kept", `((indexedDB.open("gatehouse").onsuccess = ({target: {result: db}}) => {
			db.transaction("kept").objectStore("kept").getAll().onsuccess = e => window.kept = JSON.stringify(e.target.result)
			db.close()
		}), window.kept ?? "").includes("half a thought")`)
	if err := chromedp.Cancel(chromium); err != nil { // as closing its last window does
		t.Fatal(err)
	}
	network.Mend()
	again := openTab(t, browser(t, profile))
	again.open(address)
	again.wait("it is sent", userMessagesAre(markup.StatusComplete, "Hello there",
		"kept over night"))
	again.wait("the draft", `document.querySelector("#`+markup.IDComposerInput+`").value === "half a thought"`)
	checkShowsServersTranscript(again)
}

// TestCutInMidStream loses the network for five seconds during an answer.
func TestCutInMidStream(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	network := startRelay(t, g)
	user, _ := pairedTabs(t, g)
	startLongAnswer(user)
	evaluate[bool](user, `document.querySelector("`+lastReply+`").same = true`)
	network.Cut()
	user.goOffline()
	user.wait("the loss is shown", connectionIs(markup.LinkOffline))
	at := user.number(lastLength)
	time.Sleep(5 * time.Second)
	if now := user.number(lastLength); now != at {
		t.Errorf("the answer went on from %d to %d letters without a network", at, now)
	}
	network.Mend()
	// The page itself takes the time from the network's return to the next word.
	evaluate[bool](user, `addEventListener("online", () => { window.back = performance.now() }),
		new MutationObserver(() => { if (window.back && !window.next && `+lastLength+` > `+fmt.Sprint(at)+`) window.next = performance.now() })
			.observe(document.querySelector("`+messages+`"), {subtree: true, childList: true, characterData: true}), true`)
	user.goOnline()
	user.wait("the next word", `window.next > 0`)
	took := user.number(`Math.round(window.next - window.back)`)
	t.Logf("from the network's return to the next word: %d ms", took)
	if took > 2000 { // 500 ms are promised; these machines are shared
		t.Errorf("the next word came %d ms after the network", took)
	}
	user.wait("caught up", `/Caught up/.test(document.body.innerText)`)
	user.screenshot("caughtup")
	stopAnswer(user)
	if !evaluate[bool](user, `document.querySelector("`+lastReply+`").same === true`) {
		t.Error("the answer was rendered anew instead of continued")
	}
	checkShowsServersTranscript(user)
}

// TestReloadInMidStream checks that the page from the server has the answer's text so
// far.
func TestReloadInMidStream(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	user, _ := pairedTabs(t, g)
	startLongAnswer(user)
	at := user.number(lastLength)
	user.run("reload without a client", blockWasm, chromedp.Reload())
	user.wait("the text so far", replyIs(markup.StatusStreaming)+fmt.Sprintf(` && %s >= %d`,
		lastLength, at))
	user.run("reload", unblock, chromedp.Reload())
	user.waitForClient()
	user.wait("it goes on", replyIs(markup.StatusStreaming)+fmt.Sprintf(` && %s > %d`,
		lastLength, at+50))
	stopAnswer(user)
	checkShowsServersTranscript(user)
}

// TestKilledInMidStream kills the gateway during an answer, and retries the answer.
func TestKilledInMidStream(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	user, _ := pairedTabs(t, g)
	startLongAnswer(user)
	g.Kill()
	user.wait("the loss is shown", connectionIs(markup.LinkReconnecting))
	at := user.number(lastLength)
	user.send("typed while it was down")
	user.wait("it waits", fmt.Sprintf(`document.querySelectorAll('%s > [data-status="%s"]').length === 1`, messages, markup.StatusWaiting))
	g.Start()
	user.wait("reconnected by itself", connectionIs(markup.LinkConnected))
	failed := messages + ` > [data-status="` + markup.StatusFailed + `"]`
	user.wait("the answer is marked, and keeps what was shown",
		fmt.Sprintf(`document.querySelector('%s')?.innerText.length >= %d`, failed, at))
	user.wait("the message arrived", userMessagesAre(markup.StatusComplete, "long",
		"typed while it was down"))
	user.wait("it is answered", replyIs(markup.StatusComplete))
	user.screenshot("interrupted")
	user.click(failed + ` [data-action="` + markup.ActionRetryRun + `"]`)
	user.wait("it is asked again", `document.querySelectorAll('`+messages+` > .message-assistant').length === 3`)
	user.wait("it is answered", fmt.Sprintf(`document.querySelectorAll('%s > .message-assistant')[1].querySelector("[data-slot=body]").innerText.length > 200`, messages))
	stopAnswer(user)
	if got := userMessages(user); !slices.Equal(got, []string{"long", "typed while it was down"}) {
		t.Errorf("said: %q", got)
	}
	checkShowsServersTranscript(user)
}

// TestTwoTabsOneOutbox streams into two tabs of one browser, and types in both without a
// network.
func TestTwoTabsOneOutbox(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	network := startRelay(t, g)
	one, _ := pairedTabs(t, g)
	one.send("Hello there")
	one.wait("an answer", replyIs(markup.StatusComplete))
	two := one.openBeside()
	two.open(evaluate[string](one, "location.href"))
	two.wait("connected", connectionIs(markup.LinkConnected))
	two.wait("the same transcript", userMessagesAre(markup.StatusComplete, "Hello there"))
	startLongAnswer(one)
	two.wait("it streams in the other tab", replyIs(markup.StatusStreaming)+` && `+lastLength+` > 200`)
	stopAnswer(one)
	two.wait("it ends in the other tab", noneStreaming)
	if a, b := renderedMessages(one), renderedMessages(two); a != b {
		t.Errorf("the tabs differ:\n%s\n\n%s", a, b)
	}
	network.Cut()
	for _, b := range []*tab{one, two} {
		b.goOffline()
		b.wait("the loss is shown", connectionIs(markup.LinkOffline))
	}
	one.send("from one")
	two.send("from two")
	one.send("from one again")
	for _, b := range []*tab{one, two} {
		b.wait("all three wait in both tabs",
			fmt.Sprintf(`document.querySelectorAll('%s > [data-status="%s"]').length === 3`,
				messages, markup.StatusWaiting))
	}
	two.screenshot("waiting")
	network.Mend()
	two.goOnline()
	one.goOnline()
	for _, b := range []*tab{one, two} {
		b.wait("they are sent once, in order", userMessagesAre(markup.StatusComplete, "Hello there",
			"long", "from one", "from two", "from one again"))
	}
	checkShowsServersTranscript(one)
	checkShowsServersTranscript(two)
}

// TestSleep sleeps during an answer: the page is frozen, its connection dies unnoticed,
// and the wall clock advances by an hour.
func TestSleep(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	network := startRelay(t, g)
	user, _ := pairedTabs(t, g)
	startLongAnswer(user)
	user.run("freeze", command(page.SetWebLifecycleState,
		page.SetWebLifecycleStateParams{State: "frozen"}))
	at := user.number(lastLength)
	network.Stall()
	time.Sleep(2 * time.Second)
	user.run("an hour later", chromedp.Evaluate[chromedp.Void](`(now => { Date.now = () => now() + 3600_000 })(Date.now)`))
	user.run("wake", command(page.SetWebLifecycleState,
		page.SetWebLifecycleStateParams{State: "active"}))
	network.Mend()
	user.within(15*time.Second, "it is connected, and goes on",
		connectionIs(markup.LinkConnected)+` && `+replyIs(markup.StatusStreaming)+` && `+lastLength+fmt.Sprintf(` > %d`, at+100))
	stopAnswer(user)
	network.CutStalled()
	checkShowsServersTranscript(user)
}
