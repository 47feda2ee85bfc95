package proxy

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/e2e/rig"
	"github.com/gatehouse-chat/gatehouse/server/internal/docstest"
)

// path is the path under which these proxies serve the gateway.
const path = "/chat"

// underPath changes the manual's configurations so that a proxy serves the gateway under
// path, as the manual's table says.
var underPath = []struct {
	name, proxy string
	change      []string
}{
	{"nginx", "nginx", []string{"location / {", "location /chat/ {"}},
	{"nginx, which removes the path", "nginx", []string{
		"location / {", "location /chat/ {",
		"proxy_pass http://GATEWAY;", "proxy_pass http://GATEWAY/;",
	}},
	{"Caddy", "Caddy", []string{
		"    reverse_proxy GATEWAY\n", "    @chat path /chat /chat/*\n    reverse_proxy @chat GATEWAY\n",
	}},
	{"Caddy, which removes the path", "Caddy", []string{
		"    reverse_proxy GATEWAY\n", "    handle_path /chat/* {\n        reverse_proxy GATEWAY\n    }\n",
	}},
	{"HAProxy", "HAProxy", []string{
		"    default_backend gatehouse\n",
		"    use_backend gatehouse if { path /chat } or { path_beg /chat/ }\n",
	}},
}

// TestUnderAPath serves a gateway under a path of the host.
func TestUnderAPath(t *testing.T) {
	t.Parallel()
	for _, row := range underPath {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			v := setup{gateway: rig.StartGateway(t, replaceOnce(t, manualBlock(t, "json5"),
				`public_url: "https://`+host+`"`, `public_url: "https://`+host+path+`"`))}
			for _, p := range proxies {
				if p.name == row.proxy {
					v.proxy = p.start(t, v.gateway.Address, row.change...)
				}
			}
			if r := examineAt(t, v, path); r.Failed() || !strings.Contains(text(t, r), "pages link to addresses under "+path) {
				t.Errorf("doctor: %s", text(t, r))
			}
			checkPage(t, v, path+"/", http.StatusOK)
			checkPage(t, v, path+"/docs/", http.StatusOK)
			// What is beside the path is not the gateway's.
			for _, beside := range []string{"/login", "/chatter/login", "/api/session", "/ws"} {
				if status, page := v.get(t, beside); strings.Contains(page, "data-base") || status == http.StatusUpgradeRequired {
					t.Errorf("%s is the gateway's: HTTP %d", beside, status)
				}
			}
		})
	}
}

// checkPage checks that a page loads its style sheet and script through the proxy.
func checkPage(t *testing.T, v setup, at string, status int) {
	t.Helper()
	got, page := v.get(t, at)
	if got != status || !strings.Contains(page, `data-base="`+path+`"`) {
		t.Errorf("%s: HTTP %d, %.200s", at, got, page)
	}
	_, rest, _ := strings.Cut(page, `<link rel="stylesheet" href="`)
	sheet, _, _ := strings.Cut(rest, `"`)
	if got, css := v.get(t, sheet); got != http.StatusOK || !strings.Contains(css, "{") {
		t.Errorf("%s: the style sheet %q answers HTTP %d", at, sheet, got)
	}
}

// get asks for a path under the public name.
func (v setup) get(t *testing.T, at string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+host+at, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := v.client().Do(r)
	if err != nil {
		t.Fatalf("%s: %v", at, err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatalf("%s: %v", at, err)
	}
	return answer.StatusCode, string(text)
}

// TestManualHasThePaths holds the manual's table to what is tested here.
func TestManualHasThePaths(t *testing.T) {
	t.Parallel()
	manual := strings.ReplaceAll(docstest.Page(t, "network"), "127.0.0.1:8080", "GATEWAY")
	for _, row := range underPath {
		for i := 1; i < len(row.change); i += 2 {
			for line := range strings.Lines(row.change[i]) {
				if line = strings.TrimSpace(line); !strings.Contains(manual, line) {
					t.Errorf("%s: the manual does not have %q", row.name, line)
				}
			}
		}
	}
}
