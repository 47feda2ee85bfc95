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

// testReload changes the configuration's file under the running program.
func testReload(t *testing.T, binary string) {
	settings := configFile(t, `{}`)
	p := startProcess(t, binary, t.TempDir(), "-config", settings)
	c := p.client()
	for i, text := range []string{`{log: {level: "debug"}}`, `{log: {level: "loud"}}`} {
		if err := os.WriteFile(settings, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		p.signal(syscall.SIGHUP)
		p.logs([]string{`msg="configuration read again" applied=[log.level]`, `log.level: must be`}[i])
	}
	c.OK(protocol.MethodStatus, "")
	p.signal(syscall.SIGTERM)
	if state := p.exited(); state.ExitCode() != exitOK {
		t.Errorf("exit code %d\n%s", state.ExitCode(), p.log.String())
	}
}

// logs waits until the program has logged the words.
func (p *process) logs(words string) {
	p.t.Helper()
	for end := time.Now().Add(httpdtest.Impatience); !strings.Contains(p.log.String(), words); {
		if time.Now().After(end) {
			p.t.Fatalf("it does not log %q:\n%s", words, p.log.String())
		}
		time.Sleep(10 * time.Millisecond)
	}
}
