package app_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/app"
	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/config"
	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// configured is a gateway whose configuration's file can be changed.
type configured struct {
	*running
	file    string
	level   *slog.LevelVar
	signals chan os.Signal
}

func startConfigured(t *testing.T, text string) *configured {
	t.Helper()
	c := &configured{file: filepath.Join(t.TempDir(), "config.json5"), level: new(slog.LevelVar), signals: make(chan os.Signal)}
	c.write(t, text)
	load := func() (config.Config, []config.Warning, error) {
		return config.Load(config.Source{Flags: config.Flags{ConfigFile: c.file, Listen: "127.0.0.1:0", DataDir: filepath.Dir(c.file)}})
	}
	cfg, _, err := load()
	if err != nil {
		t.Fatal(err)
	}
	c.running = startWith(t, app.Options{Config: cfg, Load: load, ConfigFile: "config.json5", Level: c.level, Reloads: c.signals})
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

func TestReload(t *testing.T) {
	c := startConfigured(t, `{gateway: {allowed_origins: ["https://a.example"]}}`)
	defer http.DefaultClient.CloseIdleConnections()
	admin := c.admin()
	if r := reload(admin); len(r.Applied)+len(r.NeedsRestart) > 0 {
		t.Errorf("what has not changed changed %+v", r)
	}
	c.write(t, `{gateway: {allowed_origins: ["https://b.example"], token: "another-token-of-this-test"}, log: {level: "debug"},
		agents: {default: "second", list: {second: {provider: "builtin", label: "The second"}}}}`)
	r := reload(admin)
	if want := []string{"gateway.allowed_origins", "log.level", "agents.default", "agents.list.default", "agents.list.second"}; !slices.Equal(r.Applied, want) {
		t.Errorf("applied are %q", r.Applied)
	}
	if !slices.Equal(r.NeedsRestart, []string{"gateway.token"}) {
		t.Errorf("waiting are %q", r.NeedsRestart)
	}
	if c.allowed(t, "https://a.example") || !c.allowed(t, "https://b.example") || c.level.Level() != slog.LevelDebug {
		t.Error("what was applied does not hold")
	}
	var agents protocol.AgentsListResult
	if admin.Read(admin.OK(protocol.MethodAgentsList, ""), &agents); len(agents.Agents) != 1 || agents.Agents[0].Name != "The second" {
		t.Errorf("the agents are %+v", agents)
	}
	var sent protocol.ChatSendResult
	if admin.Read(admin.OK(protocol.MethodChatSend, `{"message":"echo hello"}`), &sent); sent.Content == nil || *sent.Content != "hello" {
		t.Errorf("the new agent answers %+v", sent)
	}
	admin2 := c.admin() // with the token of the start
	var status protocol.StatusResult
	if admin2.Read(admin2.OK(protocol.MethodStatus, ""), &status); status.Detail == nil || status.Detail.ConfigFile != "config.json5" ||
		status.Detail.ReloadedAt == 0 || !slices.Equal(status.Detail.NeedsRestart, r.NeedsRestart) ||
		!slices.Contains(status.Detail.Settings, protocol.Setting{Key: "gateway.allowed_origins", Value: `["https://b.example"]`}) {
		t.Errorf("the status is %+v", status.Detail)
	}
	// Faults change nothing, and all of them are told.
	c.write(t, `{gateway: {allowed_origins: ["https://c.example"], rate_limit_rpm: -1}, colour: "red"}`)
	e := admin.Refused(protocol.FailedPrecondition, "nothing was changed", protocol.MethodConfigReload, "")
	for _, fault := range []string{"gateway.rate_limit_rpm", "colour"} {
		if !strings.Contains(e.Message, fault) || !strings.Contains(c.log.String(), fault) {
			t.Errorf("%s is not told of: %s", fault, e.Message)
		}
	}
	if !c.allowed(t, "https://b.example") || c.allowed(t, "https://c.example") {
		t.Error("a configuration with faults holds")
	}
	if strings.Contains(c.log.String(), "another-token-of-this-test") {
		t.Error("the log has a secret")
	}
}

func TestReloadBySignal(t *testing.T) {
	c := startConfigured(t, `{}`)
	defer http.DefaultClient.CloseIdleConnections()
	admin := c.admin()
	for _, text := range []string{`{gateway: {allowed_origins: ["https://a.example"]}}`, `{gateway: {}`} {
		c.write(t, text)
		c.signals <- syscall.SIGHUP
		c.signals <- syscall.SIGHUP // taken once the first is done with
	}
	if !c.allowed(t, "https://a.example") {
		t.Error("what the signal brought does not hold")
	}
	var list protocol.AuditListResult
	admin.Read(admin.OK(protocol.MethodAuditList, `{"action":"config.reload"}`), &list)
	failed := slices.IndexFunc(list.Entries, func(e protocol.AuditEntry) bool { return e.Outcome == protocol.AuditFailed })
	if n := len(list.Entries); failed < 0 || list.Entries[n-1].Outcome != protocol.AuditDone || list.Entries[n-1].Via != "gateway" ||
		!strings.HasPrefix(list.Entries[failed].Detail, "by signal; ") {
		t.Errorf("the log tells %+v", list.Entries)
	}
	list = protocol.AuditListResult{}
	admin.Read(admin.OK(protocol.MethodAuditList, `{"action":"`+audit.GatewayStarted+`"}`), &list)
	if len(list.Entries) != 1 || list.Entries[0].Detail != "version test" {
		t.Errorf("of the start it tells %+v", list.Entries)
	}
}

// While it is reloaded again and again, every request sees one configuration or
// the other, whole.
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
				if a := agents.Agents; len(a) != 1 || a[0].Name != "Agent "+strings.TrimPrefix(a[0].ID, "agent") {
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

func TestWithoutAFileToReload(t *testing.T) {
	r := start(t, settings(t, t.TempDir()))
	r.admin().Refused(protocol.FailedPrecondition, "started without", protocol.MethodConfigReload, "")
}
