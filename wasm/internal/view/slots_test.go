package view_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestEverySlotIsFilled checks that the client names each slot of the markup: a page's
// text around a slot that nobody fills is never seen.
func TestEverySlotIsFilled(t *testing.T) {
	t.Parallel()
	markup, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "markup", "attribute.go"))
	if err != nil {
		t.Fatal(err)
	}
	var client strings.Builder
	for _, folder := range []string{".", "../app"} {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(file, "_test.go") {
				client.Write(text)
			}
		}
	}
	slots := regexp.MustCompile(`(?m)^\tSlot\w+`).FindAllString(string(markup), -1)
	if len(slots) < 20 {
		t.Fatalf("the markup has only %d slots", len(slots))
	}
	for _, slot := range slots {
		name := "markup." + strings.TrimSpace(slot)
		if !regexp.MustCompile(regexp.QuoteMeta(name) + `\b`).MatchString(client.String()) {
			t.Errorf("the client does not fill %s", name)
		}
	}
}
