package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// buildBinary builds the program as it is released, which is without the race
// detector.
func buildBinary(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "gatehouse")
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, text)
	}
	return binary
}

// process is the program running.
type process struct {
	t          *testing.T
	cmd        *exec.Cmd
	dir        string
	url, token string
	link       string
	ready      time.Duration // from the start to the words on stdout
	out, log   buffer
	ended      chan error
}

type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

var adminLine = regexp.MustCompile(`Admin +(http://\S+)/login#(\S+)`)

// startProcess runs the program until the test ends.
func startProcess(t *testing.T, binary, dir string, more ...string) *process {
	t.Helper()
	p := &process{t: t, dir: dir, ended: make(chan error, 1)}
	p.cmd = exec.Command(binary, append([]string{"-listen", "127.0.0.1:0", "-data-dir", dir}, more...)...)
	p.cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}
	p.cmd.Dir = t.TempDir()
	p.cmd.Stderr = &p.log
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill(); <-p.ended })
	said := make(chan struct{})
	go func() {
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			fmt.Fprintln(&p.out, lines.Text())
			if adminLine.MatchString(lines.Text()) {
				close(said)
			}
		}
		p.ended <- p.cmd.Wait()
		close(p.ended)
	}()
	select {
	case <-said:
	case err := <-p.ended:
		t.Fatalf("it ended: %v\n%s", err, p.log.String())
	case <-time.After(httpdtest.Impatience):
		t.Fatalf("it does not start:\n%s", p.log.String())
	}
	p.ready = time.Since(began)
	found := adminLine.FindStringSubmatch(p.out.String())
	p.url, p.link = found[1], found[2]
	kept, err := auth.KeepToken(dir)
	if err != nil {
		t.Fatal(err)
	}
	p.token = kept.Token.Reveal()
	return p
}

func (p *process) client() *httpdtest.Client {
	p.t.Helper()
	c := httpdtest.Dial(p.t, p.url, nil)
	c.OK(protocol.MethodConnect, `{"token":"`+p.token+`","user_id":"user"}`)
	return c
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// exited waits for the end and gives what is known of it.
func (p *process) exited() *os.ProcessState {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(httpdtest.Impatience):
		p.t.Fatalf("it does not end:\n%s", p.log.String())
	}
	return p.cmd.ProcessState
}

func TestProcess(t *testing.T) {
	t.Parallel()
	binary := buildBinary(t)
	// What follows has the machine to itself, as far as this test goes.
	measure(t, binary)
	t.Run("stop with time", func(t *testing.T) { t.Parallel(); testStopWithTime(t, binary) })
	t.Run("stop without time", func(t *testing.T) { t.Parallel(); testStopWithoutTime(t, binary) })
	t.Run("second signal", func(t *testing.T) { t.Parallel(); testSecondSignal(t, binary) })
	t.Run("kill", func(t *testing.T) { t.Parallel(); testKill(t, binary) })
	t.Run("kill and retry", func(t *testing.T) { t.Parallel(); testKillAndRetry(t, binary) })
	t.Run("two on one directory", func(t *testing.T) { t.Parallel(); testTwo(t, binary) })
	t.Run("reload", func(t *testing.T) { t.Parallel(); testReload(t, binary) })
	t.Run("manual", func(t *testing.T) { t.Parallel(); testManual(t, binary) })
	t.Run("where things are printed", func(t *testing.T) { t.Parallel(); testPrinted(t, binary) })
}

// measure reports how soon the program serves and how much memory it has. What
// it fails for is far beyond the aims, 0.5 s and 30 MB, since others may keep
// the machine busy.
func measure(t *testing.T, binary string) {
	t.Helper()
	dir := t.TempDir()
	first := startProcess(t, binary, dir)
	rss := residentMB(t, first.cmd.Process.Pid)
	c := first.client()
	c.OK(protocol.MethodChatSend, `{"message":"echo x"}`)
	c.Leave()
	used := residentMB(t, first.cmd.Process.Pid)
	first.signal(syscall.SIGTERM)
	if state := first.exited(); state.ExitCode() != 0 {
		t.Errorf("exit code %d\n%s", state.ExitCode(), first.log.String())
	}
	second := startProcess(t, binary, dir)
	t.Logf("listening after %v on a new directory, %v on an old one; resident %.1f MB idle, %.1f MB after a chat",
		first.ready.Round(time.Millisecond), second.ready.Round(time.Millisecond), rss, used)
	if second.ready > 10*time.Second || rss > 100 {
		t.Errorf("%v and %.1f MB", second.ready, rss)
	}
}

// residentMB is a process's resident memory, 0 where that cannot be told.
func residentMB(t *testing.T, pid int) float64 {
	t.Helper()
	if runtime.GOOS != "linux" {
		return 0
	}
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kB, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	if err != nil {
		t.Fatal(err)
	}
	return kB / 1000
}

func testTwo(t *testing.T, binary string) {
	p := startProcess(t, binary, t.TempDir())
	ctx, cancel := context.WithTimeout(t.Context(), httpdtest.Impatience)
	defer cancel()
	second := exec.CommandContext(ctx, binary, "-listen", "127.0.0.1:0", "-data-dir", p.dir)
	var out, errs bytes.Buffer
	second.Stdout, second.Stderr = &out, &errs
	err := second.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitFault {
		t.Errorf("the second one: %v", err)
	}
	if out.Len() > 0 || !strings.Contains(errs.String(), "another process uses the data directory "+p.dir) {
		t.Errorf("the second one says %s%s", out.String(), errs.String())
	}
	p.client().OK(protocol.MethodStatus, "")
	health := exec.CommandContext(ctx, binary, "health", "-listen", strings.TrimPrefix(p.url, "http://"))
	if text, err := health.CombinedOutput(); err != nil || string(text) != "ready\n" {
		t.Errorf("health: %v: %s", err, text)
	}
}

func testPrinted(t *testing.T, binary string) {
	dir := t.TempDir()
	for _, format := range []string{"text", "json"} {
		p := startProcess(t, binary, dir, "-log-format", format, "-log-level", "debug")
		answer, err := http.Post(p.url+"/api/session", "application/json", strings.NewReader(`{"code":"`+p.link+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		if err := answer.Body.Close(); err != nil || answer.StatusCode != http.StatusNoContent {
			t.Errorf("the link on stdout: HTTP %d, %v", answer.StatusCode, err)
		}
		p.client().Leave()
		p.signal(syscall.SIGTERM)
		p.exited()
		out, log := p.out.String(), p.log.String()
		for _, secret := range []string{p.link, p.token, answer.Cookies()[0].Value} {
			if strings.Contains(log, secret) {
				t.Errorf("the log has a secret: %s", log)
			}
		}
		if strings.Contains(out, p.token) || strings.Contains(log, "login#") {
			t.Errorf("stdout has the token, or the log the link:\n%s%s", out, log)
		}
		for _, word := range []string{p.url, dir, "demo"} {
			if !strings.Contains(out, word) {
				t.Errorf("stdout does not say %s:\n%s", word, out)
			}
		}
		if strings.Contains(log, "ERROR") || !strings.Contains(log, "listening") || !strings.Contains(log, "stopped") {
			t.Errorf("the log:\n%s", log)
		}
	}
}
