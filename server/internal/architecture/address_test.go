package architecture

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestAddressesHaveTheBase looks for addresses that are written by hand where a page, its
// client or a script must put the gateway's base before them. A gateway can be under a path
// of its host: then "/admin" leads to another program.
func TestAddressesHaveTheBase(t *testing.T) {
	t.Parallel()
	const root = "../../.."
	found := 0
	for _, rule := range []struct {
		dir, ext, use string
		bad           *regexp.Regexp
	}{
		{"web/page", ".templ", "part.Path(ctx, …)", regexp.MustCompile(`(href|src|action|poster)="/`)},
		{"web/part", ".templ", "Path(ctx, …)", regexp.MustCompile(`(href|src|action|poster)="/`)},
		{"wasm/internal/view", ".go", "a link that package app makes", regexp.MustCompile(`"/[a-z]`)},
		{"wasm/internal/dom", ".go", "markup.AttrBase", regexp.MustCompile(`"/(admin|api|docs|login|s)\b`)},
		{"web/static/js", ".js", "base", regexp.MustCompile("[\"'`]/[a-z]")},
		{"web/static/css", ".css", "a file of the style sheet's own folder", regexp.MustCompile(`url\(["']?/`)},
		{"server/internal/livereload", ".js", "the script's own address", regexp.MustCompile("[\"'`]/[a-z]")},
	} {
		err := filepath.WalkDir(filepath.Join(root, rule.dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != rule.ext || strings.HasSuffix(path, "_test.go") ||
				strings.Contains(path, "viewtest") {
				return err
			}
			text, err := os.ReadFile(path)
			found++
			for i, line := range strings.Split(string(text), "\n") {
				if address := rule.bad.FindString(line); address != "" {
					t.Errorf("%s:%d: %s has no base: use %s", path, i+1, address, rule.use)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if found < 60 {
		t.Errorf("only %d files were looked at", found)
	}
}
