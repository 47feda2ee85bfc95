package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/gatehouse-chat/gatehouse/shared/markup"
)

const (
	attachmentList = "#" + markup.IDAttachments
)

// makeFiles defines functions for tests of files in a page: they make files, and attach
// them in each of the ways that people have.
const makeFiles = `
	window.textFile = (name, size) => new File(["x".repeat(size)], name, {type: "text/plain"});
	window.pictureFile = async (name, width, height) => {
		const canvas = document.createElement("canvas");
		Object.assign(canvas, {width, height});
		const pen = canvas.getContext("2d");
		const sky = pen.createLinearGradient(0, 0, width, height);
		[["#0d6071", 0], ["#f7c873", 0.6], ["#a2322a", 1]].forEach(([c, at]) => sky.addColorStop(at, c));
		pen.fillStyle = sky;
		pen.fillRect(0, 0, width, height);
		return new File([await new Promise(done => canvas.toBlob(done))], name, {type: "image/png"});
	};
	window.carry = (files) => {
		const carried = new DataTransfer();
		files.forEach(f => carried.items.add(f));
		return carried;
	};
	window.choose = (...files) => {
		const input = document.querySelector("#attach");
		input.files = carry(files).files;
		input.dispatchEvent(new Event("change", {bubbles: true}));
	};
	window.paste = (...files) => document.querySelector("#composer-input").dispatchEvent(
		new ClipboardEvent("paste", {clipboardData: carry(files), bubbles: true, cancelable: true}));
	window.drag = (kind, ...files) => document.querySelector("#messages").dispatchEvent(
		new DragEvent(kind, {dataTransfer: carry(files), bubbles: true, cancelable: true}));
	void 0`

// runAsync runs statements in the page, which may await.
func (b *tab) runAsync(what, statements string) {
	b.t.Helper()
	b.run(what, chromedp.Evaluate[chromedp.Void](makeFiles))
	b.run(what, chromedp.Evaluate[chromedp.Void](`(async () => {`+statements+`})().then(() => window.did = true); window.did = false; void 0`))
	b.wait(what, `window.did`)
}

// attachmentIs is a condition: the file with that name is attached, in a state.
func attachmentIs(name, state string) string {
	return `[...document.querySelectorAll("` + attachmentList +
		` > *")].some(c => c.dataset.state === "` + state +
		`" && c.querySelector("[data-slot=filename]").textContent === ` + quote(name) + `)`
}

// messagesWithFiles returns the user's messages with the names of their files.
func messagesWithFiles(b *tab) string {
	b.t.Helper()
	return evaluate[string](b, `[...document.querySelectorAll("`+messages+` > .message-user")].map(m => m.dataset.status + ": " +
		[...m.querySelectorAll("[data-slot=files] > *")].map(f => f.dataset.kind + " " + f.querySelector("[data-slot=filename]").textContent).join(", ") +
		" " + m.querySelector("[data-slot=body]").textContent).join(" | ")`)
}

// evilName is what no page may take for markup; the gateway keeps it without what
// no file system takes.
const (
	// hostileName must not become markup in any page. The gateway replaces characters
	// that file systems refuse.
	hostileName = `<img src=x onerror=alert(1)>&amp;.txt`
	storedName  = `_img src=x onerror=alert(1)_&amp;.txt`
)

