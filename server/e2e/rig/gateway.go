package rig

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// Token is the gateway token that StartGateway sets.
const Token = "the-token-of-a-test-from-outside"

// Gateway is the binary with a data directory and a loopback address of its own. Both
// stay the same over restarts.
type Gateway struct {
	Address string // host:port
	Dir     string // has config.json5, and the data directory data

	t       testing.TB
	env     []string
	program *Program
}

// StartGateway starts the binary with Token as its gateway token. config is JSON5; "" is
// an empty configuration. The gateway logs JSON and ends with the test.
func StartGateway(t testing.TB, config string) *Gateway {
	t.Helper()
	return start(t, config, "GATEHOUSE_GATEWAY_TOKEN="+Token)
}

// StartGatewayWithoutToken is StartGateway for a gateway that makes its own token.
func StartGatewayWithoutToken(t testing.TB, config string) *Gateway {
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

// Binary returns the path of the binary, or skips the test when there is none.
func Binary(t testing.TB) string {
	t.Helper()
	// Tests run in server/e2e or in a folder in it.
	paths := []string{"../../bin/gatehouse", "../../../bin/gatehouse"}
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

// GatewayCommand returns the command that starts the binary with its files in dir: the
// configuration in config.json5, the data in data. The gateway logs JSON.
func GatewayCommand(binary, dir string, args ...string) Command {
	return Command{
		Path: binary, Dir: dir, Env: []string{"HOME=" + dir},
		Args: append([]string{
			"-config", ConfigFile(dir), "-data-dir", filepath.Join(dir,
				"data"), "-log-format", "json",
		}, args...),
	}
}

// ConfigFile is where GatewayCommand has the configuration.
func ConfigFile(dir string) string { return filepath.Join(dir, "config.json5") }

// AwaitListening waits until a gateway listens, and returns its address.
func AwaitListening(ctx context.Context, p *Process) (address string, err error) {
	line, err := p.AwaitLine(ctx, "listening")
	if err != nil {
		return "", err
	}
	var entry struct{ Address string }
	if err := json.Unmarshal([]byte(line), &entry); err != nil || entry.Address == "" {
		return "", fmt.Errorf("a log entry without the address: %w: %s", err, line)
	}
	return entry.Address, nil
}

// Configure writes the configuration, which a reload or the next Start reads.
func (g *Gateway) Configure(config string) {
	g.t.Helper()
	if err := os.WriteFile(ConfigFile(g.Dir), []byte(cmp.Or(config, "{}")), 0o600); err != nil {
		g.t.Fatal(err)
	}
}

// Start starts the binary, which must not be running.
func (g *Gateway) Start() {
	g.t.Helper()
	command := GatewayCommand(Binary(g.t), g.Dir, "-listen", g.Address)
	command.Env = append(command.Env, g.env...)
	g.program = Start(g.t, command)
	ctx, cancel := context.WithTimeout(context.Background(), WaitLimit)
	defer cancel()
	address, err := AwaitListening(ctx, g.program.process)
	if err != nil {
		g.t.Fatal(err)
	}
	g.Address = address
}

// Stop ends the gateway as an operator does.
func (g *Gateway) Stop() {
	g.t.Helper()
	g.program.End(syscall.SIGTERM)
}

// Kill ends the gateway as a crash does.
func (g *Gateway) Kill() {
	g.t.Helper()
	g.program.End(syscall.SIGKILL)
}

var signInLink = regexp.MustCompile(`https?://\S+/login#\S+`)

// SignInLink returns the sign-in link that the last start printed.
func (g *Gateway) SignInLink() string {
	g.t.Helper()
	return signInLink.FindString(g.AwaitLog("/login#"))
}

// AwaitLog waits for a line of the log that contains all parts, and returns the line.
func (g *Gateway) AwaitLog(parts ...string) string {
	g.t.Helper()
	return g.program.AwaitLine(parts...)
}

// URL is the address of a path.
func (g *Gateway) URL(path string) string { return "http://" + g.Address + path }

// Socket is the address of the WebSocket.
func (g *Gateway) Socket() string { return "ws://" + g.Address + "/ws" }
