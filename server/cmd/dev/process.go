package main

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// stopTime is how long the gateway may take to stop when it is asked to.
const stopTime = 5 * time.Second

// process is the gateway that runs.
type process struct {
	binary string
	args   []string

	running *exec.Cmd // nil when none is
	ended   chan error
}

// exited gives what the running process ended with; it blocks when none runs.
func (p *process) exited() <-chan error { return p.ended }

// restart replaces the process. build is the name by which open pages tell builds
// apart.
func (p *process) restart(build string) error {
	p.stop()
	command := exec.Command(p.binary, p.args...)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	command.Env = append(os.Environ(), "LIVERELOAD_BUILD="+build)
	alone(command)
	if err := command.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.binary, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	p.running, p.ended = command, ended
	return nil
}

// stop asks the process to stop, and kills it when it does not.
func (p *process) stop() {
	if p.running == nil {
		return
	}
	_ = p.running.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(stopTime):
		say("the gateway did not stop in %v and is killed", stopTime)
		_ = p.running.Process.Kill()
		<-p.ended
	}
	p.running, p.ended = nil, nil
}

// gone takes note that the process ended by itself.
func (p *process) gone(err error) {
	p.running, p.ended = nil, nil
	if err == nil {
		say("the gateway has stopped; the next change starts it again")
		return
	}
	say("✗ the gateway has failed (%v); the next change starts it again", err)
}