// TestFiles sends a picture and a file, and finds them unchanged after a reload.
func TestFiles(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	user, admin := pairedTabs(t, g)
	user.runAsync("attach files", `choose(await pictureFile("evening.png", 1200, 800), textFile(`+quote(hostileName)+`, 1300))`)
	user.wait("both are uploaded", attachmentIs("evening.png",
		markup.FileReady)+" && "+attachmentIs(storedName, markup.FileReady))
	screenshots(user, "attached")
	user.run("send with Enter", chromedp.Focus("#"+markup.IDComposerInput), enter)
	user.wait("an answer", replyIs(markup.StatusComplete))
	want := "complete: image evening.png, file " + storedName + " "
	if got := messagesWithFiles(user); got != want {
		t.Errorf("the transcript has %q, want %q", got, want)
	}
	if n := user.number(`document.querySelectorAll("` + attachmentList + ` > *").length`); n != 0 {
		t.Errorf("%d files are still attached", n)
	}
	picture := messages + ` [data-kind="image"] img`
	shown := `(i => i.complete && i.naturalWidth > 0 && i.width + "x" + i.height === "320x213")(document.querySelector('` + picture + `'))`
	user.wait("the picture", shown)
	screenshots(user, "sent")

	before := renderedMessages(user) + messagesWithFiles(user)
	user.run("reload without a client", blockWasm, chromedp.Reload())
	user.wait("the picture in its place", shown)
	if after := renderedMessages(user) + messagesWithFiles(user); after != before {
		t.Errorf("the server shows %q, the client %q", after, before)
	}
	user.run("reload", unblock, chromedp.Reload())
	user.waitForClient()
	user.wait("connected again", connectionIs(markup.LinkConnected))
	if after := renderedMessages(user) + messagesWithFiles(user); after != before {
		t.Errorf("a new client shows %q, the old one %q", after, before)
	}

	user.click(messages + ` [data-kind="image"] .file-open`)
	dialog := "#" + markup.IDPictureDialog
	user.wait("it is shown at large", `document.querySelector("`+dialog+`").open && document.querySelector("`+dialog+` img").naturalWidth === 1200`)
	screenshots(user, "picture")
	user.click(dialog + " .picture-stage")
	user.wait("it is closed", `!document.querySelector("`+dialog+`").open`)

	for name, want := range map[string]string{"evening.png": "200 inline", storedName: "200 attachment"} {
		user.runAsync("ask for the file", `const link = [...document.querySelectorAll("`+messages+` .file-chip")].find(l => l.title === `+quote(name)+`);
			const r = await fetch(link.getAttribute("href"));
			window.got = r.status + " " + r.headers.get("Content-Disposition")`)
		if got := evaluate[string](user, `window.got`); !strings.HasPrefix(got, want) {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
	}
	stranger := newTab(t, admin.ctx)
	stranger.open(g.url("/"))
	path := evaluate[string](user, `document.querySelector("`+messages+` .file a").getAttribute("href")`)
	stranger.runAsync("ask for another's file",
		`window.got = (await fetch(`+quote(path)+`)).status`)
	if got := stranger.number(`window.got`); got != 401 && got != 403 {
		t.Errorf("a stranger gets HTTP %d", got)
	}
}

// TestAttaching pastes, drops and removes files, and attaches files that are refused.
func TestAttaching(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, `{ media: { max_bytes: "1MiB" } }`)
	user, _ := pairedTabs(t, g)
	user.runAsync("paste a picture", `paste(await pictureFile("image.png", 40, 30))`)
	user.wait("it has a name of its own", `/^pasted .*\.png$/.test(document.querySelector("`+attachmentList+` [data-slot=filename]")?.textContent)`)
	user.runAsync("drag over the room", `drag("dragenter", textFile("a.txt", 5))`)
	user.wait("the room says so", `document.querySelector("#`+markup.IDRoom+`").dataset.drag === "true"`)
	user.screenshot("drag")
	user.runAsync("drop", `drag("drop", textFile("dropped.md", 5))`)
	user.wait("it is uploaded", attachmentIs("dropped.md",
		markup.FileReady)+` && document.querySelector("#`+markup.IDRoom+`").dataset.drag === "false"`)
	user.click(attachmentList + ` > :first-child [data-action="` + markup.ActionRemoveFile + `"]`)
	user.wait("one is left", `document.querySelectorAll("`+attachmentList+` > *").length === 1`)

	user.runAsync("choose what is not taken",
		`choose(new File([new Uint8Array([0x4d, 0x5a, 0, 1])], "program.exe"), textFile("large.txt", 1200000), textFile("empty.txt", 0))`)
	user.wait("each is refused in words", attachmentIs("program.exe",
		markup.FileFailed)+" && "+attachmentIs("large.txt", markup.FileFailed)+
		` && /large|MiB|bytes/.test(document.querySelector("`+attachmentList+` > :last-child [data-slot=error]").textContent)`)
	user.wait("the empty one is not attached",
		`!document.querySelector("`+attachmentList+`").textContent.includes("empty.txt") && document.querySelector("#`+markup.IDToasts+`").textContent.includes("empty.txt")`)
	screenshots(user, "refused")
	user.send("with them")
	user.wait("it is not sent", `document.querySelector("#`+markup.IDToasts+`").textContent.includes("program.exe") && !document.querySelector("`+messages+` > *")`)
	for left := 1; left >= 0; left-- {
		user.click(attachmentList + ` > [data-state="failed"] [data-action="` +
			markup.ActionRemoveFile + `"]`)
		user.wait("it is gone", fmt.Sprintf(`document.querySelectorAll("%s > [data-state=failed]").length === %d`, attachmentList, left))
	}
	user.run("send with Enter", chromedp.Focus("#"+markup.IDComposerInput), enter)
	user.wait("an answer", replyIs(markup.StatusComplete))
	if got, want := messagesWithFiles(user), "complete: file dropped.md with them"; got != want {
		t.Errorf("the transcript has %q, want %q", got, want)
	}
	user.runAsync("choose too many", `choose(...Array.from({length: 12}, (_, i) => textFile(i + ".txt", 5)))`)
	user.wait("ten are attached", `document.querySelectorAll("`+attachmentList+` > *").length === 10 && document.querySelector("#`+markup.IDToasts+`").textContent.includes("10 files")`)
}

