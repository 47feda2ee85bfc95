package interop

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/e2e/rig"
	"github.com/gatehouse-chat/gatehouse/server/internal/conformance/rawws"
)

// troubles provoke the rows of the troubleshooting page, and check what the rows say
// about reason and remedy. Each returns what a user and an operator see.
var troubles = map[string]func(*testing.T) string{
	"`UNAUTHORIZED: first request must be 'connect'`":                                                                          unconnected,
	"Every request is answered `UNAUTHORIZED`":                                                                                 wrongTokenThenRequests,
	"`RESOURCE_EXHAUSTED: too many wrong tokens from this address`":                                                            tooManyWrongTokens,
	"A browser shows its code for ever":                                                                                        pairingWaits,
	"`NOT_PAIRED`":                                                                                                             revokedDevice,
	"`UNAUTHORIZED: permission denied: …`":                                                                                     roleTooLow,
	"`RESOURCE_EXHAUSTED: 3 pairings from your network are already waiting for approval`":                                      threePairings,
	"`RESOURCE_EXHAUSTED: an admin has just denied a pairing from your address`":                                               justDenied,
	"`UNAUTHORIZED: this gateway does not pair new browsers`":                                                                  pairingOff,
	"It does not start: `another process uses the data directory`":                                                             twoGateways,
	"It does not start: `gatehouse.db is missing, but` … `shows that there was a database`":                                    databaseLost,
	"It does not start: `gatehouse.db-wal does not belong to gatehouse.db`":                                                    copiedBesideLog,
	"It does not start, or `/readyz` answers 503: `the database is damaged`":                                                   databaseDamaged,
	"`can be read or changed by other users of this machine` in the log":                                                       readableByOthers,
	"`gatehouse token` says `there is no token`":                                                                               noToken,
	"A reload is refused: `must name a file that can be read`":                                                                 fileGone,
	"`FORBIDDEN: session does not belong to user`":                                                                             foreignSession,
	"Ownership errors for a session that several users share":                                                                  sharedSession,
	"No HTTP 101: `connection refused`, or `404`":                                                                              wrongAddress,
	"`websocket upgrade failed` in the log; the client gets HTTP 426":                                                          upgradeNotPassedOn,
	"A CORS error in the browser's console":                                                                                    corsError,
	"The configuration is refused: `the outer braces are missing`":                                                             notJSON5,
	"Idle connections drop and busy ones stay":                                                                                 busyStays,
	"`websocket read error` in the log":                                                                                        lostClient,
	"Code 1008, `no connect within 10 s`":                                                                                      silentStranger,
	"Code 1013, `too slow`":                                                                                                    tooSlow,
	"Code 1001, `shutting down`":                                                                                               restart,
	"`INVALID_REQUEST: invalid frame: …`":                                                                                      brokenFrame,
	"`INVALID_REQUEST: unexpected frame type: …`":                                                                              unexpectedFrame,
	"A file inside a message fails":                                                                                            fileInFrame,
	"Requests are not carried out: `RESOURCE_EXHAUSTED`":                                                                       overUserLimit,
	"`security.rate_limited` in the log":                                                                                       overUserLimitLog,
	"The handshake is refused with HTTP 403; `security.origin_rejected` in the log":                                            foreignOrigin,
	"The gateway's own page gets HTTP 403, and `security.origin_rejected` names `proxy_set_header Host $http_host;`":           ownPageWithoutPort,
	"The gateway's own page gets HTTP 403, and `security.origin_rejected` names `proxy_set_header X-Forwarded-Proto $scheme;`": ownPageWithoutScheme,
	"`forwarding headers ignored` in the log":                                                                                  untrustedProxy,
	"A page with status 421 that says `Not at this name`; `security.host_rejected` in the log":                                 foreignHost,
	"The connection drops after 60 s of silence, code 1001, `no pong within 60 s`":                                             silence60,
	"It drops exactly 60 s after the start, with a ping handler of your own":                                                   ownPingHandler,
	"The connection drops while sending, code 1009, `frame over 512 KiB: split it, or upload files over HTTP`":                 frameTooLarge,
	"`The model server at … did not begin to answer within …`":                                                                 neverBegins,
	"`The model stopped in the middle of its answer and sent nothing for …`":                                                   goesSilent,
	"`The model server stopped before the answer was complete.`":                                                               unknownReason,
	"`The model's answer was cut off.`":                                                                                        answerCutOff,
	"`The model tried to use the tool … instead of answering`":                                                                 callsTool,
	"Reasoning in the answer":                                                                                                  otherTags,
	"`This message is left out of what the model reads from now on.`":                                                          messageRefused,
	"`The model used up its allowed length before the first word.`":                                                            usedUpByReasoning,
	"`The model server is getting too many requests.`":                                                                         overProvidersLimit,
}

