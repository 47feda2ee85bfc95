package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

const (
	startLimit   = 20 * time.Second // from the start to listening
	drainTimeout = 700 * time.Millisecond
	stopLimit    = drainTimeout + 15*time.Second // from SIGTERM to the end
	token        = "the-token-of-a-chaos-run"
)

// gateway is the binary with its data directory.
type gateway struct {
	binary, dir string
	log         *os.File

	process *process // nil while it is down
	faults  []string // what it said that it should not have to
}

// process is one life of a gateway.
type process struct {
	*exec.Cmd
	said *said
	done chan struct{} // closed when it has ended
	err  error         // of its end
}

// newGateway prepares a gateway in dir, which keeps its data, its configuration
// and its log. The pieces of ended runs stay for so long; 0 is the default.
func newGateway(binary, dir string, pieces time.Duration) (*gateway, error) {
	config := fmt.Sprintf(`{gateway: {listen: "127.0.0.1:0", token: %q, drain_timeout: %q}`, token, drainTimeout)
	if pieces > 0 {
		config += fmt.Sprintf(", retention: {pieces: %q}", pieces)
	}
	config += "}\n"
	err := os.WriteFile(filepath.Join(dir, "config.json5"), []byte(config), 0o600)
	if err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	log, err := os.OpenFile(filepath.Join(dir, "gateway.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	return &gateway{binary: binary, dir: dir, log: log}, nil
}

func (g *gateway) database() string { return filepath.Join(g.dir, "data", "gatehouse.db") }

// start starts the gateway; listening is called with its address as soon as it
// listens.
func (g *gateway) start(ctx context.Context, listening func(address string)) error {
	p := &process{done: make(chan struct{}), said: newSaid(g.log)}
	p.Cmd = exec.Command(g.binary, "-config", filepath.Join(g.dir, "config.json5"),
		"-data-dir", filepath.Join(g.dir, "data"), "-log-format", "json")
	p.Dir, p.Stderr = g.dir, p.said
	p.Env = append(os.Environ(), "HOME="+g.dir)
	if err := p.Start(); err != nil {
		return fmt.Errorf("start the gateway: %w", err)
	}
	g.process = p
	go func() {
		p.err = p.Wait()
		close(p.done)
	}()
	t := time.NewTimer(startLimit)
	defer t.Stop()
	select {
	case address := <-p.said.address:
		listening(address)
		return nil
	case <-p.done:
		g.process = nil
		return fmt.Errorf("the gateway ended at its start: %w: %s", errors.Join(p.err), p.said.last())
	case <-t.C:
		return errors.Join(fmt.Errorf("the gateway did not listen within %v: %s", startLimit, p.said.last()), g.kill())
	case <-ctx.Done():
		return errors.Join(context.Cause(ctx), g.kill())
	}
}

// kill ends the process at once.
func (g *gateway) kill() error { return g.end(syscall.SIGKILL, 0) }

// stop asks the process to end, and again after impatience if that is not 0. It
// gives an error unless it ends in time and with exit code 0; after a second
// signal it may end as it likes.
func (g *gateway) stop(impatience time.Duration) error { return g.end(syscall.SIGTERM, impatience) }

func (g *gateway) end(signal syscall.Signal, impatience time.Duration) error {
	p := g.process
	if p == nil {
		return nil
	}
	g.process = nil
	defer func() { g.faults = append(g.faults, p.said.faults()...) }()
	if err := p.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal the gateway: %w", err)
	}
	if impatience > 0 {
		if !p.ended(impatience) {
			_ = p.Process.Signal(signal) // it may have ended meanwhile
		}
	}
	switch {
	case !p.ended(stopLimit):
		_ = p.Process.Kill()
		<-p.done
		return fmt.Errorf("the gateway did not end within %v of %v", stopLimit, signal)
	case signal == syscall.SIGTERM && impatience == 0 && p.err != nil:
		return fmt.Errorf("the gateway ended after %v with %w", signal, p.err)
	}
	return nil
}

func (p *process) ended(within time.Duration) bool {
	t := time.NewTimer(within)
	defer t.Stop()
	select {
	case <-p.done:
		return true
	case <-t.C:
		return false
	}
}

// said reads a gateway's log while it is written.
type said struct {
	log     *os.File
	address chan string // gets the address once it listens

	mu   sync.Mutex
	rest []byte // of a line
	line string // the last one
	bad  []string
}

func newSaid(log *os.File) *said { return &said{log: log, address: make(chan string, 1)} }

// Write takes log lines.
func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rest = append(s.rest, b...)
	for {
		line, rest, ok := bytes.Cut(s.rest, []byte("\n"))
		if !ok {
			return s.log.Write(b)
		}
		s.take(line)
		s.rest = bytes.Clone(rest)
	}
}

func (s *said) take(line []byte) {
	s.line = string(line)
	var entry struct{ Level, Msg, Address string }
	if json.Unmarshal(line, &entry) != nil {
		for _, word := range []string{"panic:", "fatal error:", "DATA RACE"} {
			if bytes.Contains(line, []byte(word)) {
				s.bad = append(s.bad, s.line)
			}
		}
		return
	}
	if entry.Level == "ERROR" {
		s.bad = append(s.bad, s.line)
	}
	if entry.Msg == "listening" {
		select {
		case s.address <- entry.Address:
		default:
		}
	}
}

func (s *said) last() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.line
}

// faults are the errors that were logged, and what a crash prints.
func (s *said) faults() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bad
}
