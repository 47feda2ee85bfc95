package rig

import (
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Patience bounds each wait for something that should happen at once.
const Patience = 30 * time.Second

// Token is the gateway token that StartGateway sets.
const Token = "the-token-of-a-test-from-outside"

// Gateway is the binary with a data directory and a loopback address of its own,
// which it keeps when it is started again.
type Gateway struct {
	Address string // host:port
	Dir     string // of its configuration, and of its data in data

	t       testing.TB
	env     []string
	program *Program
}

// StartGateway starts the binary with Token and a configuration in JSON5, or with
// none where that is empty, and ends it with the test. The log is in JSON.
func StartGateway(t testing.TB, config string) *Gateway {
	t.Helper()
	return start(t, config, "GATEHOUSE_GATEWAY_TOKEN="+Token)
}

// StartUntold is StartGateway without Token: the gateway makes one of its own.
func StartUntold(t testing.TB, config string) *Gateway {
	t.Helper()
	return start(t, config)
}

func start(t testing.TB, config string, env ...string) *Gateway {
	t.Helper()
	g := &Gateway{Address: "127.0.0.1:0", Dir: t.TempDir(), t: t, env: env}
	g.Configure(config)
	g.Start()
	return g
}

// Binary gives the path of the binary.
func Binary(t testing.TB) string {
	t.Helper()
	paths := []string{"../../bin/gatehouse", "../../../bin/gatehouse"} // from server/e2e, and from a folder in it
	if path := os.Getenv("E2E_BINARY"); path != "" {
		paths = []string{path}
	}
	for _, path := range paths {
		path, err := filepath.Abs(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	t.Skipf("there is no %s: run make build", strings.Join(paths, " or "))
	return ""
}

// Configure writes the configuration that a reload, or the next Start, reads.
func (g *Gateway) Configure(config string) {
	g.t.Helper()
	if err := os.WriteFile(g.configFile(), []byte(cmp.Or(config, "{}")), 0o600); err != nil {
		g.t.Fatal(err)
	}
}

func (g *Gateway) configFile() string { return filepath.Join(g.Dir, "config.json5") }

// Start starts the binary; it must not run.
func (g *Gateway) Start() {
	g.t.Helper()
	g.program = Start(g.t, Command{
		Path: Binary(g.t), Dir: g.Dir,
		Args: []string{"-config", g.configFile(), "-listen", g.Address, "-data-dir", filepath.Join(g.Dir, "data"), "-log-format", "json"},
		Env:  append(g.env, "HOME="+g.Dir),
	})
	line := g.AwaitLog("listening")
	var said struct{ Address string }
	if err := json.Unmarshal([]byte(line), &said); err != nil || said.Address == "" {
		g.t.Fatalf("listening where? %v: %s", err, line)
	}
	g.Address = said.Address
}

// Stop ends it as an operator does.
func (g *Gateway) Stop() {
	g.t.Helper()
	g.program.End(syscall.SIGTERM)
}

// Kill ends it as a crash does.
func (g *Gateway) Kill() {
	g.t.Helper()
	g.program.End(syscall.SIGKILL)
}

var signInLink = regexp.MustCompile(`https?://\S+/login#\S+`)

// SignInLink is the one that it printed at its last start.
func (g *Gateway) SignInLink() string {
	g.t.Helper()
	return signInLink.FindString(g.AwaitLog("/login#"))
}

// Log is what it has logged since its last start.
func (g *Gateway) Log() string { return g.program.Output() }

// AwaitLog waits for a line of the log that has all these parts, and gives it.
func (g *Gateway) AwaitLog(parts ...string) string {
	g.t.Helper()
	return g.program.AwaitLine(parts...)
}

// URL is the address of a path.
func (g *Gateway) URL(path string) string { return "http://" + g.Address + path }

// Socket is the address of the WebSocket.
func (g *Gateway) Socket() string { return "ws://" + g.Address + "/ws" }

// Line finds a line of text that has all these parts, or "".
func Line(text string, parts ...string) string {
next:
	for line := range strings.Lines(text) {
		for _, part := range parts {
			if !strings.Contains(line, part) {
				continue next
			}
		}
		return line
	}
	return ""
}
