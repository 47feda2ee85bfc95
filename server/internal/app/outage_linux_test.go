package app_test

import (
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/storetest"
)

// A file system that is full.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	disk, is := storetest.Disk(t, 16<<20)
	if !is {
		return
	}
	var drop func()
	outlive(t, filepath.Join(disk, "data"), outage{
		causes: []store.Cause{store.Full},
		begin:  func() { drop = storetest.Ballast(t, disk, 0) },
		end:    func() { drop() },
	})
}

// Files that have become read-only.
func TestReadOnlyFiles(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	if !storetest.CanFreeze(t, parent) {
		return
	}
	dir := filepath.Join(parent, "data")
	db := filepath.Join(dir, "gatehouse.db")
	var thaw func()
	outlive(t, dir, outage{
		causes: []store.Cause{store.ReadOnly, store.Failing},
		begin:  func() { thaw = storetest.Freeze(t, db, db+"-wal", dir) },
		end:    func() { thaw() },
	})
}

// A disk that takes no write. It works on any system: by a limit on the size of files,
// the kernel refuses every write of this process to a file.
func TestDiskThatTakesNothing(t *testing.T) {
	t.Parallel()
	if !storetest.Alone(t) {
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	limit := func(soft uint64) (was uint64) {
		var l syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
			t.Fatal(err)
		}
		was = l.Cur
		l.Cur = soft
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
			t.Fatal(err)
		}
		return was
	}
	var before uint64
	outlive(t, t.TempDir(), outage{
		causes: []store.Cause{store.Failing},
		begin:  func() { before = limit(0) },
		end:    func() { limit(before) },
	})
}
