package rig

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Patience bounds each wait for something that should happen at once.
const Patience = 30 * time.Second

// Token is the gateway token of every Gateway.
const Token = "the-token-of-a-test-from-outside"

// Gateway is the binary with a data directory and a loopback address of its own,
// which it keeps when it is started again.
type Gateway struct {
	Address string // host:port

	t       testing.TB
	dir     string
	program *Program
}

// StartGateway starts the binary with a configuration in JSON5, or with none
// where that is empty, and ends it with the test. The log is in JSON.
func StartGateway(t testing.TB, config string) *Gateway {
	t.Helper()
	g := &Gateway{Address: "127.0.0.1:0", t: t, dir: t.TempDir()}
	if config == "" {
		config = "{}"
	}
	g.Configure(config)
	g.Start()
	return g
}

// Binary gives the path of the binary.
func Binary(t testing.TB) string {
	t.Helper()
	path := os.Getenv("E2E_BINARY")
	if path == "" {
		path = "../../../bin/gatehouse"
	}
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Skipf("there is no %s: run make build", path)
	}
	return path
}

// Configure writes the configuration of the next Start.
func (g *Gateway) Configure(config string) {
	g.t.Helper()
	if err := os.WriteFile(g.configFile(), []byte(config), 0o600); err != nil {
		g.t.Fatal(err)
	}
}

func (g *Gateway) configFile() string { return filepath.Join(g.dir, "config.json5") }

// Start starts the binary; it must not run.
func (g *Gateway) Start() {
	g.t.Helper()
	g.program = Start(g.t, Command{
		Path: Binary(g.t), Dir: g.dir,
		Args: []string{"-config", g.configFile(), "-listen", g.Address, "-data-dir", filepath.Join(g.dir, "data"), "-log-format", "json"},
		Env:  []string{"HOME=" + g.dir, "GATEHOUSE_GATEWAY_TOKEN=" + Token},
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
