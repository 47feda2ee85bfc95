package e2e

import (
	"html"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/chromedp/chromedp"

	"github.com/gatehouse-chat/gatehouse/server/e2e/rig"
	"github.com/gatehouse-chat/gatehouse/server/internal/format"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
)

var tag = regexp.MustCompile(`<[^>]*>`)

// formatted is the text of what becomes of markdown.
func formatted(markdown string) string {
	return html.UnescapeString(tag.ReplaceAllString(strings.Join(format.Blocks(markdown), ""), ""))
}

// perSession is how many attacks a session takes so that one page shows all.
const perSession = 24

// messages sends each attack as a message, which the model repeats.
func (s *siege) messages() {
	n := 0
	for batch := range slices.Chunk(s.all, perSession) {
		key := "xss-messages-" + strconv.Itoa(n)
		n++
		var sent []string
		for i, text := range texts(batch) {
			if f := s.user.Call("chat.send", script(map[string]any{"sessionKey": key, "message": text})); !f.OK {
				s.count(s.refused, "message", 1)
				continue
			}
			sent = append(sent, text)
			if i == 0 { // the others come while the page is open
				s.chat.open(s.g.url("/s/" + key))
				s.chat.wait("connected", link(markup.LinkConnected))
			}
		}
		s.chat.wait("all are answered", `document.querySelectorAll("`+messages+` > *").length === `+strconv.Itoa(2*len(sent))+` && `+replyIs(markup.StatusComplete))
		s.transcript(s.chat, "live", sent)
		s.plain.visit(s.g.url("/s/" + key))
		s.transcript(s.plain, "rendered", sent)
		s.chat.open(s.g.url("/s/" + key))
		s.chat.wait("connected", link(markup.LinkConnected))
		s.transcript(s.chat, "taken over", sent)
	}
}

func (s *siege) transcript(w *watch, how string, sent []string) {
	s.t.Helper()
	w.harmless("messages, " + how)
	answers := make([]string, len(sent))
	for i, text := range sent {
		answers[i] = formatted(text)
	}
	s.arrived("message, "+how, w.slot(".message-user [data-slot=body]"), sent)
	s.arrived("answer, "+how, w.slot(".message-assistant [data-slot=body]"), answers)
	s.arrived("thinking, "+how, w.slot(".message-assistant [data-slot=thinking]"), sent)
}

// composer says all attacks at once, as people do: typed, kept as a draft, sent,
// and answered while they look on.
func (s *siege) composer() {
	all := asShown(strings.Join(texts(s.all), "\n\n"))
	input := "#" + markup.IDComposerInput
	s.chat.open(s.g.url("/"))
	s.chat.wait("connected", link(markup.LinkConnected))
	s.chat.fill(input, all)
	draft := evaluate[string](s.chat.tab, `document.querySelector("`+input+`").value`)
	s.arrived("composer", []string{draft}, []string{all})
	s.chat.run("reload", chromedp.Reload())
	s.chat.taken()
	s.chat.wait("the draft", `document.querySelector("`+input+`").value.length > 100`)
	s.arrived("draft", []string{evaluate[string](s.chat.tab, `document.querySelector("`+input+`").value`)}, []string{draft})
	s.chat.wait("connected", link(markup.LinkConnected))
	s.chat.run("press Enter", chromedp.Focus(input), enter)
	for !evaluate[bool](s.chat.tab, replyIs(markup.StatusComplete)) {
		s.chat.harmless("all at once, streaming")
		time.Sleep(50 * time.Millisecond) // the model speaks for seconds
		s.chat.wait("it goes on", `!!document.querySelector("`+messages+` > *")`)
	}
	s.chat.harmless("all at once")
	s.arrived("all at once", s.chat.slot(".message-user [data-slot=body]"), []string{draft})
	s.arrived("all at once, answer", s.chat.slot(".message-assistant [data-slot=body]"), []string{formatted(draft)})
}

// notes are written by programs that are called as the attacks are, and connect
// with such names; an admin sees who is connected.
func (s *siege) notes() {
	s.console.open(s.g.url("/admin/clients"))
	s.console.wait("connected", link(markup.LinkConnected))
	n := 0
	var users, programs []string
	for batch := range slices.Chunk(s.all, 2*perSession-2) {
		key := "xss-notes-" + strconv.Itoa(n)
		n++
		s.user.Must("chat.send", script(map[string]any{"sessionKey": key, "message": "Hello"}))
		s.chat.open(s.g.url("/s/" + key))
		s.chat.wait("connected", link(markup.LinkConnected))
		authors, labels, bodies := s.write(key, batch)
		users = append(users, authors...)
		for _, a := range batch {
			name := strings.Join(strings.Fields(a.text), " ")
			if name = strings.Map(printable, name); len(name) <= 100 { // more is cut off
				programs = append(programs, name)
			}
		}
		seen := func(w *watch, how string) {
			w.harmless("notes, " + how)
			s.arrived("note, "+how, w.slot(".message-system [data-slot=body]"), bodies)
			s.arrived("note's label, "+how, w.slot(".message-system [data-slot=label]"), labels)
			s.arrived("note's author, "+how, w.slot(".message-system [data-slot=author]"), authors)
		}
		s.chat.wait("all are there", `document.querySelectorAll("`+messages+` > .message-system").length === `+strconv.Itoa(len(bodies)))
		seen(s.chat, "live")
		s.plain.visit(s.g.url("/s/" + key))
		seen(s.plain, "rendered")
	}
	who := `tr[data-row] [data-slot=user]`
	s.console.wait("the last one is listed", `document.querySelectorAll("tr[data-row]").length > `+strconv.Itoa(len(s.all)))
	s.console.harmless("clients, live")
	s.arrived("client's user, live", s.console.slot(who), users)
	s.bare.visit(s.g.url("/admin/clients"))
	s.bare.harmless("clients")
	s.arrived("client's user", s.bare.slot(who), users)
	s.arrived("client's program", s.bare.slot("tr[data-row] [data-slot=browser]"), programs)
	s.dialogs("client's dialog", markup.ActionDisconnect, markup.IDDisconnectDialog, markup.SlotUser, users)
}

