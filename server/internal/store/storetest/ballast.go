package storetest

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Ballast fills the file system of dir except leave bytes. The returned function removes
// the ballast.
func Ballast(t testing.TB, dir string, leave int64) (drop func()) {
	t.Helper()
	name := filepath.Join(dir, "ballast")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	var full bool
	var size int64
	for block := make([]byte, 1<<20); len(block) > 0; {
		n, err := f.Write(block)
		size += int64(n)
		switch {
		case errors.Is(err, syscall.ENOSPC):
			full = true
			block = block[:len(block)/2]
		case err != nil:
			t.Fatal(err)
		case size > 1<<30:
			t.Fatal("the file system is too large to be filled")
		}
	}
	if !full {
		t.Fatal("the file system is not full")
	}
	if err := errors.Join(f.Truncate(max(0, size-leave)), f.Close()); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(name); err != nil {
			t.Error(err)
		}
	}
}
