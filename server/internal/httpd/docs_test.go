package httpd_test

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/gatehouse-chat/gatehouse/server/internal/docstest"
	"github.com/gatehouse-chat/gatehouse/server/internal/format"
	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/web/docs"
)

func TestManual(t *testing.T) {
	t.Parallel()
	h := httpdtest.New(t, httpdtest.Options{})
	r := page("/docs", "").do(h)
	body := text(t, r)
	tag := r.Header.Get("ETag")
	if r.StatusCode != http.StatusOK || !strings.Contains(body, `data-page="docs"`) ||
		strings.Contains(body, "<script") ||
		r.Header.Get("Cache-Control") != "public, no-cache" || tag == "" ||
		!strings.Contains(r.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Fatalf("HTTP %d, headers %v", r.StatusCode, r.Header)
	}
	if len(setCookies(r)) > 0 {
		t.Error("the manual sets a cookie")
	}
	for _, way := range []string{"/", "/admin"} { // the same for everybody, as the page is cached
		if !strings.Contains(body, `href="`+way+`"`) {
			t.Errorf("the manual has no link to %s", way)
		}
	}
	for sent, status := range map[string]int{tag: 304, strings.TrimPrefix(tag, "W/"): 304, `"x", ` + tag: 304, `"x"`: 200,
		"*": 200} {
		q := page("/docs", "")
		q.header = http.Header{"If-None-Match": {sent}}
		if again := q.do(h); again.StatusCode != status {
			t.Errorf("If-None-Match: %s gives HTTP %d, want %d", sent, again.StatusCode, status)
		}
	}
	for _, path := range []string{"/docs/README", "/docs/none", "/docs/docs.go",
		"/docs/configuration.md", "/docs/..%2fdocs", "/docs/a/b"} {
		if r := page(path, "").do(h); r.StatusCode != http.StatusNotFound ||
			r.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: HTTP %d, headers %v", path, r.StatusCode, r.Header)
		}
	}
}

