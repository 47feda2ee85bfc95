package e2e

import (
	"html"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/gatehouse-chat/gatehouse/server/e2e/rig"
	"github.com/gatehouse-chat/gatehouse/server/internal/format"
	"github.com/gatehouse-chat/gatehouse/server/internal/printable"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
)

var tag = regexp.MustCompile(`<[^>]*>`)

// formatted returns the text of formatted markdown.
func formatted(markdown string) string {
	return html.UnescapeString(tag.ReplaceAllString(strings.Join(format.Blocks(markdown), ""), ""))
}

// attacksPerSession is few enough for one page of a session to show all of its attacks.
const attacksPerSession = 24

// messages sends each attack as a message, which the model repeats.
func (s *xssSuite) messages() {
	n := 0
	for batch := range slices.Chunk(s.attacks, attacksPerSession) {
		key := "xss-messages-" + strconv.Itoa(n)
		n++
		var sent []string
		for i, text := range texts(batch) {
			if f := s.user.Call("chat.send", toJSON(map[string]any{"sessionKey": key, "message": text})); !f.OK {
				s.count(s.refused, "message", 1)
				continue
			}
			sent = append(sent, text)
			if i == 0 { // the others arrive while the page is open
				s.chat.open(s.gateway.url("/s/" + key))
				s.chat.wait("connected", connectionIs(markup.LinkConnected))
			}
		}
		s.chat.wait("all are answered", `document.querySelectorAll("`+messages+` > *").length === `+strconv.Itoa(2*len(sent))+` && `+replyIs(markup.StatusComplete))
		s.checkTranscript(s.chat, "live", sent)
		s.chatNoClient.visit(s.gateway.url("/s/" + key))
		s.checkTranscript(s.chatNoClient, "rendered", sent)
		s.chat.open(s.gateway.url("/s/" + key))
		s.chat.wait("connected", connectionIs(markup.LinkConnected))
		s.checkTranscript(s.chat, "taken over", sent)
	}
}

func (s *xssSuite) checkTranscript(w *monitor, how string, sent []string) {
	s.t.Helper()
	w.checkHarmless("messages, " + how)
	answers := make([]string, len(sent))
	for i, text := range sent {
		answers[i] = formatted(text)
	}
	s.checkShown("message, "+how, w.textsOf(".message-user [data-slot=body]"), sent)
	s.checkShown("answer, "+how, w.textsOf(".message-assistant [data-slot=body]"), answers)
	s.checkShown("thinking, "+how, w.textsOf(".message-assistant [data-slot=thinking]"), sent)
}

// composer sends all attacks at once, as people do: typed, kept as a draft, sent, and
// answered while the page is open.
func (s *xssSuite) composer() {
	all := asShown(strings.Join(texts(s.attacks), "\n\n"))
	input := "#" + markup.IDComposerInput
	s.chat.open(s.gateway.url("/"))
	s.chat.wait("connected", connectionIs(markup.LinkConnected))
	s.chat.fill(input, all)
	draft := evaluate[string](s.chat.tab, `document.querySelector("`+input+`").value`)
	s.checkShown("composer", []string{draft}, []string{all})
	s.chat.run("reload", chromedp.Reload())
	s.chat.waitForClient()
	s.chat.wait("the draft", `document.querySelector("`+input+`").value.length > 100`)
	s.checkShown("draft", []string{evaluate[string](s.chat.tab,
		`document.querySelector("`+input+`").value`)}, []string{draft})
	s.chat.wait("connected", connectionIs(markup.LinkConnected))
	s.chat.run("press Enter", chromedp.Focus(input), enter)
	for !evaluate[bool](s.chat.tab, replyIs(markup.StatusComplete)) {
		s.chat.checkHarmless("all at once, streaming")
		time.Sleep(50 * time.Millisecond) // the answer takes seconds
		s.chat.wait("it goes on", `!!document.querySelector("`+messages+` > *")`)
	}
	s.chat.checkHarmless("all at once")
	s.checkShown("all at once", s.chat.textsOf(".message-user [data-slot=body]"), []string{draft})
	s.checkShown("all at once, answer", s.chat.textsOf(".message-assistant [data-slot=body]"),
		[]string{formatted(draft)})
}

