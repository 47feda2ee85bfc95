package app_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/app"
	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/config"
	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// configured is a gateway with a configuration file that the test changes.
type configured struct {
	*running
	file    string
	level   *slog.LevelVar
	signals chan os.Signal
}

func startConfigured(t *testing.T, text string) *configured {
	t.Helper()
	c := &configured{file: filepath.Join(t.TempDir(), "config.json5"), level: new(slog.LevelVar),
		signals: make(chan os.Signal)}
	c.write(t, text)
	load := func() (config.Config, []config.Warning, error) {
		return config.Load(config.Source{Flags: config.Flags{ConfigFile: c.file, Listen: "127.0.0.1:0",
			DataDir: filepath.Dir(c.file)}})
	}
	cfg, _, err := load()
	if err != nil {
		t.Fatal(err)
	}
	c.running = startWith(t, app.Options{Config: cfg, Load: load, Level: c.level,
		Reloads: c.signals})
	return c
}

func (c *configured) write(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(c.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// origins reports whether a page of the origin may connect.
func (c *configured) allowed(t *testing.T, origin string) bool {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.url+"/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Origin", origin)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	return answer.StatusCode == http.StatusUpgradeRequired
}

func reload(c *httpdtest.Client) (r protocol.ConfigReloadResult) {
	c.Read(c.OK(protocol.MethodConfigReload, ""), &r)
	return r
}

// TestHostsReload makes the machine's own name and, with a reload, another name known.
func TestHostsReload(t *testing.T) {
	c := startConfigured(t, `{}`)
	defer http.DefaultClient.CloseIdleConnections()
	admin := c.admin()
	status := func(host string) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.url+"/ws", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		r.Header.Set("Origin", "http://"+host)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		return answer.StatusCode
	}
	machine, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	if got := status(machine + ":8080"); got != http.StatusUpgradeRequired {
		t.Errorf("the machine's own name: HTTP %d", got)
	}
	if got := status("chat.example.com"); got != http.StatusMisdirectedRequest ||
		!strings.Contains(c.log.String(), "security.host_rejected") {
		t.Errorf("a name that no key has: HTTP %d", got)
	}
	c.write(t, `{gateway: {hosts: ["Chat.example.com"]}}`)
	if r := reload(admin); !slices.Equal(r.Applied, []string{"gateway.hosts"}) {
		t.Errorf("the reload gives %+v", r)
	}
	if got := status("chat.example.com"); got != http.StatusUpgradeRequired {
		t.Errorf("after the reload: HTTP %d", got)
	}
	admin.Leave()
	c.end()
}