// dialGateway opens a WebSocket of the gateway.
func dialGateway(t *testing.T, g *rig.Gateway, d dial) rig.Socket {
	d.URL = g.Socket()
	return withCoder(t)(d)
}

func connectAs(t *testing.T, g *rig.Gateway, user string) *rig.Client {
	t.Helper()
	return rig.Connect(t, dialGateway(t, g, dial{}), rig.AdminParams(user))
}

// pairDevice lets a device in as a user who is no admin, and returns its secret.
func pairDevice(t *testing.T, g *rig.Gateway, user, role string) (*rig.Client, string) {
	t.Helper()
	k := rig.NewClient(t, dialGateway(t, g, dial{}))
	asked := k.Must("connect", "{}")
	connectAs(t, g, "keeper").Must("device.pair.approve",
		fmt.Sprintf(`{"code":%q,"userId":%q,"role":%q}`, asked.Payload.Code, user, role))
	k.Must("connect", fmt.Sprintf(`{"sender_id":%q}`, asked.Payload.SenderID))
	return k, asked.Payload.SenderID
}

func unconnected(t *testing.T) string {
	k := rig.NewClient(t, dialGateway(t, rig.StartGateway(t, ""), dial{}))
	refused := k.Call("chat.send", `{"message":"Hello"}`)
	k.Must("connect", rig.AdminParams("anna"))
	k.Must("health", "{}")
	return refused.Error.String()
}

func wrongTokenThenRequests(t *testing.T) string {
	g := rig.StartGateway(t, "")
	k := rig.NewClient(t, dialGateway(t, g, dial{}))
	seen := k.Call("connect", `{"token":"not-the-token"}`).Error.String()
	if !strings.Contains(seen, "UNAUTHORIZED: invalid token") {
		t.Errorf("connect is answered %s", seen)
	}
	for _, method := range []string{"health", "chat.send"} {
		if f := k.Call(method, "{}"); f.Error == nil || f.Error.Code != "UNAUTHORIZED" {
			t.Errorf("%s is answered %v", method, f.Error)
		}
	}
	header := rig.NewClient(t, dialGateway(t, g, dial{Bearer: "not-the-token"}))
	if f := header.Call("connect", "{}"); f.Error == nil || f.Error.Code != "UNAUTHORIZED" {
		t.Errorf("a wrong header is answered %v", f.Error)
	}
	header.Must("connect", rig.AdminParams("anna")) // token takes precedence over the header
	return seen
}

func tooManyWrongTokens(t *testing.T) string {
	g := rig.StartGateway(t, "")
	var last *rig.Error
	for range 3 { // the fifth on one connection closes it
		k := rig.NewClient(t, dialGateway(t, g, dial{}))
		for range 4 {
			last = k.Call("connect", `{"token":"not-the-token"}`).Error
		}
	}
	if last == nil || !last.Retryable || last.RetryAfterMs <= 0 {
		t.Errorf("the last one is answered %+v", last)
	}
	return last.String()
}

