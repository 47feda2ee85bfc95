package page

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var previewDir = flag.String("preview", "", "write every page in every state to this directory, to be looked at")

// TestPreview renders every view. With -preview DIR it writes the pages and the style sheets
// into DIR: serve DIR and open NAME.html.
func TestPreview(t *testing.T) {
	dir := *previewDir
	if dir == "" {
		dir = t.TempDir()
	}
	for _, v := range views() {
		var page bytes.Buffer
		if err := v.page.Render(t.Context(), &page); err != nil {
			t.Fatalf("%s: %v", v.name, err)
		}
		if err := os.WriteFile(filepath.Join(dir, v.name+".html"), page.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, static := range []string{"css", "icons"} {
		if err := os.CopyFS(filepath.Join(dir, static), os.DirFS(filepath.Join("..", "static", static))); err != nil && *previewDir == "" {
			t.Fatal(err)
		}
	}
}
