//go:build !linux

package format

import (
	"testing"
	"time"
)

var started = time.Now()

// cpuTime returns the time that has passed, where no thread's time is to be had.
func cpuTime(*testing.T) time.Duration { return time.Since(started) }
