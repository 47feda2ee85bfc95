package httpd

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/go-chi/chi/v5"

	"github.com/gatehouse-chat/gatehouse/server/internal/format"
	"github.com/gatehouse-chat/gatehouse/web/docs"
	"github.com/gatehouse-chat/gatehouse/web/page"
)

// manual has the pages of the manual, each formatted when it is first asked for:
// all of them take longer than a start should.
type manual struct {
	pages map[string]func() (manualPage, error) // by name
}

// manualPage is a page as it is sent.
type manualPage struct {
	html []byte
	tag  string // entity tag, with its quotes
}

func newManual(site page.Site) *manual {
	m := &manual{pages: map[string]func() (manualPage, error){}}
	for _, name := range manualOrder() {
		m.pages[name] = sync.OnceValues(func() (manualPage, error) { return newManualPage(site, name) })
	}
	return m
}

// manualOrder lists the names of all pages, the index first.
func manualOrder() []string {
	names := []string{docs.Index}
	for _, c := range docs.Chapters() {
		names = append(names, c.Pages...)
	}
	return names
}

func newManualPage(site page.Site, name string) (manualPage, error) {
	p, _ := docs.Read(name)
	document := format.NewDocument(p.Text, docs.Link)
	model := page.DocsModel{
		Site: site, Title: p.Title, Index: name == docs.Index, Chapters: manualChapters(name),
		Sections: manualSections(document.Headings), Blocks: document.Blocks,
	}
	order := manualOrder()
	at := slices.Index(order, name)
	if at > 0 {
		model.Previous = manualLink(order[at-1])
	}
	if at < len(order)-1 {
		model.Next = manualLink(order[at+1])
	}
	var html bytes.Buffer
	if err := page.Docs(model).Render(context.Background(), &html); err != nil {
		return manualPage{}, err
	}
	sum := sha256.Sum256(html.Bytes())
	return manualPage{html: html.Bytes(), tag: `"` + hex.EncodeToString(sum[:16]) + `"`}, nil
}

func manualChapters(current string) []page.DocsChapter {
	var chapters []page.DocsChapter
	for _, c := range docs.Chapters() {
		chapter := page.DocsChapter{Title: c.Title}
		for _, name := range c.Pages {
			link := manualLink(name)
			link.Current = name == current
			chapter.Pages = append(chapter.Pages, *link)
		}
		chapters = append(chapters, chapter)
	}
	return chapters
}

func manualLink(name string) *page.DocsLink {
	p, _ := docs.Read(name)
	return &page.DocsLink{Title: p.Title, Href: docs.Path(name)}
}

// manualSections are a page's headings of the second and third level.
func manualSections(headings []format.Heading) []page.DocsLink {
	var sections []page.DocsLink
	for _, h := range headings {
		if h.Level == 2 || h.Level == 3 {
			sections = append(sections, page.DocsLink{Title: h.Text, Href: "#" + h.ID, Deep: h.Level == 3})
		}
	}
	return sections
}

// docs is GET /docs and GET /docs/{name}: a page of the manual, for anybody. Caches
// may keep it but must ask again each time, since an upgrade changes the page and
// the names of the files that it loads.
func (s *server) docs(w http.ResponseWriter, r *http.Request) {
	name := chi.URLParam(r, "name")
	if name == "" {
		name = docs.Index
	}
	load, there := s.manual.pages[name]
	if !there || r.URL.Path != docs.Path(name) {
		s.notice(w, r, http.StatusNotFound, "Nothing here", "The manual has no page of this name. Its contents are under /docs.", "")
		return
	}
	p, err := load()
	if err != nil {
		s.failed(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "public, no-cache")
	h.Set("ETag", p.tag)
	if hasTag(r.Header.Values("If-None-Match"), p.tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(p.html) // a reader who is gone misses nothing
}

// hasTag reports whether an If-None-Match header names the tag (RFC 9110 §13.1.2).
// "*" does not count: who has no copy gets one.
func hasTag(headers []string, tag string) bool {
	for _, listed := range strings.Split(strings.Join(headers, ","), ",") {
		if strings.TrimPrefix(strings.TrimSpace(listed), "W/") == tag {
			return true
		}
	}
	return false
}
