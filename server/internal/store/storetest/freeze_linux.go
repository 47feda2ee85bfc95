package storetest

import (
	"errors"
	"os"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// Freeze makes files and directories immutable, even for open descriptors, as if the file
// system had become read-only. The returned function, or the end of the test, undoes
// that. See CanFreeze. Files that are mapped for writing must not be among them.
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

// CanFreeze reports whether files in dir can be frozen. If not, the test logs the reason.
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