// TestUploadsTakeTime watches, cancels and sends uploads on a slow network.
func TestUploadsTakeTime(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	user, _ := pairedTabs(t, g)
	user.limitUpload(400_000)
	user.runAsync("attach a large file", `choose(textFile("large.txt", 4000000))`)
	percent := `+document.querySelector("` + attachmentList + ` [data-slot=percent]").textContent`
	user.wait("its progress", percent+` > 5 && document.querySelector("`+attachmentList+` progress").value > 5`)
	screenshots(user, "uploading")
	user.click(attachmentList + ` [data-action="` + markup.ActionRemoveFile + `"]`)
	user.wait("it is gone", `!document.querySelector("`+attachmentList+` > *")`)
	user.runAsync("attach a large file", `choose(textFile("again.txt", 4000000))`)
	user.send("sent before it is there")
	own1 := `document.querySelector("` + messages + ` > .message-user")`
	user.wait("the message waits for it", own1+`?.dataset.status === "`+markup.StatusUploading+`" && +`+own1+`.querySelector("[data-slot=percent]").textContent > 5`)
	screenshots(user, "message-uploading")
	user.send("and another")
	user.limitUpload(-1)
	user.wait("both are sent, in order", userMessagesAre(markup.StatusComplete,
		"sent before it is there", "and another"))
	checkShowsServersTranscript(user)
	if got := messagesWithFiles(user); !strings.HasPrefix(got, "complete: file again.txt sent before it is there | ") {
		t.Errorf("the transcript has %q", got)
	}
}