func TestReload(t *testing.T) {
	c := startConfigured(t, `{gateway: {allowed_origins: ["https://a.example"]}}`)
	defer http.DefaultClient.CloseIdleConnections()
	admin := c.admin()
	if r := reload(admin); len(r.Applied)+len(r.NeedsRestart) > 0 {
		t.Errorf("a reload without changes gives %+v", r)
	}
	c.write(t, `{gateway: {allowed_origins: ["https://b.example"], token: "another-token-of-this-test"}, log: {level: "debug"},
		agents: {default: "second", list: {second: {provider: "builtin", label: "The second"}}}}`)
	r := reload(admin)
	if want := []string{"gateway.allowed_origins", "log.level", "agents.default",
		"agents.list.default", "agents.list.second"}; !slices.Equal(r.Applied, want) {
		t.Errorf("applied are %q", r.Applied)
	}
	if !slices.Equal(r.NeedsRestart, []string{"gateway.token"}) {
		t.Errorf("waiting are %q", r.NeedsRestart)
	}
	if c.allowed(t, "https://a.example") || !c.allowed(t, "https://b.example") ||
		c.level.Level() != slog.LevelDebug {
		t.Error("an applied change is not active")
	}
	var agents protocol.AgentsListResult
	if admin.Read(admin.OK(protocol.MethodAgentsList, ""), &agents); len(agents.Agents) != 1 ||
		agents.Agents[0].Name != "The second" {
		t.Errorf("the agents are %+v", agents)
	}
	var sent protocol.ChatSendResult
	if admin.Read(admin.OK(protocol.MethodChatSend, `{"message":"echo hello"}`),
		&sent); sent.Content == nil || *sent.Content != "hello" {
		t.Errorf("the new agent answers %+v", sent)
	}
	admin2 := c.admin() // with the token of the start
	var status protocol.StatusResult
	if admin2.Read(admin2.OK(protocol.MethodStatus, ""), &status); status.Detail == nil ||
		status.Detail.ConfigFile != "config.json5" ||
		status.Detail.ReloadedAt == 0 || !slices.Equal(status.Detail.NeedsRestart, r.NeedsRestart) ||
		!slices.Contains(status.Detail.Settings,
			protocol.Setting{Key: "gateway.allowed_origins", Value: `["https://b.example"]`}) {
		t.Errorf("the status is %+v", status.Detail)
	}
	// A faulty configuration changes nothing, and the answer lists all faults.
	c.write(t, `{gateway: {allowed_origins: ["https://c.example"], rate_limit_rpm: -1}, colour: "red"}`)
	e := admin.Refused(protocol.FailedPrecondition, "nothing was changed", protocol.MethodConfigReload,
		"")
	for _, fault := range []string{"gateway.rate_limit_rpm", "colour"} {
		if !strings.Contains(e.Message, fault) || !strings.Contains(c.log.String(), fault) {
			t.Errorf("the answer does not list %s: %s", fault, e.Message)
		}
	}
	if !c.allowed(t, "https://b.example") || c.allowed(t, "https://c.example") {
		t.Error("a configuration with faults holds")
	}
	if strings.Contains(c.log.String(), "another-token-of-this-test") {
		t.Error("the log has a secret")
	}
}

// The status names a file only if one was read: not before it exists, and after a reload
// that finds it.
func TestStatusNamesTheFileThatWasRead(t *testing.T) {
	dir := t.TempDir()
	load := func() (config.Config, []config.Warning, error) {
		return config.Load(config.Source{Flags: config.Flags{Listen: "127.0.0.1:0", DataDir: dir},
			Dir: dir})
	}
	cfg, _, err := load()
	if err != nil {
		t.Fatal(err)
	}
	admin := startWith(t, app.Options{Config: cfg, Load: load}).admin()
	file := func() string {
		var status protocol.StatusResult
		admin.Read(admin.OK(protocol.MethodStatus, ""), &status)
		return status.Detail.ConfigFile
	}
	if got := file(); got != "" {
		t.Errorf("without a file, the status names %q", got)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json5"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	reload(admin)
	if got := file(); got != "config.json5" {
		t.Errorf("with a file, the status names %q", got)
	}
}

// A reload closes the connections of the replaced agents: an idle one at once, one in
// use after the answer.
func TestReloadLetsConnectionsGo(t *testing.T) {
	ended, begun, hold := make(chan struct{}, 9), make(chan struct{}, 9), make(chan struct{})
	model := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter,
		r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, `data: {"choices":[{"index":0,"delta":{"content":"Yes."}}]}`+"\n\n")
		_ = http.NewResponseController(w).Flush()
		begun <- struct{}{}
		if bytes.Contains(body, []byte("slowly")) {
			<-hold
		}
		_, _ = io.WriteString(w, `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`+"\n\ndata: [DONE]\n\n")
	}))
	model.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			ended <- struct{}{}
		}
	}
	model.Start()
	defer model.Close()
	within := func(what string, c <-chan struct{}) {
		t.Helper()
		select {
		case <-c:
		case <-time.After(httpdtest.Timeout):
			t.Fatal("not in time: " + what)
		}
	}
	config := func(prompt string) string {
		return `{agents: {list: {default: {provider: "openai", model: "m", base_url: "` + model.URL +
			`/v1", system_prompt: "` + prompt + `"}}}}`
	}
	c := startConfigured(t, config("Be kind."))
	admin := c.admin()
	for _, prompt := range []string{"Be brief.", "Be exact."} {
		admin.OK(protocol.MethodChatSend, `{"message":"hello"}`)
		within("an answer", begun)
		if len(ended) > 0 {
			t.Fatal("a connection was closed that may be used again")
		}
		c.write(t, config(prompt))
		if r := reload(admin); !slices.Equal(r.Applied, []string{"agents.list.default.system_prompt"}) {
			t.Errorf("applied are %q", r.Applied)
		}
		within("the end of an idle connection", ended)
	}
	admin.OK(protocol.MethodChatSend, `{"message":"hello, slowly","ack":"accepted"}`)
	within("an answer", begun)
	c.write(t, config("Be slow."))
	reload(admin)
	if len(ended) > 0 {
		t.Error("an answer was cut off")
	}
	close(hold)
	within("the end of a connection that brought an answer", ended)
}

