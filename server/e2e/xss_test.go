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

// xssSuite sends every attack through every input of one gateway.
type xssSuite struct {
	t       *testing.T
	gateway *gatehouse
	attacks []attack
	token   string

	user, admin *rig.Client // programs: one of the user, one of an admin

	// The user's tabs and an admin's, each with the client and without.
	chat, chatNoClient, console, consoleNoClient *monitor

	inputs         []string // names, in the order of their first use
	shown, refused map[string]int
}

// TestHostileTextStaysText sends every attack through every input by which texts of
// strangers, users, programs and admins come into pages. Each text has to be shown to the
// letter and must do nothing.
func TestHostileTextStaysText(t *testing.T) {
	t.Parallel()
	s := newXSSSuite(t)
	for _, try := range []func(){
		s.queries, s.messages, s.composer, s.notes, s.labels, s.files, s.keys, s.pairings, s.audit, s.fragments, s.faults,
	} {
		try()
	}
	s.report()
}

func newXSSSuite(t *testing.T) *xssSuite {
	all := attacks(t)
	g := startGatehouse(t, echoModelConfig(t, all))
	s := &xssSuite{t: t, gateway: g, attacks: all, token: g.token(), shown: map[string]int{},
		refused: map[string]int{}}
	user, admin := pairedTabs(t, g)
	who := evaluate[string](user, `document.body.dataset.user`)
	s.chat, s.chatNoClient = startMonitor(user, g), startMonitor(user.openBeside(), g)
	s.console, s.consoleNoClient = startMonitor(admin, g), startMonitor(admin.openBeside(), g)
	s.chatNoClient.run("no client", blockWasm)
	s.consoleNoClient.run("no client", blockWasm)
	ids := s.knownIDs()
	for _, w := range s.tabs() {
		w.ids = ids
		t.Cleanup(func() {
			if t.Failed() { // also when a wait has failed
				w.checkHarmless("at the end")
			}
		})
	}
	s.user = s.connect(`{"token":`+toJSON(s.token)+`,"user_id":`+toJSON(who)+`}`, nil)
	s.admin = s.connect(`{"token":`+toJSON(s.token)+`}`, nil)
	return s
}

func (s *xssSuite) tabs() []*monitor {
	return []*monitor{s.chat, s.chatNoClient, s.console, s.consoleNoClient}
}

// knownIDs returns the element ids that pages have before any user text is in them.
func (s *xssSuite) knownIDs() []string {
	ids := []string{}
	for w, paths := range map[*monitor][]string{
		s.chatNoClient: {"/", "/login", "/nothing"},
		s.consoleNoClient: {"/admin", "/admin/sessions", "/admin/clients", "/admin/keys",
			"/admin/audit", "/admin/status", "/"},
	} {
		for _, path := range paths {
			w.visit(s.gateway.url(path))
			ids = append(ids, evaluate[[]string](w.tab,
				`(() => { const find = (root) => [...root.querySelectorAll("*")].flatMap((el) =>
				[el.id, ...(el.localName === "template" ? find(el.content) : [])]).filter(Boolean); return find(document); })()`)...)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// visit opens a page that no client takes over.
func (w *monitor) visit(address string) {
	w.t.Helper()
	w.run("open "+address, chromedp.Navigate(address))
}

// connect connects a program.
func (s *xssSuite) connect(params string, header http.Header) *rig.Client {
	s.t.Helper()
	return rig.Connect(s.t, s.dial(header), params)
}

func (s *xssSuite) dial(header http.Header) rig.Socket {
	return rig.Dial(context.Background(), rig.Options{URL: "ws://" + s.gateway.Address + "/ws",
		Header: header})
}

// checkShown counts the texts that were shown, and fails for those that were not.
func (s *xssSuite) checkShown(input string, got, want []string) {
	s.t.Helper()
	have := map[string]bool{}
	for _, text := range got {
		have[asShown(text)] = true
	}
	for _, text := range want {
		if !have[asShown(text)] {
			s.t.Errorf("%s: %q is not there among %d", input, text, len(got))
			continue
		}
		s.count(s.shown, input, 1)
	}
}

func (s *xssSuite) count(what map[string]int, input string, n int) {
	if !slices.Contains(s.inputs, input) {
		s.inputs = append(s.inputs, input)
	}
	what[input] += n
}

// asShown is a text as a page shows it: HTML parsers know one kind of line break, and no
// NUL.
func asShown(text string) string {
	return strings.TrimSpace(strings.NewReplacer("\r\n", "\n", "\r", "\n", "\x00", "", "\uFFFD",
		"").Replace(text))
}

// textsOf returns the texts of the elements that match.
func (w *monitor) textsOf(selector string) []string {
	w.t.Helper()
	return evaluate[[]string](w.tab, `[...document.querySelectorAll(`+toJSON(selector)+`)].map((el) => el.textContent)`)
}

// report logs the counts, and checks all tabs a last time.
func (s *xssSuite) report() {
	shown, refused, requests := 0, 0, 0
	for _, input := range s.inputs {
		s.t.Logf("%-34s %4d shown, %3d refused", input, s.shown[input], s.refused[input])
		shown, refused = shown+s.shown[input], refused+s.refused[input]
	}
	for _, w := range s.tabs() {
		w.checkHarmless("at the end")
		requests += w.requests
	}
	s.t.Logf("%d attacks, %d inputs, shown %d times, refused %d times, %d requests of the browser",
		len(s.attacks), len(s.inputs), shown, refused, requests)
}