// TestManualListsEveryPage holds the chapters to the files, and to the list on the
// index.
func TestManualListsEveryPage(t *testing.T) {
	t.Parallel()
	var listed, chapters []string
	for _, c := range docs.Chapters() {
		listed = append(listed, c.Pages...)
		chapters = append(chapters, c.Title)
	}
	for name := range docstest.Pages(t) {
		if name != docs.Index && name != docstest.Readme && !slices.Contains(listed, name) {
			t.Errorf("no chapter has the page %s", name)
		}
	}
	index := docstest.Page(t, docs.Index)
	var links, titles []string
	for _, m := range regexp.MustCompile(`(?m)^- \[([^\]]+)\]\(([a-z]+)\.md\)`).FindAllStringSubmatch(index, -1) {
		links = append(links, m[2])
		if p, ok := docs.Read(m[2]); !ok || p.Title != m[1] {
			t.Errorf("the index calls %s %q, its title is %q", m[2], m[1], p.Title)
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^## (.+)$`).FindAllStringSubmatch(index, -1) {
		titles = append(titles, m[1])
	}
	if !slices.Equal(links, listed) || !slices.Equal(titles, chapters) {
		t.Errorf("the index has %v %v, the chapters are %v %v", titles, links, chapters, listed)
	}
}

var (
	markdownLink = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	htmlLink     = regexp.MustCompile(`<a [^>]*href="([^"]+)"`)
	htmlID       = regexp.MustCompile(` id="([^"]+)"`)
)

// TestManualLinksInTheRepository follows every link between the pages, as it is in
// the files.
func TestManualLinksInTheRepository(t *testing.T) {
	t.Parallel()
	pages := docstest.Pages(t)
	followed := 0
	for name, text := range pages {
		if tag := regexp.MustCompile(`<[a-z/][^:>]*>`).FindString(withoutComments(withoutCode(text))); tag != "" && name != docstest.Readme {
			t.Errorf("%s.md has the tag %s, which the gateway shows as text", name, tag)
		}
		for _, m := range markdownLink.FindAllStringSubmatch(withoutCode(text), -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			followed++
			file := filepath.Join(filepath.Dir(docstest.File(t, name)), target)
			if target == "" {
				file = docstest.File(t, name)
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s.md links to %s: %v", name, m[1], err)
				continue
			}
			if anchor == "" {
				continue
			}
			there := pages[strings.TrimSuffix(filepath.Base(file), ".md")]
			if !slices.ContainsFunc(format.NewDocument(there, docs.Link).Headings,
				func(h format.Heading) bool { return h.ID == anchor }) {
				t.Errorf("%s.md links to %s, but there is no such heading", name, m[1])
			}
		}
	}
	if followed < 50 {
		t.Errorf("%d links", followed)
	}
}

// withoutCode takes out what only looks like links.
func withoutCode(text string) string {
	text = regexp.MustCompile("(?s)```.*?```").ReplaceAllString(text, "")
	return regexp.MustCompile("`[^`\n]*`").ReplaceAllString(text, "")
}

func withoutComments(text string) string {
	return regexp.MustCompile(`(?m)^<!--.*-->$`).ReplaceAllString(text, "")
}

// TestManualLinksServed follows every link of every page, as the gateway serves it.
func TestManualLinksServed(t *testing.T) {
	t.Parallel()
	h := httpdtest.New(t, httpdtest.Options{})
	served := map[string]string{}
	get := func(path string) string {
		if _, known := served[path]; !known {
			r := page(path, "").do(h)
			served[path] = text(t, r)
			if r.StatusCode >= 400 {
				t.Errorf("%s: HTTP %d", path, r.StatusCode)
			}
		}
		return served[path]
	}
	names := []string{docs.Index}
	for _, c := range docs.Chapters() {
		names = append(names, c.Pages...)
	}
	for _, name := range names {
		here := docs.Path(name)
		body := get(here)
		seen := map[string]bool{}
		for _, m := range htmlID.FindAllStringSubmatch(body, -1) {
			if seen[m[1]] {
				t.Errorf("%s: the id %s is there twice", here, m[1])
			}
			seen[m[1]] = true
		}
		for _, m := range htmlLink.FindAllStringSubmatch(body, -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			switch file, ours := strings.CutPrefix(target, docs.Repository); {
			case ours:
				if _, err := os.Stat(filepath.Join(docstest.Root(t), file)); err != nil {
					t.Errorf("%s links to %s: %v", here, m[1], err)
				}
				continue
			case strings.Contains(target, "://"):
				continue
			case target == "":
				target = here
			}
			if there := get(target); anchor != "" && !strings.Contains(there, ` id="`+anchor+`"`) {
				t.Errorf("%s links to %s, where there is no such section", here, m[1])
			}
		}
	}
}

// TestManualListsEveryAddress holds the list of addresses to the routes.
func TestManualListsEveryAddress(t *testing.T) {
	t.Parallel()
	h := httpdtest.New(t, httpdtest.Options{})
	routes := map[string][]string{}
	err := chi.Walk(h.Handler.(chi.Routes), func(method, route string, _ http.Handler,
		_ ...func(http.Handler) http.Handler) error {
		if method != http.MethodHead {
			routes[route] = append(routes[route], method)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(docstest.Page(t, "http"), "\n## All addresses\n")
	listed := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(/[^`]*)` \\| ([A-Z, ]+) \\|").FindAllStringSubmatch(table, -1) {
		listed[m[1]] = true
		methods := strings.Split(m[2], ", ")
		slices.Sort(methods)
		slices.Sort(routes[m[1]])
		if !slices.Equal(methods, routes[m[1]]) {
			t.Errorf("http.md gives %s the methods %v, the gateway has %v", m[1], methods, routes[m[1]])
		}
	}
	for route := range routes {
		if !listed[route] {
			t.Errorf("http.md has no row for %s", route)
		}
	}
}