// TestStatusShowsTheLimits checks that status shows the current value of every limit,
// before and after a reload.
func TestStatusShowsTheLimits(t *testing.T) {
	c := startConfigured(t, `{}`)
	admin := c.admin()
	settings := func() map[string]string {
		var status protocol.StatusResult
		admin.Read(admin.OK(protocol.MethodStatus, ""), &status)
		all := map[string]string{}
		for _, s := range status.Detail.Settings {
			all[s.Key] = s.Value
		}
		return all
	}
	limits := map[string][2]string{ // before, after
		"gateway.rate_limit_rpm":              {"0", "6000"},
		"gateway.max_connections":             {"10000", "9000"},
		"gateway.max_connections_per_user":    {"50", "40"},
		"gateway.max_connections_per_address": {"250", "240"},
		"gateway.max_pending_connections":     {"1000", "900"},
		"gateway.max_pending_pairings":        {"1000", "800"},
		"gateway.max_runs_per_user":           {"0", "7"},
		"media.max_bytes":                     {`"20MiB"`, `"10MiB"`},
		"media.quota":                         {`"500MiB"`, `"400MiB"`},
		"media.orphans":                       {`"24h"`, `"12h"`},
	}
	now := settings()
	for key, want := range limits {
		if got := now[key]; got != want[0] {
			t.Errorf("at first %s is %s, want %s", key, got, want[0])
		}
	}
	c.write(t, `{gateway: {rate_limit_rpm: 6000, max_connections: 9000, max_connections_per_user: 40, max_connections_per_address: 240,
		max_pending_connections: 900, max_pending_pairings: 800, max_runs_per_user: 7}, media: {max_bytes: "10MiB", quota: "400MiB", orphans: "12h"}}`)
	if r := reload(admin); len(r.Applied) != len(limits) || len(r.NeedsRestart) > 0 {
		t.Errorf("the reload is %+v", r)
	}
	now = settings()
	for key, want := range limits {
		if got := now[key]; got != want[1] {
			t.Errorf("after a reload %s is %s, want %s", key, got, want[1])
		}
	}
}

func TestReloadBySignal(t *testing.T) {
	c := startConfigured(t, `{}`)
	defer http.DefaultClient.CloseIdleConnections()
	admin := c.admin()
	for _, text := range []string{`{gateway: {allowed_origins: ["https://a.example"]}}`,
		`{gateway: {}`} {
		c.write(t, text)
		c.signals <- syscall.SIGHUP
		c.signals <- syscall.SIGHUP // taken once the first is done with
	}
	if !c.allowed(t, "https://a.example") {
		t.Error("the configuration that was reloaded by signal is not active")
	}
	var list protocol.AuditListResult
	admin.Read(admin.OK(protocol.MethodAuditList, `{"action":"config.reload"}`), &list)
	failed := slices.IndexFunc(list.Entries,
		func(e protocol.AuditEntry) bool { return e.Outcome == protocol.AuditFailed })
	if n := len(list.Entries); failed < 0 || list.Entries[n-1].Outcome != protocol.AuditDone ||
		list.Entries[n-1].Via != "gateway" ||
		!strings.HasPrefix(list.Entries[failed].Detail, "by signal; ") {
		t.Errorf("the reloads are audited as %+v", list.Entries)
	}
	list = protocol.AuditListResult{}
	admin.Read(admin.OK(protocol.MethodAuditList, `{"action":"`+audit.GatewayStarted+`"}`), &list)
	if len(list.Entries) != 1 || list.Entries[0].Detail != "version test" {
		t.Errorf("the start is audited as %+v", list.Entries)
	}
}