func pairingWaits(t *testing.T) string {
	g := rig.StartGateway(t, "")
	k := rig.NewClient(t, dialGateway(t, g, dial{}))
	asked := k.Must("connect", "{}")
	if f := k.Call("chat.send", `{"message":"Hello"}`); f.Error == nil || f.Error.Code != "UNAUTHORIZED" {
		t.Errorf("before the approval chat.send is answered %v", f.Error)
	}
	if f := k.Must("browser.pairing.status", "{}"); f.Payload.Status != "pending" {
		t.Errorf("before the approval: %+v", f.Payload)
	}
	connectAs(t, g, "keeper").Must("device.pair.approve",
		fmt.Sprintf(`{"code":%q}`, asked.Payload.Code))
	if f := k.Must("browser.pairing.status", "{}"); f.Payload.Status != "approved" {
		t.Errorf("after the approval: %+v", f.Payload)
	}
	k.Must("connect", fmt.Sprintf(`{"sender_id":%q}`, asked.Payload.SenderID))
	return k.Must("chat.send", `{"message":"echo hello"}`).Payload.Content
}

func revokedDevice(t *testing.T) string {
	g := rig.StartGateway(t, "")
	k, secret := pairDevice(t, g, "anna", "operator")
	admin := connectAs(t, g, "keeper")
	list := admin.Must("device.pair.list", "{}")
	var devices []struct{ DeviceID, UserID string }
	decodeJSON(t, list.Payload.Paired, &devices)
	for _, d := range devices {
		if d.UserID == "anna" {
			admin.Must("device.pair.revoke",
				fmt.Sprintf(`{"deviceId":%q,"channel":"browser"}`, d.DeviceID))
		}
	}
	if e := k.AwaitClose(rig.WaitLimit); e.Code != 1008 {
		t.Errorf("the revoked device's connection ends with %+v", e)
	}
	again := rig.NewClient(t, dialGateway(t, g, dial{}))
	refused := again.Call("connect", fmt.Sprintf(`{"sender_id":%q}`, secret))
	if f := again.Must("connect", "{}"); f.Payload.Code == "" {
		t.Errorf("pairing anew: %+v", f.Payload)
	}
	return refused.Error.String()
}

func roleTooLow(t *testing.T) string {
	k, _ := pairDevice(t, rig.StartGateway(t, ""), "anna", "viewer")
	return k.Call("chat.send", `{"message":"Hello"}`).Error.String()
}

func foreignSession(t *testing.T) string {
	g := rig.StartGateway(t, "")
	anna, _ := pairDevice(t, g, "anna", "operator")
	sent := anna.Must("chat.send", `{"message":"echo hello"}`)
	session := fmt.Sprintf(`{"sessionKey":%q,"message":"Hello"}`, sent.Payload.SessionKey)
	bert, _ := pairDevice(t, g, "bert", "operator")
	var seen string
	for _, method := range []string{"chat.send", "chat.history", "chat.inject", "chat.abort", "chat.session.status"} {
		seen = bert.Call(method, session).Error.String()
		if seen != "FORBIDDEN: session does not belong to user" {
			t.Errorf("%s: %s", method, seen)
		}
	}
	connectAs(t, g, "keeper").Must("chat.history", session)
	return seen
}

func sharedSession(t *testing.T) string {
	g := rig.StartGateway(t, "")
	anna, _ := pairDevice(t, g, "anna", "operator")
	bert, _ := pairDevice(t, g, "bert", "operator")
	const shared = `{"sessionKey":"our.session","message":"echo hello"}`
	anna.Must("chat.send", shared)
	seen := bert.Call("chat.send", shared).Error.String()
	if !strings.HasPrefix(seen, "FORBIDDEN") {
		t.Errorf("the second user: %s", seen)
	}
	bert.Must("chat.send", `{"sessionKey":"bert.session","message":"echo hello"}`)
	connectAs(t, g, "bot").Must("chat.send", shared)
	return seen
}

