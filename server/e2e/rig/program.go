package rig

import (
	"context"
	"math/rand/v2"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// WaitLimit bounds each wait for something that should happen at once.
const WaitLimit = 90 * time.Second

// Program is a Process that ends with its test. When the test fails, the test's log has
// the program's output.
type Program struct {
	t       testing.TB
	process *Process
}

// Start starts a program.
func Start(t testing.TB, c Command) *Program {
	t.Helper()
	process, err := StartProcess(c)
	if err != nil {
		t.Fatal(err)
	}
	p := &Program{t: t, process: process}
	t.Cleanup(func() {
		p.End(syscall.SIGTERM)
		if t.Failed() {
			t.Logf("%s wrote:\n%s", c.Path, p.Output())
		}
	})
	return p
}

// Output returns what the program has written so far.
func (p *Program) Output() string { return p.process.Output() }

// AwaitLine waits for a line of output that contains all parts, and returns the line.
func (p *Program) AwaitLine(parts ...string) string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), WaitLimit)
	defer cancel()
	line, err := p.process.AwaitLine(ctx, parts...)
	if err != nil {
		p.t.Fatal(err)
	}
	return line
}

// AwaitPort waits until somebody listens on a TCP address.
func (p *Program) AwaitPort(address string) {
	p.t.Helper()
	p.Await("listener on "+address, func() bool {
		c, err := net.DialTimeout("tcp", address, time.Second)
		if err != nil {
			return false
		}
		_ = c.Close()
		return true
	})
}

// Await waits until ready returns true. The test fails when the program ends before.
func (p *Program) Await(what string, ready func() bool) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), WaitLimit)
	defer cancel()
	if err := p.process.Await(ctx, what, ready); err != nil {
		p.t.Fatal(err)
	}
}

// End sends the program a signal and waits until it has ended; a program that does not
// end fails the test. Nothing happens when the program has ended before.
func (p *Program) End(signal syscall.Signal) {
	p.t.Helper()
	if p.process.Ended(0) {
		return
	}
	if err := p.process.End(signal, WaitLimit); err != nil {
		p.t.Error(err)
	}
}

// FreeAddress returns a loopback address on which nobody listens. Its port is below
// those that the kernel gives to whoever asks for port 0 (32768 and up on Linux), so
// that tests which run beside this one do not take it before the caller does.
func FreeAddress(t testing.TB) string {
	t.Helper()
	const first, ports, tries = 20_000, 12_000, 100
	var err error
	for range tries {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(first+rand.IntN(ports)))
		var l net.Listener
		if l, err = net.Listen("tcp", address); err == nil {
			_ = l.Close()
			return address
		}
	}
	t.Fatal(err)
	return ""
}

// FindCommand returns the path of the first of these commands that is installed. Without
// any, the test is skipped, and the reason names the package to install.
func FindCommand(t testing.TB, install string, commands ...string) string {
	t.Helper()
	for _, command := range commands {
		if path, err := exec.LookPath(command); err == nil {
			return path
		}
	}
	t.Skipf("there is no %s: install %s", strings.Join(commands, " or "), install)
	return ""
}
