package interop

import (
	"os/exec"
	"testing"
)

// python gives a Python that has websockets, the system's before others: that
// is the one for which a package manager installs.
func python(t testing.TB) string {
	t.Helper()
	for _, path := range []string{"/usr/bin/python3", "python3"} {
		if exec.Command(path, "-c", "import websockets").Run() == nil {
			return path
		}
	}
	t.Skip("there is no Python with websockets: install python3-websockets")
	return ""
}
