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
	chips = "#" + markup.IDAttachments
)

// makeFiles defines what tests of files do in a page: make some, and attach them
// in each of the ways that people have.
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

// do runs statements in the page, which may await.
func (b *tab) do(what, statements string) {
	b.t.Helper()
	b.run(what, chromedp.Evaluate[chromedp.Void](makeFiles))
	b.run(what, chromedp.Evaluate[chromedp.Void](`(async () => {`+statements+`})().then(() => window.did = true); window.did = false; void 0`))
	b.wait(what, `window.did`)
}

// chip is a condition: the file of that name is attached in a state.
func chip(name, state string) string {
	return `[...document.querySelectorAll("` + chips + ` > *")].some(c => c.dataset.state === "` + state +
		`" && c.querySelector("[data-slot=filename]").textContent === ` + quote(name) + `)`
}

// own is what the user's messages carry: names of their files, by message.
func own(b *tab) string {
	b.t.Helper()
	return evaluate[string](b, `[...document.querySelectorAll("`+messages+` > .message-user")].map(m => m.dataset.status + ": " +
		[...m.querySelectorAll("[data-slot=files] > *")].map(f => f.dataset.kind + " " + f.querySelector("[data-slot=filename]").textContent).join(", ") +
		" " + m.querySelector("[data-slot=body]").textContent).join(" | ")`)
}

// evilName is what no page may take for markup; the gateway keeps it without what
// no file system takes.
const (
	evilName = `<img src=x onerror=alert(1)>&amp;.txt`
	keptName = `_img src=x onerror=alert(1)_&amp;.txt`
)

