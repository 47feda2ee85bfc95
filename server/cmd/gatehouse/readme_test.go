package main

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/config"
	"github.com/gatehouse-chat/gatehouse/server/internal/gateway"
	"github.com/gatehouse-chat/gatehouse/server/internal/metrics"
)

//go:generate go test -run TestREADME -count 1 . -update

var update = flag.Bool("update", false, "write the generated parts of the README")

const readme = "../../../README.md"

// TestREADME holds the README's references to what the code does.
func TestREADME(t *testing.T) {
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	want, err := config.EmbedReference(string(text))
	if err != nil {
		t.Fatal(err)
	}
	want = embed(t, want, "methods", gateway.Reference())
	want = embed(t, want, "metrics", metrics.Reference())
	if *update {
		if err := os.WriteFile(readme, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want != string(text) {
		t.Error("README.md is not what the code says: run make generate")
	}
	for _, name := range []string{"GATEHOUSE_CONFIG", "GATEHOUSE_LISTEN", "GATEHOUSE_DATA_DIR", "GATEHOUSE_GATEWAY_TOKEN"} {
		if !strings.Contains(usage, name) || !strings.Contains(want, name) {
			t.Errorf("%s is not in the usage text and the README", name)
		}
	}
}

// embed puts content between the markers of a generated part.
func embed(t *testing.T, document, name, content string) string {
	t.Helper()
	begin, end := "<!-- "+name+":begin -->\n", "<!-- "+name+":end -->"
	before, rest, ok := strings.Cut(document, begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("the README has no %s part", name)
	}
	return before + begin + content + end + after
}
