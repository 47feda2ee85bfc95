// Package docstest reads the pages of the manual and the README, for the tests that check
// that they are true.
//
// A comment above each code block says how the block is tested:
//
//	<!-- test: KIND -->
//	<!-- test: KIND, NOTE -->
//	<!-- untested: REASON -->
package docstest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Kinds are the kinds of tested code blocks, with what their tests do.
var Kinds = map[string]string{
	"run":     "cmd/gatehouse runs it in a shell, beside a gateway",
	"restore": "cmd/gatehouse runs it in a shell, beside a gateway that was killed",
	"output":  "cmd/gatehouse finds it in what the block before it printed",
	"config":  "cmd/gatehouse has a gateway check it",
	"frames":  "cmd/gatehouse sends it to a gateway, and compares the answers",
	"banner":  "cmd/gatehouse compares it with what a start prints",
	"doctor":  "cmd/gatehouse compares it with what doctor prints",
	"webhook": "internal/webhook compares it with what it sends",
	"make":    "internal/architecture looks for the targets in the Makefile",
	"docker":  "internal/architecture holds it against the Dockerfile and the commands",
	"unit":    "internal/architecture compares it with server/deploy, and has systemd verify it",
	"proxy":   "e2e/proxy runs it in the real proxy",
	"curl":    "e2e/interop runs it",
	"usage":   "cmd/gatehouse writes it",
}

// Block is a fenced code block.
type Block struct {
	Page     string // "operation", or "../../README" for the one at the top of the tree
	Line     int    // of the opening fence, from 1
	Language string
	Kind     string // one of Kinds, "" for a block that is not tested
	Note     string // what follows the kind
	Reason   string // why the block is not tested
	Text     string // including the last line break
}

// Root returns the top of the tree.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir
		}
		if filepath.Dir(dir) == dir {
			t.Fatal("no go.work above the test")
		}
		dir = filepath.Dir(dir)
	}
}

// Readme is the name of the page at the top of the tree.
const Readme = "../../README"

// Pages returns all pages by name, including the README at the top of the tree.
func Pages(t testing.TB) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(Root(t), "web", "docs", "*.md"))
	if err != nil || len(files) < 10 {
		t.Fatalf("%d pages, %v", len(files), err)
	}
	pages := map[string]string{Readme: read(t, filepath.Join(Root(t), "README.md"))}
	for _, file := range files {
		pages[strings.TrimSuffix(filepath.Base(file), ".md")] = read(t, file)
	}
	return pages
}

// Page returns the text of a page.
func Page(t testing.TB, name string) string {
	t.Helper()
	return read(t, File(t, name))
}

// File returns the path of a page.
func File(t testing.TB, name string) string {
	t.Helper()
	return filepath.Join(Root(t), "web", "docs", name+".md")
}

func read(t testing.TB, file string) string {
	t.Helper()
	text, err := os.ReadFile(file) // #nosec G304 -- a page of the source tree
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var testComment = regexp.MustCompile(`^<!-- (?:test: ([a-z]+)(?:, (.*))?|untested: (.+)) -->$`)

// Blocks returns the code blocks of a kind, of all pages; "" is every kind.
func Blocks(t testing.TB, kind string) []Block {
	t.Helper()
	var all []Block
	for name, text := range Pages(t) {
		for _, b := range parseBlocks(name, text) {
			if kind == "" || b.Kind == kind {
				all = append(all, b)
			}
		}
	}
	return all
}

// BlocksOf returns the code blocks of a page, in order.
func BlocksOf(t testing.TB, page string) []Block {
	t.Helper()
	return parseBlocks(page, Pages(t)[page])
}

func parseBlocks(page, text string) []Block {
	var all []Block
	var open *Block
	before := ""
	number := 0
	for line := range strings.Lines(text) {
		number++
		bare := strings.TrimRight(line, "\n")
		fence := strings.HasPrefix(bare, "```")
		switch {
		case open == nil && fence:
			open = &Block{Page: page, Line: number, Language: strings.TrimPrefix(bare, "```")}
			if m := testComment.FindStringSubmatch(before); m != nil {
				open.Kind, open.Note, open.Reason = m[1], m[2], m[3]
			}
		case open != nil && fence:
			all = append(all, *open)
			open = nil
		case open != nil:
			open.Text += line
		}
		before = bare
	}
	return all
}

// Embed replaces the part of a document between the comments NAME:begin and NAME:end.
func Embed(t testing.TB, document, name, content string) string {
	t.Helper()
	begin, end := "<!-- "+name+":begin -->\n", "<!-- "+name+":end -->"
	before, rest, ok := strings.Cut(document, begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("the page has no part %s", name)
	}
	return before + begin + content + end + after
}

// Generated checks that a page is what its generator makes of it. With update it writes
// the page instead.
func Generated(t *testing.T, page string, update bool, generate func(text string) string) {
	t.Helper()
	text := Page(t, page)
	want := generate(text)
	if want == text {
		return
	}
	if !update {
		t.Errorf("web/docs/%s.md is not what the code says: run make generate", page)
		return
	}
	if err := os.WriteFile(File(t, page), []byte(want), 0o644); err != nil { // #nosec G306 -- a page of the source tree
		t.Fatal(err)
	}
}