// TestFiles sends a picture and a file, and finds them after a reload as they were.
func TestFiles(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	user, admin := paired(t, g)
	user.do("attach files", `choose(await pictureFile("evening.png", 1200, 800), textFile(`+quote(evilName)+`, 1300))`)
	user.wait("both are uploaded", chip("evening.png", markup.FileReady)+" && "+chip(keptName, markup.FileReady))
	pictures(user, "attached")
	user.run("send with Enter", chromedp.Focus("#"+markup.IDComposerInput), enter)
	user.wait("an answer", replyIs(markup.StatusComplete))
	want := "complete: image evening.png, file " + keptName + " "
	if got := own(user); got != want {
		t.Errorf("the transcript has %q, want %q", got, want)
	}
	if n := user.number(`document.querySelectorAll("` + chips + ` > *").length`); n != 0 {
		t.Errorf("%d files are still attached", n)
	}
	picture := messages + ` [data-kind="image"] img`
	shown := `(i => i.complete && i.naturalWidth > 0 && i.width + "x" + i.height === "320x213")(document.querySelector('` + picture + `'))`
	user.wait("the picture", shown)
	pictures(user, "sent")

	before := bodies(user) + own(user)
	user.run("reload without a client", blockWasm, chromedp.Reload())
	user.wait("the picture in its place", shown)
	if after := bodies(user) + own(user); after != before {
		t.Errorf("the server shows %q, the client %q", after, before)
	}
	user.run("reload", unblock, chromedp.Reload())
	user.taken()
	user.wait("connected again", link(markup.LinkConnected))
	if after := bodies(user) + own(user); after != before {
		t.Errorf("a new client shows %q, the old one %q", after, before)
	}

	user.click(messages + ` [data-kind="image"] .file-open`)
	dialog := "#" + markup.IDPictureDialog
	user.wait("it is shown at large", `document.querySelector("`+dialog+`").open && document.querySelector("`+dialog+` img").naturalWidth === 1200`)
	pictures(user, "picture")
	user.click(dialog + " .picture-stage")
	user.wait("it is closed", `!document.querySelector("`+dialog+`").open`)

	for name, want := range map[string]string{"evening.png": "200 inline", keptName: "200 attachment"} {
		user.do("ask for the file", `const link = [...document.querySelectorAll("`+messages+` .file-chip")].find(l => l.title === `+quote(name)+`);
			const r = await fetch(link.getAttribute("href"));
			window.got = r.status + " " + r.headers.get("Content-Disposition")`)
		if got := evaluate[string](user, `window.got`); !strings.HasPrefix(got, want) {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
	}
	stranger := newTab(t, admin.ctx)
	stranger.open(g.url("/"))
	path := evaluate[string](user, `document.querySelector("`+messages+` .file a").getAttribute("href")`)
	stranger.do("ask for another's file", `window.got = (await fetch(`+quote(path)+`)).status`)
	if got := stranger.number(`window.got`); got != 401 && got != 403 {
		t.Errorf("a stranger gets HTTP %d", got)
	}
}

// TestAttaching pastes, drops, takes away, and meets what is not taken.
func TestAttaching(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, `{ media: { max_bytes: "1MiB" } }`)
	user, _ := paired(t, g)
	user.do("paste a picture", `paste(await pictureFile("image.png", 40, 30))`)
	user.wait("it has a name of its own", `/^pasted .*\.png$/.test(document.querySelector("`+chips+` [data-slot=filename]")?.textContent)`)
	user.do("drag over the room", `drag("dragenter", textFile("a.txt", 5))`)
	user.wait("the room says so", `document.querySelector("#`+markup.IDRoom+`").dataset.drag === "true"`)
	user.shoot("drag")
	user.do("drop", `drag("drop", textFile("dropped.md", 5))`)
	user.wait("it is uploaded", chip("dropped.md", markup.FileReady)+` && document.querySelector("#`+markup.IDRoom+`").dataset.drag === "false"`)
	user.click(chips + ` > :first-child [data-action="` + markup.ActionRemoveFile + `"]`)
	user.wait("one is left", `document.querySelectorAll("`+chips+` > *").length === 1`)

	user.do("choose what is not taken", `choose(new File(["<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</scr" + "ipt></svg>"], "drawing.svg", {type: "image/svg+xml"}), textFile("large.txt", 1200000), textFile("empty.txt", 0))`)
	user.wait("each is refused in words", chip("drawing.svg", markup.FileFailed)+" && "+chip("large.txt", markup.FileFailed)+
		` && /large|MiB|bytes/.test(document.querySelector("`+chips+` > :last-child [data-slot=error]").textContent)`)
	user.wait("the empty one is not attached", `!document.querySelector("`+chips+`").textContent.includes("empty.txt") && document.querySelector("#`+markup.IDToasts+`").textContent.includes("empty.txt")`)
	pictures(user, "refused")
	user.say("with them")
	user.wait("it is not sent", `document.querySelector("#`+markup.IDToasts+`").textContent.includes("drawing.svg") && !document.querySelector("`+messages+` > *")`)
	for left := 1; left >= 0; left-- {
		user.click(chips + ` > [data-state="failed"] [data-action="` + markup.ActionRemoveFile + `"]`)
		user.wait("it is gone", fmt.Sprintf(`document.querySelectorAll("%s > [data-state=failed]").length === %d`, chips, left))
	}
	user.run("send with Enter", chromedp.Focus("#"+markup.IDComposerInput), enter)
	user.wait("an answer", replyIs(markup.StatusComplete))
	if got, want := own(user), "complete: file dropped.md with them"; got != want {
		t.Errorf("the transcript has %q, want %q", got, want)
	}
	user.do("choose too many", `choose(...Array.from({length: 12}, (_, i) => textFile(i + ".txt", 5)))`)
	user.wait("ten are attached", `document.querySelectorAll("`+chips+` > *").length === 10 && document.querySelector("#`+markup.IDToasts+`").textContent.includes("10 files")`)
}

// TestUploadsTakeTime follows, takes back and sends uploads on a slow network.
func TestUploadsTakeTime(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	user, _ := paired(t, g)
	user.slow(400_000)
	user.do("attach a large file", `choose(textFile("large.txt", 4000000))`)
	percent := `+document.querySelector("` + chips + ` [data-slot=percent]").textContent`
	user.wait("its progress", percent+` > 5 && document.querySelector("`+chips+` progress").value > 5`)
	pictures(user, "uploading")
	user.click(chips + ` [data-action="` + markup.ActionRemoveFile + `"]`)
	user.wait("it is gone", `!document.querySelector("`+chips+` > *")`)
	user.do("attach a large file", `choose(textFile("again.txt", 4000000))`)
	user.say("sent before it is there")
	own1 := `document.querySelector("` + messages + ` > .message-user")`
	user.wait("the message waits for it", own1+`?.dataset.status === "`+markup.StatusUploading+`" && +`+own1+`.querySelector("[data-slot=percent]").textContent > 5`)
	pictures(user, "message-uploading")
	user.say("and another")
	user.slow(-1)
	user.wait("both are sent, in order", areSaid(markup.StatusComplete, "sent before it is there", "and another"))
	settled(user)
	if got := own(user); !strings.HasPrefix(got, "complete: file again.txt sent before it is there | ") {
		t.Errorf("the transcript has %q", got)
	}
}

