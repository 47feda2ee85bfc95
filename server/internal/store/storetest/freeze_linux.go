package storetest

import (
	"errors"
	"os"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// Freeze makes files and directories that nobody can write to, not even through
// descriptors that are open, as when a file system has become read-only, until
// the result is called or the test ends: see CanFreeze. A file that is mapped for
// writing must not be among them.
func Freeze(t testing.TB, names ...string) (thaw func()) {
	t.Helper()
	thaw = sync.OnceFunc(func() {
		for _, name := range names {
			if err := setImmutable(name, false); err != nil {
				t.Errorf("thaw %s: %v", name, err)
			}
		}
	})
	for i, name := range names {
		if err := setImmutable(name, true); err != nil {
			names = names[:i]
			thaw()
			t.Fatalf("freeze %s: %v", names, err)
		}
	}
	t.Cleanup(thaw)
	return thaw
}

// CanFreeze reports whether files in dir can be frozen. Where they cannot, by the
// kernel or the file system, nothing that could be installed would change that:
// the test says so.
func CanFreeze(t testing.TB, dir string) bool {
	t.Helper()
	err := setImmutable(dir, true)
	if err == nil {
		err = setImmutable(dir, false)
	}
	if err != nil {
		t.Logf("not tried with files that are read-only: %v", err)
	}
	return err == nil
}

// setImmutable does what chattr +i and -i do (ioctl_iflags(2)).
func setImmutable(name string, on bool) (err error) {
	const immutable = 0x10 // FS_IMMUTABLE_FL
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	flags, err := unix.IoctlGetInt(int(f.Fd()), unix.FS_IOC_GETFLAGS)
	if err != nil {
		return err
	}
	flags &^= immutable
	if on {
		flags |= immutable
	}
	return unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, flags)
}