// During many reloads, every request sees one of the two configurations, never a mix.
func TestReloadIsWhole(t *testing.T) {
	texts := make([]string, 2)
	for i := range texts {
		texts[i] = fmt.Sprintf(`{gateway: {pairing: %v}, agents: {default: "agent%d", list: {agent%d: {provider: "builtin", label: "Agent %d"}}}}`, i == 0, i, i, i)
	}
	c := startConfigured(t, texts[0])
	admin := c.admin()
	done := make(chan struct{})
	var asking sync.WaitGroup
	for range 3 {
		asker := c.admin()
		asking.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				var agents protocol.AgentsListResult
				asker.Read(asker.OK(protocol.MethodAgentsList, ""), &agents)
				if a := agents.Agents; len(a) != 1 || a[0].Name != "Agent "+strings.TrimPrefix(a[0].ID,
					"agent") {
					t.Errorf("the agents are %+v", a)
				}
				asker.OK(protocol.MethodChatSend, `{"message":"echo x","ack":"accepted"}`)
			}
		})
	}
	for i := range 30 {
		c.write(t, texts[(i+1)%2])
		if r := reload(admin); len(r.Applied) != 4 {
			t.Errorf("applied are %q", r.Applied)
		}
	}
	close(done)
	asking.Wait()
}

// TestReloadWithoutItsFile removes the configuration file that no flag names. A reload must
// refuse that, change nothing, and take the file when it is there again.
func TestReloadWithoutItsFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, config.DefaultFile)
	c := &configured{file: file, level: new(slog.LevelVar), signals: make(chan os.Signal)}
	c.write(t, `{gateway: {allowed_origins: ["https://a.example"]}}`)
	load := func() (config.Config, []config.Warning, error) {
		return config.Load(config.Source{Dir: dir,
			Flags: config.Flags{Listen: "127.0.0.1:0", DataDir: filepath.Join(dir, "data")}})
	}
	cfg, _, err := load()
	if err != nil {
		t.Fatal(err)
	}
	c.running = startWith(t, app.Options{Config: cfg, Load: load, Level: c.level, Reloads: c.signals})
	defer http.DefaultClient.CloseIdleConnections()
	admin := c.admin()
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	admin.Refused(protocol.FailedPrecondition, "config.json5", protocol.MethodConfigReload, "")
	c.signals <- syscall.SIGHUP
	c.signals <- syscall.SIGHUP // taken once the first is done with
	if !c.allowed(t, "https://a.example") {
		t.Error("a reload without the file has changed the configuration")
	}
	c.write(t, `{gateway: {allowed_origins: ["https://b.example"]}}`)
	if r := reload(admin); !c.allowed(t, "https://b.example") { // or the signal has applied it
		t.Errorf("with the file again: %+v", r)
	}
}

// TestReloadSaysWhatWaits reloads a change that needs a restart. The log must say so at
// every level.
func TestReloadSaysWhatWaits(t *testing.T) {
	c := startConfigured(t, `{log: {level: "error"}}`)
	c.level.Set(slog.LevelError)
	c.write(t, `{log: {level: "error"}, gateway: {token: "another-token-of-this-test"}}`)
	if r := reload(c.admin()); !slices.Equal(r.NeedsRestart, []string{"gateway.token"}) {
		t.Errorf("the reload is %+v", r)
	}
	if log := c.log.String(); !strings.Contains(log, "configuration read again: some changes wait "+
		"for a restart") || !strings.Contains(log, "needs_restart=[gateway.token]") {
		t.Errorf("the log does not say what waits:\n%s", log)
	}
}

func TestWithoutAFileToReload(t *testing.T) {
	r := start(t, settings(t, t.TempDir()))
	r.admin().Refused(protocol.FailedPrecondition, "started without", protocol.MethodConfigReload, "")
}
