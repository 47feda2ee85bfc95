//go:build unix

package app

import "golang.org/x/sys/unix"

// writable returns an error if this process may not write to a file or directory.
func writable(path string) error { return unix.Access(path, unix.W_OK) }
