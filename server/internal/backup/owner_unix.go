//go:build unix

package backup

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// giveToOwner gives a file, or a folder with all that is in it, to the owner of the data
// directory that it is in, if this process may. Otherwise a restore by root would leave
// files that the gateway's user cannot read.
func giveToOwner(dir *os.Root, name string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := dir.Stat(".")
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	return fs.WalkDir(dir.FS(), name, func(path string, _ fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		return dir.Lchown(path, int(owner.Uid), int(owner.Gid))
	})
}