// notes are written by programs with the attacks as their names and their users' names;
// an admin sees who is connected.
func (s *xssSuite) notes() {
	s.console.open(s.gateway.url("/admin/clients"))
	s.console.wait("connected", connectionIs(markup.LinkConnected))
	n := 0
	var users, programs []string
	for batch := range slices.Chunk(s.attacks, 2*attacksPerSession-2) {
		key := "xss-notes-" + strconv.Itoa(n)
		n++
		s.user.Must("chat.send", toJSON(map[string]any{"sessionKey": key, "message": "Hello"}))
		s.chat.open(s.gateway.url("/s/" + key))
		s.chat.wait("connected", connectionIs(markup.LinkConnected))
		authors, labels, bodies := s.writeNotes(key, batch)
		users = append(users, authors...)
		for _, a := range batch {
			programs = append(programs, printable.Plain(a.text, 100))
		}
		seen := func(w *monitor, how string) {
			w.checkHarmless("notes, " + how)
			s.checkShown("note, "+how, w.textsOf(".message-system [data-slot=body]"), bodies)
			s.checkShown("note's label, "+how,
				w.textsOf(".message-system [data-slot=label]"), labels)
			s.checkShown("note's author, "+how,
				w.textsOf(".message-system [data-slot=author]"), authors)
		}
		s.chat.wait("all are there", `document.querySelectorAll("`+messages+` > .message-system").length === `+strconv.Itoa(len(bodies)))
		seen(s.chat, "live")
		s.chatNoClient.visit(s.gateway.url("/s/" + key))
		seen(s.chatNoClient, "rendered")
	}
	who := `tr[data-row] [data-slot=user]`
	s.console.wait("the last one is listed",
		`document.querySelectorAll("tr[data-row]").length > `+strconv.Itoa(len(s.attacks)))
	s.console.checkHarmless("clients, live")
	s.checkShown("client's user, live", s.console.textsOf(who), users)
	s.consoleNoClient.visit(s.gateway.url("/admin/clients"))
	s.consoleNoClient.checkHarmless("clients")
	s.checkShown("client's user", s.consoleNoClient.textsOf(who), users)
	s.checkShown("client's program", s.consoleNoClient.textsOf("tr[data-row] [data-slot=browser]"),
		programs)
	s.checkDialogs("client's dialog", markup.ActionDisconnect, markup.IDDisconnectDialog,
		markup.SlotUser, users)
}

// writeNotes writes a note for each attack, under the attack's name where that is a valid
// user id.
func (s *xssSuite) writeNotes(key string, batch []attack) (authors, labels, bodies []string) {
	for _, a := range batch {
		author := strings.TrimSpace(a.text)
		k := rig.NewClient(s.t, s.dial(http.Header{"User-Agent": {"Firefox/1 Windows " +
			headerText(a.text)}}))
		connect := func(user string) rig.Frame {
			return k.Call("connect", toJSON(map[string]any{"token": s.token, "user_id": user,
				"client": map[string]any{"name": a.text}}))
		}
		if f := connect(a.text); !f.OK {
			s.count(s.refused, "user", 1)
			author = a.name("user")
			if f = connect(author); !f.OK {
				s.t.Fatalf("%q may not connect: %v", a.text, f.Error)
			}
		}
		label := a.text
		note := func() rig.Frame {
			return k.Call("chat.inject", toJSON(map[string]any{"sessionKey": key, "message": a.text,
				"label": label}))
		}
		if f := note(); !f.OK {
			s.count(s.refused, "note's label", 1)
			label = a.name("label")
			if f = note(); !f.OK {
				s.t.Fatalf("%q may not be a note: %v", a.text, f.Error)
			}
		}
		authors, labels, bodies = append(authors, author), append(labels, label), append(bodies,
			formatted(a.text))
	}
	return authors, labels, bodies
}