func wrongAddress(t *testing.T) string {
	nobody := rig.AwaitRefusal(t, withCoder(t)(dial{URL: "ws://" + rig.FreeAddress(t) + "/ws"}))
	elsewhere := rig.AwaitRefusal(t, withCoder(t)(dial{URL: "ws://" +
		rig.StartGateway(t, "").Address + "/socket"}))
	return fmt.Sprintln(nobody.Text, elsewhere.Status)
}

func upgradeNotPassedOn(t *testing.T) string {
	g := rig.StartGateway(t, "")
	upstream, err := url.Parse(g.URL(""))
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Upgrade")
		r.Header.Del("Connection")
		httputil.NewSingleHostReverseProxy(upstream).ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	e := rig.AwaitRefusal(t, withCoder(t)(dial{URL: strings.Replace(proxy.URL, "http",
		"ws", 1) + "/ws"}))
	if e.Status != http.StatusUpgradeRequired || !strings.Contains(e.Text, "pass the Upgrade and Connection headers on") {
		t.Errorf("the client is told %+v", e)
	}
	return g.AwaitLog("websocket upgrade failed")
}

func foreignOrigin(t *testing.T) string {
	const page = "https://app.example.com"
	g := rig.StartGateway(t, "")
	e := rig.AwaitRefusal(t, dialGateway(t, g, dial{Origin: page}))
	if e.Status != http.StatusForbidden || !strings.Contains(e.Text, "add it to gateway.allowed_origins") {
		t.Errorf("the client is told %+v", e)
	}
	seen := g.AwaitLog("security.origin_rejected", page)
	g.Stop()
	g.Configure(`{ gateway: { allowed_origins: ["` + page + `"] } }`)
	g.Start()
	rig.Connect(t, dialGateway(t, g, dial{Origin: page}), rig.AdminParams("anna"))
	return seen
}

// ownPage opens a WebSocket as the gateway's own page does behind a proxy that sends the
// headers, and again with the configuration that mends that.
func ownPage(t *testing.T, origin string, header http.Header, mended string) string {
	t.Helper()
	g := rig.StartGateway(t, `{ gateway: { trusted_proxies: ["127.0.0.1"], hosts: ["chat.example.com"] } }`)
	open := func() *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.URL("/ws"), http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Host, r.Header = "chat.example.com", header.Clone()
		r.Header.Set("Origin", origin)
		return sendRequest(t, r)
	}
	if a := open(); a.StatusCode != http.StatusForbidden {
		t.Errorf("the page gets %s", a.Status)
	}
	seen := g.AwaitLog("security.origin_rejected", origin)
	g.Stop()
	g.Configure(`{ gateway: { trusted_proxies: ["127.0.0.1"], ` + mended + ` } }`)
	g.Start()
	if a := open(); a.StatusCode != http.StatusUpgradeRequired {
		t.Errorf("with %s the page gets %s", mended, a.Status)
	}
	return seen
}

func ownPageWithoutPort(t *testing.T) string {
	return ownPage(t, "https://chat.example.com:8443", http.Header{"X-Forwarded-Proto": {"https"}},
		`public_url: "https://chat.example.com:8443"`)
}

func ownPageWithoutScheme(t *testing.T) string {
	return ownPage(t, "https://chat.example.com", http.Header{}, `public_url: "https://chat.example.com"`)
}

func untrustedProxy(t *testing.T) string {
	g := rig.StartGateway(t, "")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.URL("/"), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"Forwarded": {"for=203.0.113.9;proto=https"}}
	if a := sendRequest(t, r); a.StatusCode != http.StatusOK {
		t.Errorf("the page gets %s", a.Status)
	}
	return g.AwaitLog("forwarding headers ignored", "gateway.trusted_proxies", "127.0.0.1")
}

