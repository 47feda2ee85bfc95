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

	"github.com/gatehouse-chat/gatehouse/server/internal/manual"
	"github.com/gatehouse-chat/gatehouse/web/docs"
	"github.com/gatehouse-chat/gatehouse/web/page"
	"github.com/gatehouse-chat/gatehouse/web/part"
)

// manualPages are the pages of the manual. Each is formatted at its first request, since
// formatting all of them would delay the start, and again after the base has changed.
type manualPages struct {
	site page.Site

	// mu guards the following fields.
	mu    sync.Mutex
	base  string                // that the pages were formatted for
	pages map[string]manualPage // by name
}

// manualPage is a page as it is sent.
type manualPage struct {
	html []byte
	tag  string // weak entity tag, since the page is sent compressed and plain
}

// get returns a page with the links of a base. name has to be one of manual.Names.
func (m *manualPages) get(base, name string) (manualPage, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.base != base {
		m.base, m.pages = base, nil
	}
	if p, there := m.pages[name]; there {
		return p, nil
	}
	p, err := newManualPage(m.site, base, name)
	if err == nil {
		if m.pages == nil {
			m.pages = map[string]manualPage{}
		}
		m.pages[name] = p
	}
	return p, err
}

func newManualPage(site page.Site, base, name string) (manualPage, error) {
	p := manual.Format(name, base)
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
	if err := page.Docs(model).Render(part.WithBase(context.Background(), base), &html); err != nil {
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
	if !slices.Contains(manual.Names(), name) || r.URL.Path != docs.Path(name) {
		s.showNotice(w, r, http.StatusNotFound, "Nothing here",
			"The manual has no page of this name. Its contents are under "+s.address(r, "/docs")+".", "")
		return
	}
	p, err := s.manual.get(s.settings(r).base(), name)
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
