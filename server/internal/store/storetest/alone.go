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

// aloneIn is the environment variable with the name of the test that a process runs
// alone.
const aloneIn = "GATEHOUSE_TEST_ALONE"

// Alone runs the calling test, which must have no parent, again in a process of its own,
// and reports whether this is that process. There, the test may change what belongs to a
// whole process. The calling process waits until that process ends. Then the test fails
// or is skipped as it was there.
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

// alone runs the test in another process. It returns why the test was skipped there, or
// "".
func alone(t *testing.T, attributes *syscall.SysProcAttr) (skipped string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0],
		"-test.run=^"+regexp.QuoteMeta(t.Name())+"$", "-test.v", "-test.timeout=3m")
	cmd.Env = append(os.Environ(), aloneIn+"="+t.Name())
	cmd.SysProcAttr = attributes
	var output bytes.Buffer // the process writes into a pipe, which has no limit on file sizes
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		return "no process can be started so: " + err.Error()
	}
	err := cmd.Wait()
	switch text := output.String(); {
	case err != nil:
		t.Fatalf("alone: %v\n%s", err, text)
	case strings.Contains(text, "--- SKIP: "+t.Name()):
		return text
	case !strings.Contains(text, "--- PASS: "+t.Name()):
		t.Fatalf("alone it did not run:\n%s", text)
	}
	return ""
}
