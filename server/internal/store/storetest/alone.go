package storetest

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// aloneIn names the environment variable that holds which test a process runs
// alone.
const aloneIn = "GATEHOUSE_TEST_ALONE"

// Alone runs the calling test, which must have no parent, again in a process of its own,
// and reports whether this is that process. There, the test may change what belongs to a
// whole process. The other process waits for the end, and fails or skips as that one did.
func Alone(t *testing.T) bool {
	t.Helper()
	if os.Getenv(aloneIn) == t.Name() {
		return true
	}
	if why := alone(t, nil); why != "" {
		t.Skip(why)
	}
	return false
}

// alone gives why the test could not be run there, or "".
func alone(t *testing.T, attributes *syscall.SysProcAttr) (skipped string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+regexp.QuoteMeta(t.Name())+"$", "-test.v", "-test.timeout=3m")
	cmd.Env = append(os.Environ(), aloneIn+"="+t.Name())
	cmd.SysProcAttr = attributes
	var said bytes.Buffer // a pipe, so that a limit on files does not concern it
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		return "no process can be started so: " + err.Error()
	}
	err := cmd.Wait()
	switch text := said.String(); {
	case err != nil:
		t.Fatalf("alone: %v\n%s", err, text)
	case strings.Contains(text, "--- SKIP: "+t.Name()):
		return text
	case !strings.Contains(text, "--- PASS: "+t.Name()):
		t.Fatalf("alone it did not run:\n%s", text)
	}
	return ""
}
