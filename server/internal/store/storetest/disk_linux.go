package storetest

import (
	"os"
	"strconv"
	"syscall"
	"testing"
)

// Disk does what Alone does, and gives that process a file system of its own: so
// many bytes of memory at dir, which nobody else sees and which goes with the
// process. Where the kernel lets nobody mount anything, the test is skipped.
func Disk(t *testing.T, size int) (dir string, isAlone bool) {
	t.Helper()
	if os.Getenv(aloneIn) != t.Name() {
		// With a user namespace no privilege is needed.
		alone(t, &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
		})
		return "", false
	}
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=0700,size="+strconv.Itoa(size)); err != nil {
		t.Skipf("this kernel lets a test mount nothing: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir, true
}
