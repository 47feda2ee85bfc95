//go:build !js

package app

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view/viewtest"
)

// TestTakeoverChangesNoText has the client take over pages as the gateway renders
// them (TestPagesThatTheClientTakesOver in server/internal/httpd writes them into
// shared/words/testdata), with the same data from the gateway at the same moment.
// Afterwards the page must read as before: once as it was served, and once with its
// lists emptied first, so that the client makes every item anew from its template.
func TestTakeoverChangesNoText(t *testing.T) {
	t.Parallel()
	for name, lists := range map[string][]string{
		"admin":   {markup.IDPendingList, markup.IDDeviceList, markup.IDKnownUsers},
		"chat":    {markup.IDSessionList, markup.IDMessages},
		"console": nil,
	} {
		t.Run(name, func(t *testing.T) { takeOver(t, name, nil) })
		if lists != nil {
			t.Run(name+" anew", func(t *testing.T) { takeOver(t, name, lists) })
		}
	}
}

// takeOver opens a page, without the items of the lists with these ids.
func takeOver(t *testing.T, name string, empty []string) {
	served := viewtest.Parse(readTestdata(t, name+".html"))
	page := func() *viewtest.Document {
		doc := viewtest.Parse(readTestdata(t, name+".html"))
		for _, id := range empty {
			items := doc.Get(id).Elements()
			if len(items) == 0 {
				t.Errorf("%s is served empty", id)
			}
			for _, item := range items {
				item.Remove()
			}
		}
		return doc
	}
	withPage(t, page, func(w *fakeBrowser, g *fakeGateway) {
		var answers map[string]json.RawMessage
		if err := json.Unmarshal([]byte(readTestdata(t, name+".json")), &answers); err != nil {
			t.Error(err)
		}
		g.on("connect", `{"protocol":3,"role":"admin","user_id":"anna","server":{"name":"g","version":"1"}}`)
		for method, payload := range answers {
			g.on(method, string(payload))
		}
		w.path, w.clock = "/s/ws:shown", inLondon
	}, func(s *harness) {
		if s.browser.Writes == 0 {
			t.Error("the client has written nothing")
		}
		before, after := texts(served), texts(s.browser.Document)
		for i := range max(len(before), len(after)) {
			if i >= len(before) || i >= len(after) || before[i] != after[i] {
				t.Errorf("the page was served as\n%s\nand became\n%s", around(before, i), around(after, i))
				break
			}
		}
		if title := strings.TrimPrefix(s.browser.title,
			"(3) "); title != served.Get(markup.IDTitle).Text() && title != "" {
			t.Errorf("the title was served as %q and became %q", served.Get(markup.IDTitle).Text(), title)
		}
	})
}

func readTestdata(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "words", "testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// inLondon formats a time as page.js does for a reader in Britain, in winter.
func inLondon(at protocol.Time) string {
	then, now := at.Go(), time.Now().UTC()
	switch {
	case then.Year() != now.Year():
		return then.Format("2 Jan 2006, 15:04")
	case then.YearDay() != now.YearDay():
		return then.Format("2 Jan, 15:04")
	}
	return then.Format("15:04")
}

var (
	inert     = regexp.MustCompile(`(?s)<template.*?</template>`)
	tag       = regexp.MustCompile(`<[^>]*>`)
	attribute = regexp.MustCompile(` (alt|aria-label|datetime|href|placeholder|src|title|value)="[^"]*"`)
)

// texts returns what a reader can find on a page: texts, and the attributes that are
// texts or links, one line an element or text.
func texts(doc *viewtest.Document) []string {
	plain := tag.ReplaceAllStringFunc(inert.ReplaceAllString(doc.Root.HTML(), ""),
		func(tag string) string {
			name, _, _ := strings.Cut(strings.Trim(tag, "<>"), " ")
			return "\n<" + name + strings.Join(attribute.FindAllString(tag, -1), "") + ">\n"
		})
	return slices.DeleteFunc(strings.Split(plain, "\n"), func(line string) bool { return line == "" })
}

// around returns the lines near line i.
func around(lines []string, i int) string {
	from, to := max(0, min(i, len(lines))-12), min(len(lines), i+5)
	return strings.Join(lines[from:to], "\n")
}