// TestFileSentOffline attaches and sends without a network, loses the page, and finds the
// message sent with its file.
func TestFileSentOffline(t *testing.T) {
	t.Parallel()
	user, reopenOnline := userWithoutNetwork(t)
	user.runAsync("attach a picture", `choose(await pictureFile("tunnel.png", 800, 600))`)
	user.wait("it waits", attachmentIs("tunnel.png", markup.FileWaiting))
	user.send("from a tunnel")
	user.wait("the message waits", fmt.Sprintf(`!!document.querySelector('%s > [data-status="%s"] img') && document.body.dataset.keep === "%s"`, messages, markup.StatusWaiting, markup.KeepBrowser))
	screenshots(user, "tunnel")
	user.runAsync("attach one more", `choose(textFile("draft.txt", 7))`)
	user.wait("it waits", attachmentIs("draft.txt", markup.FileWaiting))
	time.Sleep(time.Second) // the browser stores files when it likes
	reopenOnline()
	user.wait("it is sent", userMessagesAre(markup.StatusComplete, "Hello there", "from a tunnel"))
	checkShowsServersTranscript(user)
	if got, want := messagesWithFiles(user), "complete:  Hello there | complete: image tunnel.png from a tunnel"; got != want {
		t.Errorf("the transcript has %q, want %q", got, want)
	}
	user.wait("what was attached is there", attachmentIs("draft.txt", markup.FileReady))
	if texts := userMessages(user); !slices.Equal(texts, []string{"Hello there", "from a tunnel"}) {
		t.Errorf("said: %q", texts)
	}
}

// TestUploadMeetsTheQuota exceeds the quota, makes room, and retries the upload without
// attaching the file again.
func TestUploadMeetsTheQuota(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, `{ media: { max_bytes: "1MiB", quota: "1MiB" } }`)
	user, _ := pairedTabs(t, g)
	user.runAsync("attach what fits", `choose(textFile("first.txt", 700000))`)
	user.wait("it is uploaded", attachmentIs("first.txt", markup.FileReady))
	user.runAsync("attach what does not", `choose(textFile("second.txt", 700000))`)
	user.wait("it is stuck, in words", attachmentIs("second.txt",
		markup.FileStuck)+` && document.querySelector("`+attachmentList+` > :last-child").innerText.includes("delete chats")`)
	screenshots(user, "stuck")
	user.click(attachmentList + ` > :first-child ` + actionSelector(markup.ActionRemoveFile))
	user.wait("it is gone", `document.querySelectorAll("`+attachmentList+` > *").length === 1`)
	user.wait("there is room", `(document.querySelector('`+attachmentList+` `+actionSelector(markup.ActionRetryFile)+`')?.click(), `+attachmentIs("second.txt", markup.FileReady)+`)`)
	user.send("with it")
	user.wait("an answer", replyIs(markup.StatusComplete))
	if got, want := messagesWithFiles(user), "complete: file second.txt with it"; got != want {
		t.Errorf("the transcript has %q, want %q", got, want)
	}
}

// TestGatewayStopsInAnUpload stops the gateway during an upload, and finds the file sent
// once the gateway is back.
func TestGatewayStopsInAnUpload(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	user, _ := pairedTabs(t, g)
	user.limitUpload(200_000)
	user.runAsync("attach a large file", `choose(textFile("large.txt", 3000000))`)
	user.send("sent before it is there")
	message := `document.querySelector("` + messages + ` > .message-user")`
	user.wait("it is on its way", message+`?.dataset.status === "`+markup.StatusUploading+`" && +`+message+`.querySelector("[data-slot=percent]").textContent > 5`)
	g.Kill()
	user.wait("it waits", message+`?.dataset.status === "`+markup.StatusWaiting+`"`)
	if words := user.text(messages + " > .message-user .message-foot"); !strings.Contains(words, "Kept here") {
		t.Errorf("the message says %q", words)
	}
	screenshots(user, "waiting")
	user.limitUpload(-1)
	g.Start()
	user.wait("it is said", userMessagesAre(markup.StatusComplete, "sent before it is there"))
	checkShowsServersTranscript(user)
	if got, want := messagesWithFiles(user), "complete: file large.txt sent before it is there"; got != want {
		t.Errorf("the transcript has %q, want %q", got, want)
	}
}

// limitUpload limits how much the tab sends, in bytes a second; -1 is no limit.
func (b *tab) limitUpload(bytes float64) {
	b.t.Helper()
	b.run("change the network", command(network.Enable, network.EnableParams{}),
		command(network.EmulateNetworkConditionsByRule,
			network.EmulateNetworkConditionsByRuleParams{
				MatchedNetworkConditions: []*network.Conditions{{DownloadThroughput: -1,
					UploadThroughput: bytes}}}))
}
