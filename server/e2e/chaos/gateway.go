package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/e2e/rig"
)

const (
	startLimit   = 20 * time.Second // from the start until the gateway listens
	drainTimeout = 700 * time.Millisecond
	stopLimit    = drainTimeout + 15*time.Second // from SIGTERM until the gateway has ended
	token        = "the-token-of-a-chaos-run"
)

// gateway is the binary with its data directory.
type gateway struct {
	binary, dir string
	log         *os.File // of all its processes

	process *rig.Process // nil while the gateway is down
	faults  []string     // log lines that a gateway should not write
}

// newGateway prepares a gateway that keeps its data, its configuration and its log in dir.
// retention is how long the pieces of ended runs stay; 0 is the gateway's default.
func newGateway(binary, dir string, retention time.Duration) (*gateway, error) {
	config := fmt.Sprintf(`{gateway: {listen: "127.0.0.1:0", token: %q, drain_timeout: %q}`,
		token, drainTimeout)
	if retention > 0 {
		config += fmt.Sprintf(", retention: {pieces: %q}", retention)
	}
	config += "}\n"
	if err := os.WriteFile(rig.ConfigFile(dir), []byte(config), 0o600); err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	log, err := os.OpenFile(filepath.Join(dir, "gateway.log"),
		os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	return &gateway{binary: binary, dir: dir, log: log}, nil
}

func (g *gateway) database() string { return filepath.Join(g.dir, "data", "gatehouse.db") }

// start starts the gateway, waits until it listens, and returns its address. When that
// fails, the gateway is down.
func (g *gateway) start(ctx context.Context) (address string, err error) {
	command := rig.GatewayCommand(g.binary, g.dir)
	command.Log = g.log
	p, err := rig.StartProcess(command)
	if err != nil {
		return "", err
	}
	g.process = p
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if address, err = rig.AwaitListening(ctx, p); err != nil {
		if killed := g.kill(); killed != nil {
			return "", killed
		}
		return "", err
	}
	return address, nil
}

// kill ends the process at once.
func (g *gateway) kill() error { return g.end(syscall.SIGKILL, 0) }

// stop asks the process to end, and asks again after impatience if that is not 0. The
// process has to end in time and with exit code 0; after a second signal, any exit code
// will do.
func (g *gateway) stop(impatience time.Duration) error { return g.end(syscall.SIGTERM, impatience) }

func (g *gateway) end(signal syscall.Signal, impatience time.Duration) error {
	p := g.process
	if p == nil {
		return nil
	}
	g.process = nil
	defer func() { g.faults = append(g.faults, faultsIn(p.Output())...) }()
	if impatience > 0 {
		if err := p.Signal(signal); err != nil {
			return err
		}
		p.Ended(impatience)
	}
	if err := p.End(signal, stopLimit); err != nil {
		return err
	}
	if signal == syscall.SIGTERM && impatience == 0 && p.Err() != nil {
		return fmt.Errorf("the gateway ended after %v with %w", signal, p.Err())
	}
	return nil
}

// faultsIn returns the errors in a gateway's log, and what a crash prints.
func faultsIn(log string) (faults []string) {
	for line := range strings.Lines(log) {
		line = strings.TrimSuffix(line, "\n")
		var entry struct{ Level string }
		if json.Unmarshal([]byte(line), &entry) == nil {
			if entry.Level == "ERROR" {
				faults = append(faults, line)
			}
			continue
		}
		for _, mark := range []string{"panic:", "fatal error:", "DATA RACE"} {
			if strings.Contains(line, mark) {
				faults = append(faults, line)
			}
		}
	}
	return faults
}
