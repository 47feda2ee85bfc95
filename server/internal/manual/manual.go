// Package manual formats the manual's pages, which are in web/docs, for the gateway to
// serve.
package manual

import (
	"slices"
	"strings"

	"github.com/gatehouse-chat/gatehouse/server/internal/format"
	"github.com/gatehouse-chat/gatehouse/web/docs"
)

// Page is a formatted page.
type Page struct {
	Title    string
	Blocks   []string  // HTML, safe to put into a page
	Sections []Section // headings of the second and third level
	Previous string    // name of the page before it; "" for the first
	Next     string    // name of the page after it; "" for the last
}

// Section is a part of a page under a heading.
type Section struct {
	Title string
	ID    string // id of the heading's element
	Deep  bool   // the section is part of the one before it
}

// Names returns all pages in the order of the manual, the index first.
func Names() []string {
	names := []string{docs.Index}
	for _, c := range docs.Chapters() {
		names = append(names, c.Pages...)
	}
	return names
}

// Title returns the title of a page, or "" when there is no such page.
func Title(name string) string {
	p, _ := docs.Read(name)
	return p.Title
}

// Format formats a page, which takes some milliseconds. name has to be one of Names. Links
// to other pages begin with base, the path under which people reach the gateway.
func Format(name, base string) Page {
	text, _ := docs.Read(name)
	document := format.NewDocument(text.Text, func(destination string) string {
		link := docs.Link(destination)
		if strings.HasPrefix(link, "/") {
			return base + link
		}
		return link
	})
	page := Page{Title: text.Title, Blocks: document.Blocks}
	for _, h := range document.Headings {
		if h.Level == 2 || h.Level == 3 {
			page.Sections = append(page.Sections, Section{Title: h.Text, ID: h.ID, Deep: h.Level == 3})
		}
	}
	names := Names()
	at := slices.Index(names, name)
	if at > 0 {
		page.Previous = names[at-1]
	}
	if at < len(names)-1 {
		page.Next = names[at+1]
	}
	return page
}
