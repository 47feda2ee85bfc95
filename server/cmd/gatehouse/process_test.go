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

// buildBinary builds the program as releases are built. It has no race detector.
func buildBinary(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "gatehouse")
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o",
		binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, text)
	}
	return binary
}

// process is a running gatehouse serve.
type process struct {
	t          *testing.T
	cmd        *exec.Cmd
	dir        string // the data directory
	url, token string
	link       string        // the code of the admin's sign-in link
	ready      time.Duration // from the start until the banner was printed
	out, log   buffer        // stdout and stderr
	ended      chan error
}

// buffer is a bytes.Buffer that is safe for concurrent use.
type buffer struct {
	// mu guards the following field.
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

// startProcess starts the program and waits until it listens. The program is killed when
// the test ends.
func startProcess(t *testing.T, binary, dir string, more ...string) *process {
	t.Helper()
	p := &process{t: t, dir: dir, ended: make(chan error, 1)}
	p.cmd = exec.Command(binary,
		append([]string{"-listen", "127.0.0.1:0", "-data-dir", dir}, more...)...)
	p.cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}
	p.cmd.Dir = t.TempDir()
	p.cmd.Stderr = &p.log
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill(); <-p.ended })
	printed := make(chan struct{})
	go func() {
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			fmt.Fprintln(&p.out, lines.Text())
			if adminLine.MatchString(lines.Text()) {
				close(printed)
			}
		}
		p.ended <- p.cmd.Wait()
		close(p.ended)
	}()
	select {
	case <-printed:
	case err := <-p.ended:
		t.Fatalf("the process ended: %v\n%s", err, p.log.String())
	case <-time.After(httpdtest.Timeout):
		t.Fatalf("the process has not printed its banner:\n%s", p.log.String())
	}
	p.ready = time.Since(start)
	found := adminLine.FindStringSubmatch(p.out.String())
	p.url, p.link = found[1], found[2]
	stored, err := auth.LoadToken(dir)
	if err != nil {
		t.Fatal(err)
	}
	p.token = stored.Token.Reveal()
	return p
}

// client returns a new connection of an admin.
func (p *process) client() *httpdtest.Client {
	p.t.Helper()
	c := httpdtest.Dial(p.t, p.url, nil)
	c.OK(protocol.MethodConnect,
		`{"token":"`+p.token+`","user_id":"user","client":{"name":"test"}}`)
	return c
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// waitExit waits until the process has ended.
func (p *process) waitExit() *os.ProcessState {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(httpdtest.Timeout):
		p.t.Fatalf("the process has not ended:\n%s", p.log.String())
	}
	return p.cmd.ProcessState
}

func TestProcess(t *testing.T) {
	t.Parallel()
	binary := buildBinary(t)
	// Measure first: the tests below run in parallel.
	measure(t, binary)
	t.Run("stop waits for answers",
		func(t *testing.T) { t.Parallel(); testStopWaitsForAnswers(t, binary) })
	t.Run("stop ends answers", func(t *testing.T) { t.Parallel(); testStopEndsAnswers(t, binary) })
	t.Run("second signal", func(t *testing.T) { t.Parallel(); testSecondSignal(t, binary) })
	t.Run("kill", func(t *testing.T) { t.Parallel(); testKill(t, binary) })
	t.Run("kill and retry", func(t *testing.T) { t.Parallel(); testKillAndRetry(t, binary) })
	t.Run("backup", func(t *testing.T) { t.Parallel(); testBackup(t, binary) })
	t.Run("backup cut off", func(t *testing.T) { t.Parallel(); testBackupCutOff(t, binary) })
	t.Run("foreign log", func(t *testing.T) { t.Parallel(); testForeignLog(t, binary) })
	t.Run("restore as the manual says",
		func(t *testing.T) { t.Parallel(); testManualRestore(t, binary) })
	t.Run("lost database", func(t *testing.T) { t.Parallel(); testLostDatabase(t, binary) })
	t.Run("memory limit", func(t *testing.T) { t.Parallel(); testMemoryLimit(t, binary) })
	t.Run("two on one directory", func(t *testing.T) { t.Parallel(); testTwo(t, binary) })
	t.Run("reload", func(t *testing.T) { t.Parallel(); testReload(t, binary) })
	t.Run("manual", func(t *testing.T) { t.Parallel(); testManual(t, binary) })
	t.Run("what is printed where", func(t *testing.T) { t.Parallel(); testPrinted(t, binary) })
}

// measure logs how soon the program serves and how much memory it uses. The aims are 0.5
// s and 30 MB. The limits are far higher, since the machine may be busy.
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
	if state := first.waitExit(); state.ExitCode() != 0 {
		t.Errorf("exit code %d\n%s", state.ExitCode(), first.log.String())
	}
	second := startProcess(t, binary, dir)
	t.Logf("listening after %v on a new directory, %v on an old one; resident %.1f MB idle, %.1f "+
		"MB after a chat",
		first.ready.Round(time.Millisecond), second.ready.Round(time.Millisecond), rss, used)
	if second.ready > 10*time.Second || rss > 100 {
		t.Errorf("%v and %.1f MB", second.ready, rss)
	}
}

// residentMB returns the resident memory of a process, or 0 on systems other than Linux.
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
	ctx, cancel := context.WithTimeout(t.Context(), httpdtest.Timeout)
	defer cancel()
	second := exec.CommandContext(ctx, binary, "-listen", "127.0.0.1:0", "-data-dir", p.dir)
	var out, errs bytes.Buffer
	second.Stdout, second.Stderr = &out, &errs
	err := second.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitFault {
		t.Errorf("the second process: %v", err)
	}
	if out.Len() > 0 || !strings.Contains(errs.String(),
		"another process uses the data directory "+p.dir) {
		t.Errorf("the second process printed %s%s", out.String(), errs.String())
	}
	p.client().OK(protocol.MethodStatus, "")
	health := exec.CommandContext(ctx, binary, "health", "-listen",
		strings.TrimPrefix(p.url, "http://"))
	if text, err := health.CombinedOutput(); err != nil || string(text) != "ready\n" {
		t.Errorf("health: %v: %s", err, text)
	}
}

func testPrinted(t *testing.T, binary string) {
	dir := t.TempDir()
	for _, format := range []string{"text", "json"} {
		p := startProcess(t, binary, dir, "-log-format", format, "-log-level", "debug")
		answer, err := http.Post(p.url+"/api/session", "application/json",
			strings.NewReader(`{"code":"`+p.link+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		if err := answer.Body.Close(); err != nil || answer.StatusCode != http.StatusNoContent {
			t.Errorf("the link on stdout: HTTP %d, %v", answer.StatusCode, err)
		}
		p.client().Leave()
		p.signal(syscall.SIGTERM)
		p.waitExit()
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
				t.Errorf("stdout does not contain %s:\n%s", word, out)
			}
		}
		if strings.Contains(log, "ERROR") || !strings.Contains(log, "listening") ||
			!strings.Contains(log, "stopped") {
			t.Errorf("the log:\n%s", log)
		}
	}
}