// foreignHost opens a page under a name that the gateway does not know, and again when the
// configuration has the name.
func foreignHost(t *testing.T) string {
	g := rig.StartGateway(t, "")
	open := func() (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.URL("/"), http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "chat.example.com"
		r.Header = http.Header{"Sec-Fetch-Mode": {"navigate"}, "Accept": {"text/html"}}
		a, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Body.Close()
		text, err := io.ReadAll(a.Body)
		if err != nil {
			t.Fatal(err)
		}
		return a.StatusCode, string(text)
	}
	status, page := open()
	if status != http.StatusMisdirectedRequest || !strings.Contains(page, "gateway.hosts") {
		t.Errorf("HTTP %d: %s", status, page)
	}
	seen := g.AwaitLog("security.host_rejected", "chat.example.com")
	g.Stop()
	g.Configure(`{ gateway: { hosts: ["chat.example.com"] } }`)
	g.Start()
	if status, _ := open(); status != http.StatusOK {
		t.Errorf("under a name that the configuration has: HTTP %d", status)
	}
	return page + seen
}

// corsError causes what a browser reports as a CORS error: a preflight without
// permission.
func corsError(t *testing.T) string {
	const page = "https://app.example.com"
	preflight := func(g *rig.Gateway) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodOptions,
			g.URL("/api/session"), http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header = http.Header{"Origin": {page}, "Access-Control-Request-Method": {http.MethodPost}}
		return sendRequest(t, r)
	}
	g := rig.StartGateway(t, "")
	refused := preflight(g)
	if refused.StatusCode != http.StatusForbidden || refused.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("a foreign page gets %s", refused.Status)
	}
	g.Stop()
	g.Configure(`{ gateway: { allowed_origins: ["` + page + `"] } }`)
	g.Start()
	if a := preflight(g); a.Header.Get("Access-Control-Allow-Origin") != page {
		t.Errorf("an allowed page gets %s, %q", a.Status, a.Header)
	}
	return refused.Status
}

// notJSON5 checks a common mistake, and the page's own configuration.
func notJSON5(t *testing.T) string {
	check := func(text string) (string, error) {
		path := filepath.Join(t.TempDir(), "config.json5")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		output, err := exec.CommandContext(t.Context(), rig.Binary(t), "config", "check", "-config",
			path, "-data-dir", t.TempDir()).CombinedOutput()
		return string(output), err
	}
	_, after, _ := strings.Cut(readPage(t), "```json5\n")
	own, _, _ := strings.Cut(after, "```")
	if output, err := check(own); err != nil {
		t.Errorf("the page's configuration: %v: %s", err, output)
	}
	seen, err := check("# config.json5\ngateway: {\n  allowed_origins: [\"https://app.example.com\"]\n}\n")
	if err == nil {
		t.Error("a configuration without braces passes")
	}
	return seen
}

func silence60(t *testing.T) string {
	g := rig.StartGateway(t, "")
	k := rig.Connect(t, dialGateway(t, g, dial{Mute: true}), rig.AdminParams("anna"))
	e := k.AwaitClose(75 * time.Second)
	if e.Code != 1001 {
		t.Errorf("closed with %d", e.Code)
	}
	return e.Reason
}

// busyStays sends a request every 20 s on one of two connections that do not answer
// pings.
func busyStays(t *testing.T) string {
	g := rig.StartGateway(t, "")
	idle := rig.Connect(t, dialGateway(t, g, dial{Mute: true}), rig.AdminParams("anna"))
	busy := rig.Connect(t, dialGateway(t, g, dial{Mute: true}), rig.AdminParams("anna"))
	for range 4 {
		time.Sleep(20 * time.Second)
		busy.Must("health", "{}")
	}
	return idle.AwaitClose(time.Second).Reason
}

// ownPingHandler has one gorilla client with a handler that forgets the pong, and one
// without a handler.
func ownPingHandler(t *testing.T) string {
	g := rig.StartGateway(t, "")
	open := withGorilla(t)
	began := time.Now()
	own := rig.Connect(t, open(dial{URL: g.Socket(), Mute: true}), rig.AdminParams("anna"))
	librarys := rig.Connect(t, open(dial{URL: g.Socket()}), rig.AdminParams("anna"))
	e := own.AwaitClose(75 * time.Second) // which bounds it from above
	if took := time.Since(began); took < 60*time.Second {
		t.Errorf("dropped after %v", took)
	}
	time.Sleep(10 * time.Second)
	librarys.Must("health", "{}")
	return e.Reason
}

