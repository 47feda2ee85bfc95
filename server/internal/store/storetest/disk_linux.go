package storetest

import (
	"os"
	"strconv"
	"syscall"
	"testing"
)

// Disk does what Alone does, and mounts a file system of that many bytes of memory at
// dir, which only that process sees. If the kernel does not allow mounts, the test logs
// that and passes: a limit on file sizes, with Alone, tests full disks as well.
func Disk(t *testing.T, size int) (dir string, isAlone bool) {
	t.Helper()
	if os.Getenv(aloneIn) != t.Name() {
		// With a user namespace no privilege is needed.
		why := alone(t, &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
		})
		if why != "" {
			t.Log("not tried on a disk of its own: " + why)
		}
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
