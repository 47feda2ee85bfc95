package main

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// stopTime is how long the gateway may take to stop.
const stopTime = 5 * time.Second

// process is the running gateway.
type process struct {
	binary string
	args   []string

	running *exec.Cmd // nil when no gateway runs
	ended   chan error
}

// exited gets the error of a gateway that ends. It blocks while no gateway runs.
func (p *process) exited() <-chan error { return p.ended }

// restart replaces the process. build names the build for open pages, which reload when
// it changes.
func (p *process) restart(build string) error {
	p.stop()
	command := exec.Command(p.binary, p.args...)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	command.Env = append(os.Environ(), "LIVERELOAD_BUILD="+build)
	ownProcessGroup(command)
	if err := command.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.binary, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	p.running, p.ended = command, ended
	return nil
}

// stop asks the process to stop, and kills it after stopTime.
func (p *process) stop() {
	if p.running == nil {
		return
	}
	_ = p.running.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(stopTime):
		printLine("the gateway did not stop in %v and is killed", stopTime)
		_ = p.running.Process.Kill()
		<-p.ended
	}
	p.running, p.ended = nil, nil
}

// noteExit notes that the process has ended by itself.
func (p *process) noteExit(err error) {
	p.running, p.ended = nil, nil
	if err == nil {
		printLine("the gateway has stopped; the next change starts it again")
		return
	}
	printLine("✗ the gateway has failed (%v); the next change starts it again", err)
}
