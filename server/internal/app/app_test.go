package app_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gatehouse-chat/gatehouse/server/internal/app"
	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
	"github.com/gatehouse-chat/gatehouse/server/internal/config"
	"github.com/gatehouse-chat/gatehouse/server/internal/conformance"
	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// The regular expressions of the highlighter have a clock goroutine that ends a second
// after their last match.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/dlclark/regexp2/v2.runClock"))
}

// output is a buffer that several goroutines may write to.
type output struct {
	mu    sync.Mutex
	text  bytes.Buffer
	lines chan struct{} // closed by the first write
	once  sync.Once
}

func newOutput() *output { return &output{lines: make(chan struct{})} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	defer o.once.Do(func() { close(o.lines) })
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// running is a gateway that runs in this process.
type running struct {
	t        *testing.T
	url      string
	token    string
	link     string
	out, log *output
	stop     context.CancelFunc
	ended    chan error
}

func settings(t *testing.T, dir string) config.Config {
	t.Helper()
	c, _, err := config.Load(config.Source{Flags: config.Flags{Listen: "127.0.0.1:0", DataDir: dir},
		Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// start runs a gateway until the test ends or it is stopped.
func start(t *testing.T, c config.Config) *running {
	t.Helper()
	return startWith(t, app.Options{Config: c})
}

func startWith(t *testing.T, o app.Options) *running {
	t.Helper()
	c := o.Config
	r := &running{t: t, out: newOutput(), log: newOutput(), ended: make(chan error, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	go func() {
		logged := &slog.HandlerOptions{}
		if o.Level != nil {
			logged.Level = o.Level
		}
		o.Version, o.Log, o.Out = "test", slog.New(slog.NewTextHandler(r.log, logged)), r.out
		r.ended <- app.Run(ctx, o)
		close(r.ended)
	}()
	t.Cleanup(func() { r.stop(); <-r.ended })
	select {
	case <-r.out.lines:
	case err := <-r.ended:
		t.Fatalf("the gateway did not start: %v", err)
	case <-time.After(httpdtest.Timeout):
		t.Fatal("the gateway did not start in time")
	}
	found := regexp.MustCompile(`Admin +(https?://\S+)/login#(\S+)`).FindStringSubmatch(r.out.String())
	if found == nil {
		t.Fatalf("no sign-in link in %s", r.out)
	}
	r.url, r.link = found[1], found[2]
	if r.token = c.Gateway.Token.Reveal(); r.token == "" {
		stored, err := auth.LoadToken(c.DataDir)
		if err != nil {
			t.Fatal(err)
		}
		r.token = stored.Token.Reveal()
	}
	return r
}

// end stops the gateway, as SIGTERM does.
func (r *running) end() {
	r.t.Helper()
	r.stop()
	select {
	case err := <-r.ended:
		if err != nil {
			r.t.Errorf("the gateway stopped with %v", err)
		}
	case <-time.After(httpdtest.Timeout):
		r.t.Fatal("the gateway did not stop in time")
	}
}

func (r *running) admin() *httpdtest.Client {
	r.t.Helper()
	c := httpdtest.Dial(r.t, r.url, nil)
	c.OK(protocol.MethodConnect, `{"token":"`+r.token+`","user_id":"user"}`)
	return c
}

// signIn signs a browser in, and gives the HTTP status and the cookie.
func (r *running) signIn(body string) (status int, cookie *http.Cookie) {
	r.t.Helper()
	answer, err := http.Post(r.url+"/api/session", "application/json", strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	if err := answer.Body.Close(); err != nil {
		r.t.Error(err)
	}
	if cookies := answer.Cookies(); len(cookies) == 1 {
		cookie = cookies[0]
	}
	return answer.StatusCode, cookie
}

func (r *running) adminPage(cookie *http.Cookie) int {
	r.t.Helper()
	q, err := http.NewRequestWithContext(r.t.Context(), http.MethodHead, r.url+"/admin", nil)
	if err != nil {
		r.t.Fatal(err)
	}
	q.AddCookie(cookie)
	answer, err := http.DefaultTransport.RoundTrip(q)
	if err != nil {
		r.t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	if err := answer.Body.Close(); err != nil {
		r.t.Error(err)
	}
	return answer.StatusCode
}

func TestFirstStart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "there", "yet")
	r := start(t, settings(t, dir))
	status, cookie := r.signIn(`{"code":"` + r.link + `"}`)
	if status != http.StatusNoContent || cookie == nil || r.adminPage(cookie) != http.StatusOK {
		t.Errorf("the sign-in link: HTTP %d", status)
	}
	if status, _ := r.signIn(`{"code":"` + r.link + `"}`); status != http.StatusUnauthorized {
		t.Errorf("the sign-in link again: HTTP %d", status)
	}
	admin := r.admin()
	admin.OK(protocol.MethodStatus, "")
	admin.Leave()
	r.end()
	for _, secret := range []string{r.link, r.token, cookie.Value} {
		if strings.Contains(r.log.String(), secret) {
			t.Errorf("the log has a secret: %s", r.log)
		}
	}
	if strings.Contains(r.out.String(), r.token) {
		t.Errorf("the token is printed: %s", r.out)
	}
	for _, file := range []string{auth.TokenFile, "gatehouse.db"} {
		info, err := os.Stat(filepath.Join(dir, file))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", file, info, err)
		}
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the data directory: %v, %v", info, err)
	}
	// What was signed in stays so; another link is printed, and the old one is dead.
	again := start(t, settings(t, dir))
	if again.link == r.link || again.adminPage(cookie) != http.StatusOK {
		t.Error("after a restart the link is the same, or the cookie opens nothing")
	}
}

func TestSignInRestsOnTheToken(t *testing.T) {
	c := settings(t, t.TempDir())
	c.Gateway.Token = config.NewSecret("the first token of this test")
	r := start(t, c)
	status, cookie := r.signIn(`{"token":"the first token of this test"}`)
	if status != http.StatusNoContent || cookie == nil {
		t.Fatalf("HTTP %d", status)
	}
	r.end()
	c.Gateway.Token = config.NewSecret("the second token of this test")
	r = start(t, c)
	answer := httpdtest.Dial(t, r.url, http.Header{"Cookie": {cookie.Name + "=" + cookie.Value}})
	answer.Refused(protocol.NotPaired, "", protocol.MethodConnect, `{}`)
	if status, _ := r.signIn(`{"token":"the first token of this test"}`); status != http.StatusUnauthorized {
		t.Errorf("the old token: HTTP %d", status)
	}
}

// TestStopInTheMiddle stops a gateway during an answer, without time to finish it.
func TestStopInTheMiddle(t *testing.T) {
	c := settings(t, t.TempDir())
	c.Gateway.DrainTimeout = 0
	r := start(t, c)
	client := r.admin()
	var first protocol.ChatSendResult
	client.Read(client.OK(protocol.MethodChatSend,
		`{"message":"slow","sessionKey":"k","ack":"accepted","idempotencyKey":"a"}`), &first)
	text := untilChunk(t, client)
	client.OK(protocol.MethodChatSend, `{"message":"echo later","sessionKey":"k","ack":"accepted"}`)
	go r.stop()
	client.Event(protocol.EventShutdown)
	client.Closed(protocol.CloseShutdown, protocol.ReasonShutdown)
	r.end()
	if log := r.log.String(); strings.Contains(log, "level=ERROR") {
		t.Errorf("the log has errors: %s", log)
	}
	r = start(t, c)
	client = r.admin()
	e := client.Refused(protocol.Interrupted, "", protocol.MethodChatSend,
		`{"message":"slow","idempotencyKey":"a"}`)
	if e.Details == nil || e.Details.RunID != first.RunID {
		t.Errorf("%+v", e)
	}
	// What waited behind it is taken up.
	for {
		var p protocol.ChatStatusResult
		if client.Read(client.OK(protocol.MethodChatStatus, `{"sessionKey":"k"}`), &p); !p.IsRunning &&
			p.Queued == 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	var page protocol.ChatHistoryResult
	client.Read(client.OK(protocol.MethodChatHistory, `{"sessionKey":"k"}`), &page)
	if len(page.Messages) != 4 {
		t.Fatalf("%d messages", len(page.Messages))
	}
	partial, later := page.Messages[1], page.Messages[3]
	if partial.Status != protocol.StatusFailed || !strings.HasPrefix(partial.Content, text) ||
		partial.Error == "" {
		t.Errorf("the interrupted answer is %+v, it had begun with %q", partial, text)
	}
	if later.Status != protocol.StatusComplete || !strings.HasPrefix(later.Content, "later") {
		t.Errorf("the later answer is %+v", later)
	}
}

func untilChunk(t *testing.T, c *httpdtest.Client) (text string) {
	t.Helper()
	for {
		var e protocol.AgentEvent
		if c.Read(c.Event(protocol.EventAgent), &e); e.Type != protocol.RunChunk {
			continue
		}
		var piece protocol.TextPayload
		if err := protocol.Decode(e.Payload, &piece); err != nil {
			t.Fatal(err)
		}
		return piece.Content
	}
}

// TestStopWaits stops a gateway during an answer, with time to finish it.
func TestStopWaits(t *testing.T) {
	c := settings(t, t.TempDir())
	r := start(t, c)
	client := r.admin()
	send := client.Send(protocol.MethodChatSend,
		`{"message":"echo one two three four five","sessionKey":"k"}`)
	untilChunk(t, client)
	go r.stop()
	client.Event(protocol.EventShutdown)
	if f := client.Answer(send); !f.OK {
		t.Errorf("the answer was cut off: %v", f.Error)
	}
	client.Closed(protocol.CloseShutdown, protocol.ReasonShutdown)
	r.end()
}

func TestStartThatFails(t *testing.T) {
	dir := t.TempDir()
	r := start(t, settings(t, dir))
	taken := settings(t, t.TempDir())
	taken.Gateway.Listen = strings.TrimPrefix(strings.Replace(r.url, "localhost", "127.0.0.1", 1),
		"http://")
	file := filepath.Join(t.TempDir(), "file")
	loose := filepath.Join(t.TempDir(), auth.TokenFile)
	for _, name := range []string{file, loose} {
		if err := os.WriteFile(name, []byte("two words\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, row := range map[string]struct {
		config config.Config
		words  string
	}{
		"a second one on the data directory": {settings(t, dir), "another process uses the data directory"},
		"an address that is taken":           {taken, "gateway.listen"},
		"a data directory that is a file":    {settings(t, file), "data directory"},
		"a token file without a token":       {settings(t, filepath.Dir(loose)), "does not contain a gateway token"},
	} {
		out := newOutput()
		err := app.Run(t.Context(), app.Options{Config: row.config, Version: "test",
			Log: slog.New(slog.DiscardHandler), Out: out})
		if err == nil || !strings.Contains(err.Error(), row.words) ||
			strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want …%s… in one line", name, err, row.words)
		}
		if out.String() != "" {
			t.Errorf("%s: printed %s", name, out)
		}
	}
	// The first one was not disturbed, and those that failed left nothing behind.
	r.admin().OK(protocol.MethodStatus, "")
	start(t, settings(t, taken.DataDir))
}

// TestStopBeforeTheStart stops a gateway before it has started: that is no error.
func TestStopBeforeTheStart(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	out := newOutput()
	err := app.Run(ctx, app.Options{Config: settings(t, t.TempDir()), Version: "test",
		Log: slog.New(slog.DiscardHandler), Out: out})
	if err != nil || out.String() != "" {
		t.Errorf("%v, printed %s", err, out)
	}
}

// TestWiring checks a few rows of the protocol page that depend on how the parts are
// joined.
func TestWiring(t *testing.T) {
	c := settings(t, t.TempDir())
	c.Gateway.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	r := start(t, c)
	target := conformance.Target{URL: strings.Replace(r.url, "localhost", "127.0.0.1", 1),
		Token: r.token, Proxied: true}
	walked := 0
	for _, row := range conformance.Rows() {
		if row.Section != "Browser pairing" || row.Wait > 0 {
			continue
		}
		walked++
		if err := row.Check(t.Context(), target); err != nil {
			t.Errorf("%s: %v", row.Says, err)
		}
	}
	if walked < 10 {
		t.Errorf("%d rows", walked)
	}
}