// write lets each attack write a note of its text, under its name where that can
// be a user's.
func (s *siege) write(key string, batch []attack) (authors, labels, bodies []string) {
	for _, a := range batch {
		author := strings.TrimSpace(a.text)
		k := rig.Converse(s.t, s.dial(http.Header{"User-Agent": {"Firefox/1 Windows " + headerText(a.text)}}))
		connect := func(user string) rig.Frame {
			return k.Call("connect", script(map[string]any{"token": s.token, "user_id": user, "client": map[string]any{"name": a.text}}))
		}
		if f := connect(a.text); !f.OK {
			s.count(s.refused, "user", 1)
			author = a.name("user")
			if f = connect(author); !f.OK {
				s.t.Fatalf("%q may not connect: %v", a.text, f.Error)
			}
		}
		note := map[string]any{"sessionKey": key, "message": a.text, "label": a.text}
		if f := k.Call("chat.inject", script(note)); !f.OK {
			s.count(s.refused, "note", 1)
			continue
		}
		authors, labels, bodies = append(authors, author), append(labels, a.text), append(bodies, formatted(a.text))
	}
	return authors, labels, bodies
}

// printable drops what shows nothing, or turns the direction of writing.
func printable(r rune) rune {
	if !unicode.IsPrint(r) {
		return -1
	}
	return r
}

// headerText is the text as a header may carry it.
func headerText(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, text)
}

// files have the attacks' names.
func (s *siege) files() {
	s.chat.open(s.g.url("/"))
	s.chat.wait("connected", link(markup.LinkConnected))
	s.chat.do("empty files", `choose(...`+script(texts(s.all))+`.map((text) => new File([], text + ".txt")))`)
	s.chat.wait("it is said", `document.querySelector("#`+markup.IDToasts+`").textContent.includes(".txt")`)
	s.chat.harmless("empty files")
	sent := 0
	for batch := range slices.Chunk(s.all, 10) {
		s.chat.do("attach", `choose(...`+script(texts(batch))+`.map((text, i) => new File(["x"], text + "." + (`+strconv.Itoa(batch[0].id)+` + i) + ".txt")))`)
		s.chat.wait("they are uploaded or refused", `document.querySelectorAll('`+chips+` > :is([data-state="`+markup.FileReady+`"], [data-state="`+markup.FileFailed+`"])').length === `+strconv.Itoa(len(batch)))
		s.chat.harmless("attached files")
		failed := s.chat.number(`(() => { const failed = document.querySelectorAll('` + chips + ` > [data-state="` + markup.FileFailed + `"] [data-action="` + markup.ActionRemoveFile + `"]');
			failed.forEach((button) => button.click()); return failed.length; })()`)
		s.count(s.refused, "file's name", failed)
		sent += len(batch) - failed
		s.chat.wait("the others", `document.querySelectorAll("`+chips+` > *").length === `+strconv.Itoa(len(batch)-failed))
		s.chat.run("send", chromedp.Focus("#"+markup.IDComposerInput), enter)
		s.chat.wait("it is sent", `!document.querySelector("`+chips+` > *")`)
	}
	s.chat.wait("all are sent", `document.querySelectorAll("`+messages+` .file").length === `+strconv.Itoa(sent)+` && `+replyIs(markup.StatusComplete))
	s.chat.harmless("files, live")
	names := s.chat.slot(messages + " [data-slot=filename]")
	s.plain.visit(evaluate[string](s.chat.tab, `location.href`))
	s.plain.harmless("files")
	s.arrived("file's name", s.plain.slot(messages+" [data-slot=filename]"), names)
	for _, name := range names {
		if !numbered.MatchString(name) {
			s.t.Errorf("a file is called %q", name)
		}
	}
	s.served()
}

var numbered = regexp.MustCompile(`\d+\.txt$`)

var disposition = regexp.MustCompile(`^attachment; filename="[^"\\%\x00-\x1f\x7f-\xff]*"(; filename\*=UTF-8''[A-Za-z0-9!#$&+.^_` + "`" + `|~%-]+)?$`)

// served looks at how the files come.
func (s *siege) served() {
	s.plain.do("ask for the files", `const links = [...new Set([...document.querySelectorAll("`+messages+` .file-chip")].map((a) => a.getAttribute("href")))];
		window.got = [];
		for (const link of links) {
			const h = (await fetch(link)).headers;
			window.got.push(["Content-Disposition", "Content-Type", "Content-Security-Policy", "X-Content-Type-Options"].map((name) => h.get(name)));
		}`)
	headers := evaluate[[][]string](s.plain.tab, `window.got`)
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
