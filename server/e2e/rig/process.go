package rig

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Command says which program to start.
type Command struct {
	Path   string
	Args   []string
	Env    []string  // NAME=value, in addition to this process's environment
	Dir    string    // working directory; "": this process's
	Stdin  io.Reader // nil: none
	Stdout io.Writer // nil: Output has it, together with standard error
	Log    io.Writer // gets a copy of what Output has; nil: no copy
}

// Process is a program that was started. Its methods return errors, for code that is not
// a test itself; Program wraps a Process for tests.
type Process struct {
	cmd    *exec.Cmd
	output output
	done   chan struct{} // closed when the program has ended
	err    error         // how the program ended; may be read once done is closed
}

// output collects what a program writes.
type output struct {
	log io.Writer // gets a copy; nil: no copy

	// mu guards the following field.
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(p)
	if o.log != nil {
		return o.log.Write(p)
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// StartProcess starts a program in a process group of its own.
func StartProcess(c Command) (*Process, error) {
	p := &Process{output: output{log: c.Log}, done: make(chan struct{})}
	p.cmd = exec.Command(c.Path, c.Args...)
	p.cmd.Dir, p.cmd.Stdin = c.Dir, c.Stdin
	p.cmd.Env = append(os.Environ(), c.Env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	if c.Stdout != nil {
		p.cmd.Stdout = c.Stdout
	}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.WaitDelay = time.Second // its children may keep the pipes open
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Path, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// Output returns what the program has written so far.
func (p *Process) Output() string { return p.output.String() }

// Ended waits for the program to end, for limit at most, and reports whether it has.
func (p *Process) Ended(limit time.Duration) bool {
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case <-p.done:
		return true
	case <-t.C:
		return false
	}
}

// Err returns how the program ended: nil for exit code 0. It may be called once the
// program has ended.
func (p *Process) Err() error {
	<-p.done
	return p.err
}

// AwaitLine waits for a line of output that contains all parts, and returns the line.
func (p *Process) AwaitLine(ctx context.Context, parts ...string) (line string, err error) {
	err = p.Await(ctx, "line with "+strings.Join(parts, " and "), func() bool {
		line = FindLine(p.Output(), parts...)
		return line != ""
	})
	return line, err
}

// Await waits until ready returns true. It fails when the program or ctx ends before.
// The error names what did not come, and has the program's output.
func (p *Process) Await(ctx context.Context, what string, ready func() bool) error {
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for !ready() {
		select {
		case <-poll.C:
		case <-p.done:
			if ready() {
				return nil
			}
			return fmt.Errorf("%s ended (%v) without a %s:\n%s", p.cmd.Path, p.err, what, p.Output())
		case <-ctx.Done():
			return fmt.Errorf("%s: no %s: %w:\n%s", p.cmd.Path, what,
				context.Cause(ctx), p.Output())
		}
	}
	return nil
}

// Signal sends the program a signal. A program that has ended is no error.
func (p *Process) Signal(signal syscall.Signal) error {
	if err := p.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("send %v to %s: %w", signal, p.cmd.Path, err)
	}
	return nil
}

// End sends the program a signal and waits until it has ended. After limit, the program
// is killed and End returns an error. What is left of the process group is killed too.
func (p *Process) End(signal syscall.Signal, limit time.Duration) error {
	err := p.Signal(signal)
	if !p.Ended(limit) {
		err = errors.Join(err, fmt.Errorf("%s did not end within %v of %v", p.cmd.Path,
			limit, signal))
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // mostly nobody is left
	<-p.done
	return err
}

// FindLine returns the first line of text that contains all parts, or "".
func FindLine(text string, parts ...string) string {
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
