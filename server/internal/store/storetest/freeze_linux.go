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
// the result is called or the test ends. Where that is not possible the test is
// skipped. A file that is mapped for writing must not be among them.
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
			t.Skipf("files cannot be made immutable here: %v", err)
		}
	}
	t.Cleanup(thaw)
	return thaw
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
