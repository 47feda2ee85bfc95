// Package docs embeds the manual: the pages in this folder, which the gateway serves under
// /docs. They can be read in the repository as well, so their links are relative to this
// folder: page.md, page.md#anchor, and ../../server for other files of the repository.
package docs

import (
	"embed"
	"errors"
	"io/fs"
	"strings"
)

//go:embed *.md
var files embed.FS

// Index is the name of the page that lists the others.
const Index = "README"

// Repository is where the rest of the source tree can be read.
const Repository = "https://github.com/gatehouse-chat/gatehouse/blob/main/"

// A Chapter is a group of pages.
type Chapter struct {
	Title string
	Pages []string // names, without ".md"
}

// Chapters lists every page but the index, in the order of the manual.
func Chapters() []Chapter {
	return []Chapter{
		{"Use", []string{"start", "agents", "people"}},
		{"Run", []string{"docker", "systemd", "network", "operation"}},
		{"Build on", []string{"programs", "clients"}},
		{"Look up", []string{
			"configuration", "commands", "http", "protocol", "metrics", "limits", "troubleshooting",
		}},
		{"Inside", []string{"architecture", "contributing"}},
	}
}

// A Page is a page of the manual.
type Page struct {
	Name  string // "configuration"
	Title string // of its first line, "Configuration"
	Text  string // Markdown
}

// Read returns a page by its name. ok is false if there is none.
func Read(name string) (page Page, ok bool) {
	text, err := files.ReadFile(name + ".md")
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
		return Page{}, false
	}
	first, _, _ := strings.Cut(string(text), "\n")
	return Page{Name: name, Title: strings.TrimPrefix(first, "# "), Text: string(text)}, err == nil
}

// Path returns the path under which the gateway serves a page.
func Path(name string) string {
	if name == Index {
		return "/docs"
	}
	return "/docs/" + name
}

// Link returns the address for a link in a page that the gateway serves: links to pages
// lead to the served pages, links to other files lead to the repository, and other links
// are not changed.
func Link(destination string) string {
	target, anchor, hasAnchor := strings.Cut(destination, "#")
	if hasAnchor {
		anchor = "#" + anchor
	}
	switch name, isPage := strings.CutSuffix(target, ".md"); {
	case target == "" || strings.Contains(target, "://"):
		return destination
	case strings.HasPrefix(target, "../../"):
		return Repository + strings.TrimPrefix(target, "../../") + anchor
	case isPage:
		return Path(name) + anchor
	}
	return Repository + "web/docs/" + target + anchor
}
