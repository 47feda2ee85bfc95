package e2e

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// startTimeout bounds every wait of these tests.
const startTimeout = 30 * time.Second

// gatehouse is the binary with a data directory and an address of its own,
// which it keeps when it is started again.
type gatehouse struct {
	t       *testing.T
	binary  string
	dir     string
	address string // host:port
	front   string // host:port that browsers use, if that is another
	config  string // JSON5

	cmd  *exec.Cmd
	link string // the sign-in link of the last start
	logs *logBuffer
}

// logBuffer gathers what a process writes.
type logBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func binary(t *testing.T) string {
	t.Helper()
	path := os.Getenv("E2E_BINARY")
	if path == "" {
		path = "../../bin/gatehouse"
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

// startGatehouse starts the binary on a free loopback port. The config is JSON5,
// or empty.
func startGatehouse(t *testing.T, config string) *gatehouse {
	t.Helper()
	g := &gatehouse{t: t, binary: binary(t), dir: t.TempDir(), address: freeAddress(t), config: config, logs: &logBuffer{}}
	g.start()
	t.Cleanup(func() {
		g.kill(syscall.SIGTERM)
		if t.Failed() {
			t.Logf("the gateway's log:\n%s", g.logs)
		}
	})
	return g
}

// freeAddress is a loopback address that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

var signInLink = regexp.MustCompile(`http://\S+/login#\S+`)

func (g *gatehouse) start() {
	g.t.Helper()
	config := filepath.Join(g.dir, "config.json5")
	if err := os.WriteFile(config, []byte(cmpConfig(g.config)), 0o600); err != nil {
		g.t.Fatal(err)
	}
	g.cmd = exec.Command(g.binary, "-config", config, "-listen", g.address, "-data-dir", filepath.Join(g.dir, "data"))
	g.cmd.Dir = g.dir
	g.cmd.Env = append(os.Environ(), "HOME="+g.dir)
	g.cmd.Stderr = g.logs
	out, err := g.cmd.StdoutPipe()
	if err != nil {
		g.t.Fatal(err)
	}
	if err := g.cmd.Start(); err != nil {
		g.t.Fatal(err)
	}
	links := make(chan string, 1)
	go readLink(out, links)
	select {
	case g.link = <-links:
	case <-time.After(startTimeout):
	}
	if g.link == "" {
		g.t.Fatalf("the gateway did not start:\n%s", g.logs)
	}
}

func cmpConfig(config string) string {
	if config == "" {
		return "{}"
	}
	return config
}

// readLink sends the sign-in link that the gateway prints, or "" if it ends
// without.
func readLink(out io.Reader, links chan<- string) {
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if link := signInLink.FindString(lines.Text()); link != "" {
			links <- link
			_, _ = io.Copy(io.Discard, out)
			return
		}
	}
	links <- ""
}

// kill ends the process with a signal and waits for it.
func (g *gatehouse) kill(s syscall.Signal) {
	g.t.Helper()
	if g.cmd == nil {
		return
	}
	if err := g.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		g.t.Error(err)
	}
	ended := make(chan struct{})
	go func() { _ = g.cmd.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(startTimeout):
		_ = g.cmd.Process.Kill()
		<-ended
		g.t.Errorf("the gateway did not end after %s", s)
	}
	g.cmd = nil
}

func (g *gatehouse) url(path string) string { return "http://" + cmp.Or(g.front, g.address) + path }

// adminLink is the last sign-in link, under the address that the tests use.
func (g *gatehouse) adminLink() string {
	_, code, _ := strings.Cut(g.link, "#")
	return g.url("/login#" + code)
}

// token is what `gatehouse token` prints.
func (g *gatehouse) token() string {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, g.binary, "token", "-data-dir", filepath.Join(g.dir, "data"))
	cmd.Dir = g.dir
	out, err := cmd.Output()
	if err != nil {
		g.t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
