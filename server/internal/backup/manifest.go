package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// ManifestFile is the name of the manifest in a backup.
const ManifestFile = "gatehouse-backup.json"

// format is the version of the manifest.
const format = 1

// maxManifest limits the size of a manifest that is read, in bytes.
const maxManifest = 1 << 30

// Manifest lists what a backup has.
type Manifest struct {
	Format    int       `json:"format"`
	CreatedAt time.Time `json:"createdAt"`
	Gatehouse string    `json:"gatehouse"` // the version of the program that made the backup
	Database  int64     `json:"database"`  // the version of the database's tables
	Instance  string    `json:"instance"`  // the id of the data
	Files     []File    `json:"files"`
	// Missing are files that the database names and that the data directory did not have.
	Missing []string `json:"missing,omitempty"`
}

// File is a file of a backup.
type File struct {
	Path   string `json:"path"` // inside the backup, with slashes
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Bytes returns the size of all files.
func (m Manifest) Bytes() (sum int64) {
	for _, f := range m.Files {
		sum += f.Size
	}
	return sum
}

// write writes the manifest, atomically and durably.
func (m Manifest) write(root *os.Root) error {
	text, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return err
	}
	const temp = ManifestFile + ".new"
	f, err := root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := root.Rename(temp, ManifestFile); err != nil {
		return err
	}
	return syncFolder(root, ".")
}

// readManifest reads the manifest of a backup.
func readManifest(root *os.Root) (m Manifest, err error) {
	f, err := root.Open(ManifestFile)
	if errors.Is(err, fs.ErrNotExist) {
		return m, fmt.Errorf("%s is no complete backup: it has no %s, which gatehouse backup writes "+
			"last; take another backup", root.Name(), ManifestFile)
	}
	if err != nil {
		return m, err
	}
	defer f.Close()
	if err := json.NewDecoder(io.LimitReader(f, maxManifest)).Decode(&m); err != nil {
		return m, fmt.Errorf("%s is damaged: %w; use another backup", filepath.Join(root.Name(), ManifestFile), err)
	}
	if m.Format != format {
		return m, fmt.Errorf("%s has the format %d, but this program knows only %d: use the "+
			"Gatehouse that made the backup, version %q", ManifestFile, m.Format, format, m.Gatehouse)
	}
	for _, f := range m.Files {
		if !filepath.IsLocal(filepath.FromSlash(f.Path)) {
			return m, fmt.Errorf("%s is damaged: %q is outside of the backup", ManifestFile, f.Path)
		}
	}
	return m, nil
}

// verify compares a file with its entry.
func (f File) verify(root *os.Root) error {
	got, err := describe(root, f.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s is missing in the backup: use another one", f.Path)
	case err != nil:
		return fmt.Errorf("%s cannot be read as a file of the backup: %w", f.Path, err)
	case got != f:
		return fmt.Errorf("%s is damaged: it has changed since the backup was made; use another one", f.Path)
	}
	return nil
}

// describe returns the entry of a file.
func describe(root *os.Root, path string) (File, error) {
	// Before the file is opened: opening a pipe would wait for ever.
	if info, err := root.Stat(filepath.FromSlash(path)); err != nil {
		return File{}, err
	} else if !info.Mode().IsRegular() {
		return File{}, fmt.Errorf("%s is not a file", path)
	}
	f, err := root.Open(filepath.FromSlash(path))
	if err != nil {
		return File{}, err
	}
	defer f.Close()
	digest := sha256.New()
	size, err := io.Copy(digest, f)
	if err != nil {
		return File{}, err
	}
	return File{Path: path, Size: size, SHA256: hex.EncodeToString(digest.Sum(nil))}, nil
}

// copyFile copies a file durably, with mode 0600, into a new file. It creates the folder of
// the new file. The caller must sync the folders.
func copyFile(from *os.Root, path string, to *os.Root) (File, error) {
	in, err := from.Open(filepath.FromSlash(path))
	if err != nil {
		return File{}, err
	}
	defer in.Close()
	if info, err := in.Stat(); err != nil || !info.Mode().IsRegular() {
		return File{}, errors.Join(err, fmt.Errorf("%s is not a file", path))
	}
	name := filepath.FromSlash(path)
	if err := to.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return File{}, err
	}
	out, err := to.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return File{}, err
	}
	digest := sha256.New()
	size, err := io.Copy(io.MultiWriter(out, digest), in)
	if err := errors.Join(err, out.Sync(), out.Close()); err != nil {
		return File{}, errors.Join(err, to.Remove(name))
	}
	return File{Path: path, Size: size, SHA256: hex.EncodeToString(digest.Sum(nil))}, nil
}

// syncFolders makes the names of all files and folders durable.
func syncFolders(root *os.Root) error {
	return fs.WalkDir(root.FS(), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		return syncFolder(root, path)
	})
}

func syncFolder(root *os.Root, path string) error {
	d, err := root.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
