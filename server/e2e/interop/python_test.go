package interop

import (
	"os/exec"
	"testing"
)

// findPython returns a Python that has websockets. It prefers the system's Python, since
// package managers install websockets for that one.
func findPython(t testing.TB) string {
	t.Helper()
	for _, path := range []string{"/usr/bin/python3", "python3"} {
		if exec.Command(path, "-c", "import websockets").Run() == nil {
			return path
		}
	}
	t.Skip("there is no Python with websockets: install python3-websockets")
	return ""
}