// headerText is the text without the characters that a header cannot have.
func headerText(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, text)
}

// files have the attacks as their names.
func (s *xssSuite) files() {
	s.chat.open(s.gateway.url("/"))
	s.chat.wait("connected", connectionIs(markup.LinkConnected))
	s.chat.runAsync("empty files", `choose(...`+toJSON(texts(s.attacks))+`.map((text) => new File([], text + ".txt")))`)
	s.chat.wait("it is said", `document.querySelector("#`+markup.IDToasts+`").textContent.includes(".txt")`)
	s.chat.checkHarmless("empty files")
	sent := 0
	for batch := range slices.Chunk(s.attacks, 10) {
		s.chat.runAsync("attach", `choose(...`+toJSON(texts(batch))+`.map((text, i) => new File(["x"], text + "." + (`+strconv.Itoa(batch[0].id)+` + i) + ".txt")))`)
		s.chat.wait("they are uploaded or refused",
			`document.querySelectorAll('`+attachmentList+` > :is([data-state="`+markup.FileReady+`"], [data-state="`+markup.FileFailed+`"])').length === `+strconv.Itoa(len(batch)))
		s.chat.checkHarmless("attached files")
		failed := s.chat.number(`(() => { const failed = document.querySelectorAll('` +
			attachmentList + ` > [data-state="` + markup.FileFailed + `"] [data-action="` +
			markup.ActionRemoveFile + `"]');
			failed.forEach((button) => button.click()); return failed.length; })()`)
		s.count(s.refused, "file's name", failed)
		sent += len(batch) - failed
		s.chat.wait("the others", `document.querySelectorAll("`+attachmentList+` > *").length === `+strconv.Itoa(len(batch)-failed))
		s.chat.run("send", chromedp.Focus("#"+markup.IDComposerInput), enter)
		s.chat.wait("it is sent", `!document.querySelector("`+attachmentList+` > *")`)
	}
	s.chat.wait("all are sent", `document.querySelectorAll("`+messages+` .file").length === `+strconv.Itoa(sent)+` && `+replyIs(markup.StatusComplete))
	s.chat.checkHarmless("files, live")
	names := s.chat.textsOf(messages + " [data-slot=filename]")
	s.chatNoClient.visit(evaluate[string](s.chat.tab, `location.href`))
	s.chatNoClient.checkHarmless("files")
	s.checkShown("file's name", s.chatNoClient.textsOf(messages+" [data-slot=filename]"), names)
	for _, name := range names {
		if !numberedName.MatchString(name) {
			s.t.Errorf("a file is called %q", name)
		}
	}
	s.checkFileHeaders()
}

var numberedName = regexp.MustCompile(`\d+\.txt$`)

var disposition = regexp.MustCompile(`^attachment; filename="[^"\\%\x00-\x1f\x7f-\xff]*"(; filename\*=UTF-8''[A-Za-z0-9!#$&+.^_` + "`" + `|~%-]+)?$`)

// checkFileHeaders checks the headers with which files are served.
func (s *xssSuite) checkFileHeaders() {
	s.chatNoClient.runAsync("ask for the files", `const links = [...new Set([...document.querySelectorAll("`+messages+` .file-chip")].map((a) => a.getAttribute("href")))];
		window.got = [];
		for (const link of links) {
			const h = (await fetch(link)).headers;
			window.got.push(["Content-Disposition", "Content-Type", "Content-Security-Policy",
				"X-Content-Type-Options"].map((name) => h.get(name)));
		}`)
	headers := evaluate[[][]string](s.chatNoClient.tab, `window.got`)
	for _, h := range headers {
		if !disposition.MatchString(h[0]) || h[1] != "text/plain; charset=utf-8" || h[2] != "default-src 'none'; sandbox" || h[3] != "nosniff" {
			s.t.Errorf("a file is served with %q", h)
			continue
		}
		s.count(s.shown, "file's disposition", 1)
	}
	if n := s.shown["file's name"]; len(headers) != n {
		s.t.Errorf("%d files of %d are served", len(headers), n)
	}
}
