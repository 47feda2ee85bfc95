package rig

import (
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Command is a program to be started. Env adds to this process's environment.
type Command struct {
	Path      string
	Args, Env []string
	Dir       string
	Input     io.Reader // nil: none
	Lines     io.Writer // takes its standard output; nil: that goes where its errors go
}

// Program is one that runs. It ends with the test, and what it said is in the
// test's log if that fails.
type Program struct {
	t    testing.TB
	cmd  *exec.Cmd
	said said
	done chan struct{}
}

// said gathers what a program writes.
type said struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// Start starts a program in a process group of its own.
func Start(t testing.TB, c Command) *Program {
	t.Helper()
	p := &Program{t: t, done: make(chan struct{})}
	p.cmd = exec.Command(c.Path, c.Args...)
	p.cmd.Dir, p.cmd.Stdin = c.Dir, c.Input
	p.cmd.Env = append(os.Environ(), c.Env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.said, &p.said
	if c.Lines != nil {
		p.cmd.Stdout = c.Lines
	}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.WaitDelay = time.Second // for what a child of it keeps open
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // what it ends with is for those who look at its output
		close(p.done)
	}()
	t.Cleanup(func() {
		p.End(syscall.SIGTERM)
		if t.Failed() {
			t.Logf("%s said:\n%s", c.Path, p.Output())
		}
	})
	return p
}

// Output is what it has said so far.
func (p *Program) Output() string { return p.said.String() }

// AwaitLine waits for a line of its output that has all these parts.
func (p *Program) AwaitLine(parts ...string) string {
	p.t.Helper()
	var line string
	p.Await("a line with "+strings.Join(parts, " and "), func() bool {
		line = Line(p.Output(), parts...)
		return line != ""
	})
	return line
}

// AwaitPort waits until something listens on a TCP address.
func (p *Program) AwaitPort(address string) {
	p.t.Helper()
	p.Await("something that listens on "+address, func() bool {
		c, err := net.DialTimeout("tcp", address, time.Second)
		if err != nil {
			return false
		}
		_ = c.Close()
		return true
	})
}

// Await waits until there is something that the running program brings about.
func (p *Program) Await(what string, there func() bool) {
	p.t.Helper()
	for end := time.Now().Add(Patience); !there(); time.Sleep(10 * time.Millisecond) {
		select {
		case <-p.done:
			if !there() {
				p.t.Fatalf("%s ended before there was %s:\n%s", p.cmd.Path, what, p.Output())
			}
			return
		default:
		}
		if time.Now().After(end) {
			p.t.Fatalf("%s: not within %v: %s:\n%s", p.cmd.Path, Patience, what, p.Output())
		}
	}
}

// End sends it a signal and waits for its end; what is left of its process group
// is killed.
func (p *Program) End(signal syscall.Signal) {
	p.t.Helper()
	select {
	case <-p.done:
		return
	default:
	}
	if err := p.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Error(err)
	}
	select {
	case <-p.done:
	case <-time.After(Patience):
		p.t.Errorf("%s did not end after %v", p.cmd.Path, signal)
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // most often there is nobody left
	<-p.done
}

// FreeAddress is a loopback address that nobody listens on.
func FreeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// Find gives the path of the first of these commands, or skips the test: the
// reason says what to install.
func Find(t testing.TB, install string, commands ...string) string {
	t.Helper()
	for _, command := range commands {
		if path, err := exec.LookPath(command); err == nil {
			return path
		}
	}
	t.Skipf("there is no %s: install %s", commands[0], install)
	return ""
}
