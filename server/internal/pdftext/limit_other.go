//go:build !linux

package pdftext

import "runtime/debug"

// limitProcess limits the memory as far as the garbage collector can; here, the time
// limit alone is strict.
func limitProcess() error {
	debug.SetMemoryLimit(256 << 20)
	return nil
}
