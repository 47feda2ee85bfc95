package main

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// testReload edits the config file of the running program.
func testReload(t *testing.T, binary string) {
	settings := configFile(t, `{}`)
	p := startProcess(t, binary, t.TempDir(), "-config", settings)
	c := p.client()
	for i, text := range []string{`{log: {level: "debug"}}`, `{log: {level: "loud"}}`} {
		if err := os.WriteFile(settings, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		p.signal(syscall.SIGHUP)
		p.waitLog([]string{`msg="configuration read again" applied=[log.level]`,
			`log.level: must be`}[i])
	}
	c.OK(protocol.MethodStatus, "")
	p.signal(syscall.SIGTERM)
	if state := p.waitExit(); state.ExitCode() != exitOK {
		t.Errorf("exit code %d\n%s", state.ExitCode(), p.log.String())
	}
}

// waitLog waits until the log contains text.
func (p *process) waitLog(text string) {
	p.t.Helper()
	for end := time.Now().Add(httpdtest.Timeout); !strings.Contains(p.log.String(), text); {
		if time.Now().After(end) {
			p.t.Fatalf("the log does not contain %q:\n%s", text, p.log.String())
		}
		time.Sleep(10 * time.Millisecond)
	}
}
