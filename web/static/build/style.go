package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

var (
	cssComment = regexp.MustCompile(`(?s)/\*.*?\*/`)
	cssImport  = regexp.MustCompile(`^@import "([a-z0-9-]+\.css)";$`)
)

// bundleStyles joins the style sheets that index.css imports, in its order. It fails if index.css
// has anything else, imports a sheet twice or leaves one out.
func bundleStyles(dir string) ([]byte, error) {
	index, err := os.ReadFile(filepath.Join(dir, "index.css"))
	if err != nil {
		return nil, err
	}
	var joined bytes.Buffer
	imported := map[string]bool{"index.css": true}
	for line := range bytes.Lines(cssComment.ReplaceAll(index, nil)) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		match := cssImport.FindSubmatch(line)
		if match == nil {
			return nil, fmt.Errorf(
				`css/index.css: %q is not understood: one @import "name.css"; a line`, line)
		}
		name := string(match[1])
		if imported[name] {
			return nil, fmt.Errorf("css/index.css imports %s twice", name)
		}
		imported[name] = true
		sheet, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, fmt.Errorf("css/index.css: %w", err)
		}
		joined.Write(bytes.TrimSpace(sheet))
		joined.WriteByte('\n')
	}
	return joined.Bytes(), checkAllImported(dir, imported)
}

// checkAllImported fails if index.css does not import a sheet in dir.
func checkAllImported(dir string, imported map[string]bool) error {
	sheets, err := filepath.Glob(filepath.Join(dir, "*.css"))
	if err != nil {
		return err
	}
	for _, sheet := range sheets {
		if name := filepath.Base(sheet); !imported[name] {
			return fmt.Errorf("css/index.css does not import %s", name)
		}
	}
	return nil
}
