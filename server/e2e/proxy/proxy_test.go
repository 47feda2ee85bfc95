package proxy

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/e2e/rig"
)

// TestMain runs all tests at once: most of them wait, which takes no processor.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "100"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// clientAddress is a loopback address that neither the proxies nor the gateway use.
const clientAddress = "127.0.0.2"

// setup is a gateway behind a proxy.
type setup struct {
	gateway *rig.Gateway
	proxy   server
}

// client returns an HTTP client that comes from clientAddress and connects to the proxy,
// whatever the URL says.
func (v setup) client() *http.Client {
	return rig.ClientFrom(clientAddress, v.proxy.address,
		&http.Transport{TLSClientConfig: &tls.Config{RootCAs: v.proxy.roots}})
}

// dial opens a WebSocket under the public name, on its usual port ("") or another
// (":8443").
func (v setup) dial(t testing.TB, port string, header http.Header) rig.Socket {
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	return rig.Dial(ctx, rig.Options{URL: "wss://" + host + port + "/ws", Header: header,
		Client: v.client()})
}

// start starts a gateway with the manual's configuration, and a proxy in front of it.
func start(t testing.TB, proxy func(testing.TB, string, ...string) server, change ...string) setup {
	t.Helper()
	g := rig.StartGateway(t, manualBlock(t, "json5"))
	return setup{g, proxy(t, g.Address, change...)}
}

func TestProxies(t *testing.T) {
	t.Parallel()
	for _, p := range proxies {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			v := start(t, p.start)
			for _, row := range []struct {
				name string
				try  func(*testing.T, setup)
			}{
				{"upgrades, and streams without holding back", testStream},
				{"lives through 95 s of silence", testSilence},
				{"passes on who asks", testAddress},
				{"makes cookies secure", testCookies},
				{"is the page's own origin on any port", testOwnOrigin},
				{"refuses a foreign origin with the cause", testForeignOrigin},
				{"refuses a foreign host with the key", testForeignHost},
				{"takes a file of 20 MiB", testUpload},
			} {
				t.Run(row.name, func(t *testing.T) {
					t.Parallel()
					row.try(t, v)
				})
			}
		})
	}
}

// TestProxyPassAlone is the shortest configuration that people write for nginx: it speaks
// HTTP/1.0 to the gateway.
func TestProxyPassAlone(t *testing.T) {
	t.Parallel()
	change := append([]string{"        proxy_http_version 1.1;\n", ""}, proxies[0].withoutUpgrade...)
	checkUpgradeRefused(t, start(t, startNginx, change...))
}

// checkUpgradeRefused checks what the client and the log say when a proxy lacks the lines
// for upgrades.
func checkUpgradeRefused(t *testing.T, v setup) {
	t.Helper()
	e := rig.AwaitRefusal(t, v.dial(t, "", nil))
	var answer struct{ Error rig.Error }
	if err := json.Unmarshal([]byte(e.Text), &answer); err != nil || e.Status != http.StatusUpgradeRequired {
		t.Fatalf("refused with %+v", e)
	}
	if want := "let proxies speak HTTP/1.1 and pass the Upgrade and Connection headers on"; !strings.Contains(answer.Error.Message, want) {
		t.Errorf("the client is told %q, without %q", answer.Error.Message, want)
	}
	v.gateway.AwaitLog("websocket upgrade failed")
}

func testStream(t *testing.T, v setup) {
	k := rig.Connect(t, v.dial(t, "", nil), rig.AdminParams("anna"))
	began := time.Now()
	f := k.Must("chat.send", `{"message":"What is a gate?"}`)
	pieces := k.Pieces(f.Payload.RunID)
	var whole strings.Builder
	for _, p := range pieces {
		whole.WriteString(p.Payload.Payload.Content)
	}
	if f.Payload.Content == "" || whole.String() != f.Payload.Content {
		t.Errorf("the pieces are %q, the answer is %q", whole.String(), f.Payload.Content)
	}
	if first, all := pieces[0].At.Sub(began), f.At.Sub(began); len(pieces) < 5 || first > all/2 {
		t.Errorf("%d pieces, the first after %v of %v", len(pieces), first, all)
	}
}

func testSilence(t *testing.T, v setup) {
	in := rig.Connect(t, v.dial(t, "", nil), rig.AdminParams("bert"))
	waiting := rig.Connect(t, v.dial(t, "", nil), `{}`) // receives nothing but pings
	time.Sleep(95 * time.Second)
	in.Must("health", "{}")
	if f := waiting.Must("browser.pairing.status", "{}"); f.Payload.Status != "pending" {
		t.Errorf("the pairing that waits is %+v", f.Payload)
	}
}