// TestFileSentOffline attaches and sends without a network, loses the page, and
// finds the message sent with its file.
func TestFileSentOffline(t *testing.T) {
	t.Parallel()
	user, comeOut := inATunnel(t)
	user.do("attach a picture", `choose(await pictureFile("tunnel.png", 800, 600))`)
	user.wait("it waits", chip("tunnel.png", markup.FileWaiting))
	user.say("from a tunnel")
	user.wait("the message waits", fmt.Sprintf(`!!document.querySelector('%s > [data-status="%s"] img') && document.body.dataset.keep === "%s"`, messages, markup.StatusWaiting, markup.KeepBrowser))
	pictures(user, "tunnel")
	user.do("attach one more", `choose(textFile("draft.txt", 7))`)
	user.wait("it waits", chip("draft.txt", markup.FileWaiting))
	time.Sleep(time.Second) // the browser writes files down in its own time
	comeOut()
	user.wait("it is sent", areSaid(markup.StatusComplete, "Hello there", "from a tunnel"))
	settled(user)
	if got, want := own(user), "complete:  Hello there | complete: image tunnel.png from a tunnel"; got != want {
		t.Errorf("the transcript has %q, want %q", got, want)
	}
	user.wait("what was attached is there", chip("draft.txt", markup.FileReady))
	if texts := said(user); !slices.Equal(texts, []string{"Hello there", "from a tunnel"}) {
		t.Errorf("said: %q", texts)
	}
}

// TestUploadMeetsTheQuota is told that there is no more room, makes some, and tries
// again without attaching anew.
func TestUploadMeetsTheQuota(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, `{ media: { max_bytes: "1MiB", quota: "1MiB" } }`)
	user, _ := paired(t, g)
	user.do("attach what fits", `choose(textFile("first.txt", 700000))`)
	user.wait("it is uploaded", chip("first.txt", markup.FileReady))
	user.do("attach what does not", `choose(textFile("second.txt", 700000))`)
	user.wait("it is stuck, in words", chip("second.txt", markup.FileStuck)+` && document.querySelector("`+chips+` > :last-child").innerText.includes("delete chats")`)
	pictures(user, "stuck")
	user.click(chips + ` > :first-child ` + do(markup.ActionRemoveFile))
	user.wait("it is gone", `document.querySelectorAll("`+chips+` > *").length === 1`)
	user.wait("there is room", `(document.querySelector('`+chips+` `+do(markup.ActionRetryFile)+`')?.click(), `+chip("second.txt", markup.FileReady)+`)`)
	user.say("with it")
	user.wait("an answer", replyIs(markup.StatusComplete))
	if got, want := own(user), "complete: file second.txt with it"; got != want {
		t.Errorf("the transcript has %q, want %q", got, want)
	}
}

// TestGatewayStopsInAnUpload stops the gateway while a file is on its way, and finds
// it sent once it is back.
func TestGatewayStopsInAnUpload(t *testing.T) {
	t.Parallel()
	g := startGatehouse(t, "")
	user, _ := paired(t, g)
	user.slow(200_000)
	user.do("attach a large file", `choose(textFile("large.txt", 3000000))`)
	user.say("sent before it is there")
	message := `document.querySelector("` + messages + ` > .message-user")`
	user.wait("it is on its way", message+`?.dataset.status === "`+markup.StatusUploading+`" && +`+message+`.querySelector("[data-slot=percent]").textContent > 5`)
	g.Kill()
	user.wait("it waits", message+`?.dataset.status === "`+markup.StatusWaiting+`"`)
	if words := user.text(messages + " > .message-user .message-foot"); !strings.Contains(words, "Kept here") {
		t.Errorf("the message says %q", words)
	}
	pictures(user, "waiting")
	user.slow(-1)
	g.Start()
	user.wait("it is said", areSaid(markup.StatusComplete, "sent before it is there"))
	settled(user)
	if got, want := own(user), "complete: file large.txt sent before it is there"; got != want {
		t.Errorf("the transcript has %q, want %q", got, want)
	}
}

// slow limits what the tab sends, in bytes a second; -1 is no limit.
func (b *tab) slow(bytes float64) {
	b.t.Helper()
	b.run("change the network", command(network.Enable, network.EnableParams{}),
		command(network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
			MatchedNetworkConditions: []*network.Conditions{{DownloadThroughput: -1, UploadThroughput: bytes}}}))
}
