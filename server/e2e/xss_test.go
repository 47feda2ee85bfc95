package e2e

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/gatehouse-chat/gatehouse/server/e2e/rig"
)

// siege is a gateway at whose every door the attacks knock.
type siege struct {
	t     *testing.T
	g     *gatehouse
	all   []attack
	token string

	user, boss *rig.Talk // as the user of chat, and as an admin

	// Tabs: the user's and an admin's, with the client and without.
	chat, plain, console, bare *watch

	doors          []string // in order
	shown, refused map[string]int
}

// TestWordsStayWords brings every attack through every door by which words of
// strangers, users, programs and admins come into pages, and holds that each is
// shown to the letter and does nothing.
func TestWordsStayWords(t *testing.T) {
	t.Parallel()
	s := besiege(t)
	for _, door := range []func(){
		s.queries, s.messages, s.composer, s.notes, s.labels, s.files, s.keys, s.pairings, s.audit, s.fragments, s.faults,
	} {
		door()
	}
	s.told()
}

func besiege(t *testing.T) *siege {
	all := attacks(t)
	g := startGatehouse(t, parrotConfig(t, all))
	s := &siege{t: t, g: g, all: all, token: g.token(), shown: map[string]int{}, refused: map[string]int{}}
	user, admin := paired(t, g)
	who := evaluate[string](user, `document.body.dataset.user`)
	s.chat, s.plain = watched(user, g), watched(user.beside(), g)
	s.console, s.bare = watched(admin, g), watched(admin.beside(), g)
	s.plain.run("no client", blockWasm)
	s.bare.run("no client", blockWasm)
	ids := s.knownIDs()
	for _, w := range s.tabs() {
		w.ids = ids
		t.Cleanup(func() {
			if t.Failed() { // also where a wait was in vain
				w.harmless("at the end")
			}
		})
	}
	s.user = s.talk(`{"token":`+script(s.token)+`,"user_id":`+script(who)+`}`, nil)
	s.boss = s.talk(`{"token":`+script(s.token)+`}`, nil)
	return s
}

func (s *siege) tabs() []*watch { return []*watch{s.chat, s.plain, s.console, s.bare} }

// knownIDs are the ids that pages have before anybody has said anything.
func (s *siege) knownIDs() []string {
	ids := []string{}
	for w, paths := range map[*watch][]string{
		s.plain: {"/", "/login", "/nothing"},
		s.bare:  {"/admin", "/admin/sessions", "/admin/clients", "/admin/keys", "/admin/audit", "/admin/status", "/"},
	} {
		for _, path := range paths {
			w.visit(s.g.url(path))
			ids = append(ids, evaluate[[]string](w.tab, `(() => { const find = (root) => [...root.querySelectorAll("*")].flatMap((el) =>
				[el.id, ...(el.localName === "template" ? find(el.content) : [])]).filter(Boolean); return find(document); })()`)...)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// visit opens a page that no client takes over.
func (w *watch) visit(address string) {
	w.t.Helper()
	w.run("open "+address, chromedp.Navigate(address))
}

// talk connects a program.
func (s *siege) talk(params string, header http.Header) *rig.Talk {
	s.t.Helper()
	return rig.Connected(s.t, s.dial(header), params)
}

func (s *siege) dial(header http.Header) rig.Socket {
	return rig.Dial(context.Background(), rig.Options{URL: "ws://" + s.g.Address + "/ws", Header: header})
}

// arrived counts what was shown, and fails for what was not.
func (s *siege) arrived(door string, got, want []string) {
	s.t.Helper()
	have := map[string]bool{}
	for _, text := range got {
		have[asShown(text)] = true
	}
	for _, text := range want {
		if !have[asShown(text)] {
			s.t.Errorf("%s: %q is not there among %d", door, text, len(got))
			continue
		}
		s.count(s.shown, door, 1)
	}
}

func (s *siege) count(what map[string]int, door string, n int) {
	if !slices.Contains(s.doors, door) {
		s.doors = append(s.doors, door)
	}
	what[door] += n
}

// asShown is a text as a page shows it: parsers of HTML know one kind of line
// break, and no NUL.
func asShown(text string) string {
	return strings.TrimSpace(strings.NewReplacer("\r\n", "\n", "\r", "\n", "\x00", "", "\uFFFD", "").Replace(text))
}

// slot gives the texts of a kind of place in the page.
func (w *watch) slot(selector string) []string {
	w.t.Helper()
	return evaluate[[]string](w.tab, `[...document.querySelectorAll(`+script(selector)+`)].map((el) => el.textContent)`)
}

func (s *siege) told() {
	shown, refused, requests := 0, 0, 0
	for _, door := range s.doors {
		s.t.Logf("%-34s %4d shown, %3d refused", door, s.shown[door], s.refused[door])
		shown, refused = shown+s.shown[door], refused+s.refused[door]
	}
	for _, w := range s.tabs() {
		w.harmless("at the end")
		requests += w.requests
	}
	s.t.Logf("%d attacks, %d doors, %d times shown, %d times refused, %d requests of the browser", len(s.all), len(s.doors), shown, refused, requests)
}