// testAddress also claims to be another client, which the proxy must not pass on.
func testAddress(t *testing.T, v setup) {
	claims := http.Header{"X-Forwarded-For": {"203.0.113.7"}, "X-Forwarded-Host": {"evil.example"}}
	k := rig.Connect(t, v.dial(t, "", claims), rig.AdminParams("carl"))
	for _, c := range k.Must("health", "{}").Payload.Clients {
		if c.UserID == "carl" && c.Address != clientAddress {
			t.Errorf("the gateway takes the visitor for %s", c.Address)
		}
		if c.UserID == "carl" {
			return
		}
	}
	t.Error("the gateway does not list the visitor")
}

// testCookies asks for a cookie as a browser does that the gateway does not know.
func testCookies(t *testing.T, v setup) {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
		"https://"+host+"/api/session", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"Origin": {"https://" + host}, "Content-Type": {"application/json"}}
	answer, err := v.client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	var c *http.Cookie
	for _, set := range answer.Cookies() {
		if !set.Secure || !set.HttpOnly || set.SameSite != http.SameSiteStrictMode {
			t.Errorf("a cookie is %v", set)
		}
		if set.Value != "" {
			c = set
		}
	}
	if answer.StatusCode != http.StatusNoContent || c == nil || !strings.HasPrefix(c.Name, "__Host-") {
		t.Fatalf("%s with cookies %v", answer.Status, answer.Cookies())
	}
	k := rig.NewClient(t, v.dial(t, "", http.Header{"Origin": {"https://" + host},
		"Cookie": {c.Name + "=" + c.Value}}))
	if f := k.Must("connect", "{}"); f.Payload.Code == "" || f.Payload.SenderID != "" {
		t.Errorf("with the cookie connect answers %+v", f.Payload)
	}
}

// testOwnOrigin needs the Host header with its port.
func testOwnOrigin(t *testing.T, v setup) {
	for _, port := range []string{"", ":8443"} {
		rig.Connect(t, v.dial(t, port, http.Header{"Origin": {"https://" + host + port}}),
			rig.AdminParams("dora"))
	}
}

func testForeignOrigin(t *testing.T, v setup) {
	// The second one would be allowed if the gateway believed this header.
	for _, header := range []http.Header{
		{"Origin": {"https://elsewhere.example"}},
		{"Origin": {"https://elsewhere.example"}, "X-Forwarded-Host": {"elsewhere.example"}},
	} {
		e := rig.AwaitRefusal(t, v.dial(t, "", header))
		if e.Status != http.StatusForbidden || !strings.Contains(e.Text, "gateway.allowed_origins") {
			t.Errorf("refused with %+v", e)
		}
	}
	v.gateway.AwaitLog("security.origin_rejected", clientAddress)
}

// testForeignHost comes by a name that an attacker makes lead to the proxy. Caddy serves no
// other name than its own.
func testForeignHost(t *testing.T, v setup) {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
		"https://"+host+"/api/session", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "evil.example"
	r.Header = http.Header{"Origin": {"https://evil.example"}, "Content-Type": {"application/json"},
		"X-Forwarded-Host": {host}, "Forwarded": {"host=" + host}}
	answer, err := v.client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if len(answer.Cookies()) > 0 || err != nil {
		t.Errorf("%s with cookies %v, %v", answer.Status, answer.Cookies(), err)
	}
	if answer.StatusCode == http.StatusOK && len(text) == 0 && answer.Header.Get("Server") == "Caddy" {
		return
	}
	if answer.StatusCode != http.StatusMisdirectedRequest || !strings.Contains(string(text), "gateway.hosts") {
		t.Errorf("%s: %s", answer.Status, text)
	}
	v.gateway.AwaitLog("security.host_rejected", "evil.example", clientAddress)
}

// testUpload uploads a large file: proxies have limits and buffers of their own.
func testUpload(t *testing.T, v setup) {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	file, err := form.CreateFormFile("file", "large.txt")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = file.Write(bytes.Repeat([]byte("A gate, a gate! "), 20<<20/16)) // to memory
	_ = form.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
		"https://"+host+"/api/media/upload", &body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"Authorization": {"Bearer " + rig.Token},
		"Content-Type": {form.FormDataContentType()}}
	answer, err := v.client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, err := io.ReadAll(answer.Body); err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(string(text), `"size":20971520`) {
		t.Errorf("%s: %s %v", answer.Status, text, err)
	}
}
