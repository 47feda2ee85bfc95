package main

import (
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/certs/certstest"
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

// TestREADMEConfigurations holds that a gateway takes each configuration that the
// README shows.
func TestREADMEConfigurations(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key := certstest.Good(t, "localhost")
	for name, text := range map[string]string{
		"cert.pem": cert, "key.pem": key, "webhook.secret": "whsec_" + strings.Repeat("QUJD", 12),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	blocks := strings.Split(string(text), "```json5\n")[1:]
	for _, block := range blocks {
		block, _, _ = strings.Cut(block, "```")
		file := filepath.Join(dir, "config.json5")
		if err := os.WriteFile(file, []byte(block), 0o600); err != nil {
			t.Fatal(err)
		}
		code, out, errs := command(t, "config", "check", "-config", file, "-data-dir", dir)
		if code != exitOK || errs != "" {
			t.Errorf("%s\n%s%s", block, out, errs)
		}
	}
	if len(blocks) < 6 {
		t.Errorf("%d configurations", len(blocks))
	}
}

// TestREADMEProbes holds what the README says of doctor and conformance to what
// they take, and its example to what doctor says.
func TestREADMEProbes(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	for title, row := range map[string]struct{ name, next string }{
		"### See why nobody gets in\n": {"doctor", "\n### "}, "### Hold a gateway to the protocol\n": {"conformance", "\n## "},
	} {
		_, section, _ := strings.Cut(string(text), title)
		section, _, _ = strings.Cut(section, row.next)
		if !strings.Contains(section, "gatehouse "+row.name+" https://") {
			t.Fatalf("there is no section %q that begins with the command", title)
		}
		for _, m := range regexp.MustCompile("[ `](-[a-z]+(?:-[a-z]+)?)([ `])").FindAllStringSubmatch(section, -1) {
			args := []string{m[1], "5m", "https://x"}
			if _, err := parseProbe(row.name, args); err != nil && strings.Contains(err.Error(), "not defined") {
				t.Errorf("%s: %s takes no %s", title, row.name, m[1])
			}
		}
	}
	deaf := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/ws" {
			w.WriteHeader(http.StatusUpgradeRequired)
			return
		}
		_, _ = io.WriteString(w, `{"status":"ok","protocol":3}`)
	}))
	t.Cleanup(deaf.Close)
	_, out, _ := command(t, "doctor", deaf.URL)
	_, example, _ := strings.Cut(string(text), "```\n  FAIL  upgrade")
	example, _, _ = strings.Cut(example, "\n```")
	for line := range strings.Lines("  FAIL  upgrade" + example) {
		line, _, _ = strings.Cut(strings.TrimRight(line, "\n"), "…")
		if !strings.Contains(out, line) {
			t.Errorf("doctor does not say %q:\n%s", line, out)
		}
	}
}
