package format

import (
	"syscall"
	"testing"
	"time"
)

// cpuTime returns how long the thread has been on a processor, so that a test does not
// measure what else the machine does. The goroutine must be locked to its thread.
func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	const thread = 1 // RUSAGE_THREAD
	var used syscall.Rusage
	if err := syscall.Getrusage(thread, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