func lostClient(t *testing.T) string {
	g := rig.StartGateway(t, "")
	network := rig.StartRelay(t, g.Address)
	rig.Connect(t, withCoder(t)(dial{URL: "ws://" + network.Address + "/ws"}),
		rig.AdminParams("anna"))
	network.Cut()
	return g.AwaitLog("websocket read error", `"cause":"broken"`)
}

func silentStranger(t *testing.T) string {
	e := rig.NewClient(t, dialGateway(t, rig.StartGateway(t, ""), dial{})).AwaitClose(rig.WaitLimit)
	if e.Code != 1008 {
		t.Errorf("closed with %d", e.Code)
	}
	return e.Reason
}

// tooSlow does not read while another of its user's connections writes.
func tooSlow(t *testing.T) string {
	const messages = 40 // 10 MiB: kernels hold some 4
	g := rig.StartGateway(t, "")
	slow, err := rawws.Dial(t.Context(), g.Socket(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	hello := `{"type":"req","id":"1","method":"connect","params":` + rig.AdminParams("anna") + `}`
	if err := slow.WriteFrame(rawws.Frame{Opcode: rawws.Text, Payload: []byte(hello)}); err != nil {
		t.Fatal(err)
	}
	if _, err := slow.ReadFrame(); err != nil {
		t.Fatal(err)
	}
	quick := connectAs(t, g, "anna")
	quick.Must("chat.send", `{"message":"echo hello","sessionKey":"kept"}`)
	for range messages {
		quick.Must("chat.inject", `{"sessionKey":"kept","message":"`+strings.Repeat("w",
			250<<10)+`"}`)
	}
	f := rawws.Frame{}
	for f.Opcode != rawws.Close {
		if f, err = slow.ReadFrame(); err != nil {
			t.Fatalf("no close frame: %v", err)
		}
	}
	code, reason := rawws.CloseOf(f)
	if code != 1013 {
		t.Errorf("closed with %d", code)
	}
	again := rig.NewClient(t, dialGateway(t, g, dial{}))
	again.Must("connect", fmt.Sprintf(`{"token":%q,"user_id":"anna","resume":[{"sessionKey":"kept","afterSeq":1}]}`, rig.Token))
	injected := 0
	again.Await("all that was missed", func(f rig.Frame) bool {
		if f.Event == "chat" && f.Seq > 2 {
			injected++
		}
		return injected == messages
	})
	return reason
}

func restart(t *testing.T) string {
	g := rig.StartGateway(t, "")
	k := connectAs(t, g, "anna")
	sent := k.Must("chat.send", `{"message":"echo hello","sessionKey":"kept"}`)
	g.Stop()
	e := k.AwaitClose(rig.WaitLimit)
	if e.Code != 1001 {
		t.Errorf("closed with %d", e.Code)
	}
	g.Start()
	again := rig.NewClient(t, dialGateway(t, g, dial{}))
	again.Must("connect", fmt.Sprintf(`{"token":%q,"user_id":"anna","resume":[{"sessionKey":"kept","afterSeq":1}]}`, rig.Token))
	again.Await("what came after", func(f rig.Frame) bool {
		return f.Payload.Type == "run.completed" && f.Payload.RunID == sent.Payload.RunID
	})
	return e.Reason
}

func brokenFrame(t *testing.T) string {
	k := connectAs(t, rig.StartGateway(t, ""), "anna")
	k.Send(`{"type":"req","id":"broken","method":`)
	f := k.Await("a refusal", func(f rig.Frame) bool { return f.Type == "res" && f.Error != nil })
	k.Must("health", "{}") // the connection stays
	return f.Error.String()
}

func unexpectedFrame(t *testing.T) string {
	k := connectAs(t, rig.StartGateway(t, ""), "anna")
	k.Send(`{"type":"event","id":"odd","event":"chat"}`)
	f := k.Answer("odd")
	k.Must("health", "{}")
	return f.Error.String()
}

func frameTooLarge(t *testing.T) string {
	k := connectAs(t, rig.StartGateway(t, ""), "anna")
	k.Request("chat.send", `{"message":"`+strings.Repeat("x", 512<<10)+`"}`)
	e := k.AwaitClose(rig.WaitLimit)
	if e.Code != 1009 {
		t.Errorf("closed with %d", e.Code)
	}
	return e.Reason
}

// fileInFrame sends a file inside a message, and then in the way that the page describes.
func fileInFrame(t *testing.T) string {
	g := rig.StartGateway(t, "")
	file := bytes.Repeat([]byte("A gate, a gate! "), 600<<10/16)
	k := connectAs(t, g, "anna")
	k.Request("chat.send", `{"message":"see file","file":"`+base64.StdEncoding.EncodeToString(file)+`"}`)
	e := k.AwaitClose(rig.WaitLimit)
	if e.Code != 1009 {
		t.Errorf("closed with %d", e.Code)
	}
	path := upload(t, g, file)
	connectAs(t, g, "anna").Must("chat.send",
		`{"message":"echo see file","media":[{"path":"`+path+`","filename":"gates.txt"}]}`)
	return e.Reason
}

// upload uploads a text and returns its path.
func upload(t *testing.T, g *rig.Gateway, file []byte) string {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", "gates.txt")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write(file) // to memory
	_ = form.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
		g.URL("/api/media/upload"), &body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"Authorization": {"Bearer " + rig.Token},
		"Content-Type": {form.FormDataContentType()}}
	answer := sendRequest(t, r)
	text, err := io.ReadAll(answer.Body)
	var uploaded struct{ Path string }
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("upload: %s %v: %s", answer.Status, err, text)
	}
	decodeJSON(t, text, &uploaded)
	return uploaded.Path
}

