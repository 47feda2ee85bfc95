package httpd

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"

	"github.com/go-chi/chi/v5"

	"github.com/gatehouse-chat/gatehouse/server/internal/manual"
	"github.com/gatehouse-chat/gatehouse/web/docs"
	"github.com/gatehouse-chat/gatehouse/web/page"
)

// manualPages are the pages of the manual by name. Each is formatted at its first request,
// since formatting all of them would delay the start.
type manualPages map[string]func() (manualPage, error)

// manualPage is a page as it is sent.
type manualPage struct {
	html []byte
	tag  string // weak entity tag, since the page is sent compressed and plain
}

func newManualPages(site page.Site) manualPages {
	pages := manualPages{}
	for _, name := range manual.Names() {
		pages[name] = sync.OnceValues(func() (manualPage, error) { return newManualPage(site, name) })
	}
	return pages
}

func newManualPage(site page.Site, name string) (manualPage, error) {
	p := manual.Format(name)
	model := page.DocsModel{Site: site, Title: p.Title, Index: name == docs.Index,
		Chapters: manualChapters(name), Blocks: p.Blocks}
	for _, s := range p.Sections {
		model.Sections = append(model.Sections, page.DocsLink{Title: s.Title, Href: "#" + s.ID,
			Deep: s.Deep})
	}
	if p.Previous != "" {
		model.Previous = manualLink(p.Previous)
	}
	if p.Next != "" {
		model.Next = manualLink(p.Next)
	}
	var html bytes.Buffer
	if err := page.Docs(model).Render(context.Background(), &html); err != nil {
		return manualPage{}, err
	}
	sum := sha256.Sum256(html.Bytes())
	return manualPage{html: html.Bytes(), tag: `W/"` + hex.EncodeToString(sum[:16]) + `"`}, nil
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
	return &page.DocsLink{Title: manual.Title(name), Href: docs.Path(name)}
}

// docs is GET /docs and GET /docs/{name}: a page of the manual, for anybody. Caches
// may keep it but must ask again each time, since an upgrade changes the page and
// the names of the files that it loads.
func (s *server) docs(w http.ResponseWriter, r *http.Request) {
	name := chi.URLParam(r, "name")
	if name == "" {
		name = docs.Index
	}
	load, there := s.manual[name]
	if !there || r.URL.Path != docs.Path(name) {
		s.showNotice(w, r, http.StatusNotFound, "Nothing here",
			"The manual has no page of this name. Its contents are under /docs.", "")
		return
	}
	p, err := load()
	if err != nil {
		s.showError(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "public, no-cache")
	h.Set("ETag", p.tag)
	h.Add("Vary", "Accept-Encoding")
	if hasTag(r.Header.Values("If-None-Match"), p.tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(p.html) // an error means that the client is gone
}

// hasTag reports whether an If-None-Match header names the weak tag (RFC 9110 §13.1.2).
// "*" does not count: a client without a copy gets the page.
func hasTag(headers []string, tag string) bool {
	for _, listed := range strings.Split(strings.Join(headers, ","), ",") {
		if strings.TrimPrefix(strings.TrimSpace(listed), "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}
