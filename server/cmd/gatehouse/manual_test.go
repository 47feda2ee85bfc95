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
	"github.com/gatehouse-chat/gatehouse/server/internal/docstest"
	"github.com/gatehouse-chat/gatehouse/server/internal/gateway"
	"github.com/gatehouse-chat/gatehouse/server/internal/metrics"
)

//go:generate go test -run TestManual$ -count 1 . -update

var update = flag.Bool("update", false, "write the generated parts of the manual")

// TestManual tests that the reference parts of the manual match the code.
func TestManual(t *testing.T) {
	docstest.Generated(t, "configuration", *update, func(text string) string {
		want, err := config.EmbedReference(text)
		if err != nil {
			t.Fatal(err)
		}
		return want
	})
	for page, part := range map[string]struct{ name, content string }{
		"protocol": {"methods", gateway.Reference()},
		"metrics":  {"metrics", metrics.Reference()},
		"commands": {"usage", "<!-- test: usage -->\n```text\n" + usage() + "```\n"},
	} {
		docstest.Generated(t, page, *update, func(text string) string {
			return docstest.Embed(t, text, part.name, part.content)
		})
	}
	for _, name := range []string{"GATEHOUSE_CONFIG", "GATEHOUSE_LISTEN", "GATEHOUSE_DATA_DIR",
		"GATEHOUSE_GATEWAY_TOKEN"} {
		if !strings.Contains(usage(), name) ||
			!strings.Contains(docstest.Page(t, "configuration"), name) {
			t.Errorf("%s is not in the usage text and the manual", name)
		}
	}
}

// writeFiles creates the files that the configurations in the manual name.
func writeFiles(t *testing.T, dir string) {
	t.Helper()
	cert, key := certstest.Good(t, "localhost")
	for name, text := range map[string]string{
		"cert.pem": cert, "key.pem": key, "webhook.secret": "whsec_" + strings.Repeat("QUJD", 12),
		"anthropic.key": "sk-ant-x",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestManualConfigurations tests that each configuration in the manual is valid.
func TestManualConfigurations(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFiles(t, dir)
	blocks := docstest.Blocks(t, "config")
	for _, b := range blocks {
		file := filepath.Join(dir, "config.json5")
		if err := os.WriteFile(file, []byte(b.Text), 0o600); err != nil {
			t.Fatal(err)
		}
		code, out, errs := command(t, "config", "check", "-config", file, "-data-dir",
			filepath.Join(dir, "data"))
		if code != exitOK || errs != "" {
			t.Errorf("%s.md:%d: %s\n%s%s", b.Page, b.Line, b.Text, out, errs)
		}
	}
	if len(blocks) < 10 {
		t.Errorf("%d configurations", len(blocks))
	}
}

// TestManualProbes tests that doctor and conformance have the flags that the manual
// names, and that doctor prints what the manual shows.
func TestManualProbes(t *testing.T) {
	t.Parallel()
	for title, row := range map[string]struct{ page, name string }{
		"## Find out why nobody gets in\n":         {"operation", "doctor"},
		"## Test a gateway against the protocol\n": {"clients", "conformance"},
	} {
		_, section, _ := strings.Cut(docstest.Page(t, row.page), title)
		section, _, _ = strings.Cut(section, "\n## ")
		if !strings.Contains(section, "gatehouse "+row.name+" https://") {
			t.Fatalf("there is no section %q that begins with the command", title)
		}
		for _, m := range regexp.MustCompile("[ `](-[a-z]+(?:-[a-z]+)?)([ "+
			"`])").FindAllStringSubmatch(section, -1) {
			args := []string{m[1], "5m", "https://x"}
			if _, err := parseProbe(row.name, args); err != nil &&
				strings.Contains(err.Error(), "not defined") {
				t.Errorf("%s: %s has no flag %s", title, row.name, m[1])
			}
		}
	}
	noWebSocket := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter,
		r *http.Request) {
		if r.URL.Path == "/ws" {
			w.WriteHeader(http.StatusUpgradeRequired)
			return
		}
		_, _ = io.WriteString(w, `{"status":"ok","protocol":3}`)
	}))
	t.Cleanup(noWebSocket.Close)
	_, out, _ := command(t, "doctor", noWebSocket.URL)
	examples := docstest.Blocks(t, "doctor")
	if len(examples) != 1 || !strings.HasPrefix(examples[0].Text, "  FAIL  upgrade") {
		t.Fatalf("the examples are %+v", examples)
	}
	checkLines(t, examples[0], out)
}

// checkLines tests that each line of a block is in printed. An ellipsis ends the part
// that is compared.
func checkLines(t *testing.T, b docstest.Block, printed string) {
	t.Helper()
	for line := range strings.Lines(b.Text) {
		line, _, _ = strings.Cut(strings.TrimRight(line, "\n"), "…")
		if !strings.Contains(printed, line) {
			t.Errorf("%s.md:%d: there is no %q in:\n%s", b.Page, b.Line, line, printed)
		}
	}
}