// exceedUserLimit sends more requests than a user may, over two connections, and returns
// the refusals.
func exceedUserLimit(t *testing.T) (*rig.Gateway, []*rig.Error) {
	t.Helper()
	const burst, requests = 5, 12
	g := rig.StartGateway(t, `{ gateway: { rate_limit_rpm: 60 } }`)
	clients := []*rig.Client{connectAs(t, g, "anna"), connectAs(t, g, "anna")}
	var ids []string
	for i := range requests {
		ids = append(ids, clients[i%2].Request("health", "{}"))
	}
	var refused []*rig.Error
	for i, id := range ids { // every request is answered
		if f := clients[i%2].Answer(id); !f.OK {
			refused = append(refused, f.Error)
		}
	}
	if n := len(refused); n == 0 || n > requests-burst+2 {
		t.Fatalf("%d of %d requests were refused", n, requests)
	}
	connectAs(t, g, "bert").Must("health", "{}") // another user
	time.Sleep(time.Duration(refused[0].RetryAfterMs)*time.Millisecond + time.Second)
	clients[0].Must("health", "{}")
	return g, refused
}

func overUserLimit(t *testing.T) string {
	_, refused := exceedUserLimit(t)
	for _, e := range refused {
		if e.Code != "RESOURCE_EXHAUSTED" || !e.Retryable || e.RetryAfterMs <= 0 {
			t.Errorf("refused with %+v", e)
		}
	}
	return refused[0].String()
}

func overUserLimitLog(t *testing.T) string {
	g, _ := exceedUserLimit(t)
	return g.AwaitLog("security.rate_limited", "anna")
}

// sendRequest sends a request. The answer is closed when the test ends.
func sendRequest(t *testing.T, r *http.Request) *http.Response {
	t.Helper()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = answer.Body.Close() })
	return answer
}
