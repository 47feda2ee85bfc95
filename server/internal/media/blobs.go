package media

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// blobs is a directory of contents, each named by its sum, with its small
// picture beside it. What is being written lies in a folder of its own, which is
// emptied at the start.
type blobs struct {
	root *os.Root // nothing outside of it can be reached

	// claims is held for reading from the insertion of a record until its blob has
	// its name, and for writing while it is decided that a blob has no record.
	claims sync.RWMutex
}

// unfinished is the folder of what is being written.
const unfinished = "tmp"

func openBlobs(dir string) (*blobs, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of files: %w", err)
	}
	if err := os.RemoveAll(filepath.Join(dir, unfinished)); err != nil {
		return nil, fmt.Errorf("remove uploads that a stop broke off: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the folder of files: %w", err)
	}
	if err := root.Mkdir(unfinished, 0o700); err != nil {
		return nil, errors.Join(fmt.Errorf("make the folder of uploads: %w", err), root.Close())
	}
	return &blobs{root: root}, nil
}

// name is the blob's place, below a folder of its first two digits.
func (s Sum) name() string {
	digits := hex.EncodeToString(s[:])
	return filepath.Join(digits[:2], digits)
}

// small is the place of the picture beside it.
func (s Sum) small() string { return s.name() + ".thumbnail" }

// draft is a file on its way. It must be dropped when it is no longer needed,
// also if it was kept.
type draft struct {
	*os.File
	blobs *blobs
	name  string
}

func (b *blobs) draft() (*draft, error) {
	name := filepath.Join(unfinished, rand.Text())
	f, err := b.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, unwritable(err)
	}
	return &draft{f, b, name}, nil
}

// keep makes what was written durable, and gives it a name in place of what may
// have that.
func (d *draft) keep(name string) error {
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return unwritable(err)
	}
	shard := filepath.Dir(name)
	err := d.blobs.root.Mkdir(shard, 0o700)
	switch {
	case err == nil:
		err = d.blobs.sync(".")
	case errors.Is(err, fs.ErrExist):
		err = nil
	}
	if err == nil {
		err = d.blobs.root.Rename(d.name, name)
	}
	if err == nil {
		err = d.blobs.sync(shard)
	}
	return unwritable(err)
}

// drop removes what was not kept.
func (d *draft) drop() {
	_ = d.Close()                   // it may be closed
	_ = d.blobs.root.Remove(d.name) // it may have another name; else the next start removes it
}

// sync makes the names in a folder durable.
func (b *blobs) sync(dir string) error {
	d, err := b.root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// open opens a blob for reading.
func (b *blobs) open(name string) (io.ReadSeekCloser, error) {
	f, err := b.root.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open a file's content: %w", err)
	}
	return f, nil
}

// remove removes a blob with all that is beside it; one that is not there is no
// error.
func (b *blobs) remove(s Sum) error {
	for _, name := range []string{s.small(), s.name(), s.stray()} {
		if err := b.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove a file's content: %w", err)
		}
	}
	return nil
}
