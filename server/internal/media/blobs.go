package media

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// blobs is a directory of blobs and what is derived from them. Files that are being written are in
// a folder of their own, which is emptied at the start.
type blobs struct {
	root *os.Root // confines all access to the directory

	// mu protects a blob while its record is inserted or removed. It is held for reading
	// from the insertion of a record until its blob has its name, and for writing while a
	// blob without a record is looked up and removed.
	mu sync.RWMutex
}

// tempDir is the folder of files that are being written.
const tempDir = "tmp"

// openBlobs opens the directory and empties its temporary folder.
func openBlobs(dir string) (*blobs, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create the folder of files: %w", err)
	}
	if err := os.RemoveAll(filepath.Join(dir, tempDir)); err != nil {
		return nil, fmt.Errorf("remove interrupted uploads: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the folder of files: %w", err)
	}
	if err := root.Mkdir(tempDir, 0o700); err != nil {
		return nil, errors.Join(fmt.Errorf("create the folder of uploads: %w", err), root.Close())
	}
	return &blobs{root: root}, nil
}

// name returns the path of the blob. The blob's folder is named by the first two digits.
func (s Sum) name() string {
	digits := hex.EncodeToString(s[:])
	return filepath.Join(digits[:2], digits)
}

// thumbnail returns the path of the blob's thumbnail.
func (s Sum) thumbnail() string { return s.name() + ".thumbnail" }

// text returns the path of the text of the blob, which is a PDF.
func (s Sum) text() string { return s.name() + ".text" }

// Name returns the path of the blob inside the folder of files, for backups.
func (s Sum) Name() string { return s.name() }

// ThumbnailName returns the path of the blob's thumbnail inside the folder of files.
func (s Sum) ThumbnailName() string { return s.thumbnail() }

// Folder is the name of the folder of files in the data directory.
const Folder = "media"

// tempFile is a file that is being written. It gets its place by commit.
// The creator must call discard in any case.
type tempFile struct {
	*os.File
	blobs *blobs
	name  string
}

// create returns a new temporary file.
func (b *blobs) create() (*tempFile, error) {
	name := filepath.Join(tempDir, rand.Text())
	f, err := b.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, unwritable(err)
	}
	return &tempFile{f, b, name}, nil
}

// commit makes the file durable and renames it to name, replacing a file of that name.
func (f *tempFile) commit(name string) error {
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return unwritable(err)
	}
	shard := filepath.Dir(name)
	err := f.blobs.root.Mkdir(shard, 0o700)
	switch {
	case err == nil:
		err = f.blobs.sync(".")
	case errors.Is(err, fs.ErrExist):
		err = nil
	}
	if err == nil {
		err = f.blobs.root.Rename(f.name, name)
	}
	if err == nil {
		err = f.blobs.sync(shard)
	}
	return unwritable(err)
}

// discard removes the file, unless it was committed.
func (f *tempFile) discard() {
	_ = f.Close() // fails if the file is closed already
	// This fails if the file was committed. The next start empties the folder.
	_ = f.blobs.root.Remove(f.name)
}

// sync makes the file names in a folder durable.
func (b *blobs) sync(dir string) error {
	d, err := b.root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// open opens a blob, or what is derived from it, for reading.
func (b *blobs) open(name string) (*os.File, error) {
	f, err := b.root.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open a file's content: %w", err)
	}
	return f, nil
}

// remove removes a blob with what is derived from it and its stray mark. Each of them may be
// missing.
func (b *blobs) remove(s Sum) error {
	for _, name := range []string{s.thumbnail(), s.text(), s.name(), s.stray()} {
		if err := b.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove a file's content: %w", err)
		}
	}
	return nil
}
