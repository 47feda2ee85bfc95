package auth_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// fileWith returns the file in dir that contains text, or "".
func fileWith(t *testing.T, dir, text string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(content, []byte(text)) {
			return file
		}
	}
	return ""
}
