package backup

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
	"github.com/gatehouse-chat/gatehouse/server/internal/media"
)

// Contents says what a copy of a database has.
type Contents struct {
	Version  int64  // of the tables
	Instance string // the id of the data
	Blobs    []Blob // the contents of files that its records name, each once
}

// Blob is the content of files.
type Blob struct {
	Sum       media.Sum
	Thumbnail bool
}

// Database is what a backup needs of the database engine.
type Database struct {
	Name     string // of the database's file
	Mark     string // the name of the file that marks how far the data has come
	LockFile string // the name of the file that Lock locks
	// Leftovers are the suffixes of files that the engine may leave beside a database.
	Leftovers []string
	// Copy copies the database of a data directory into a new file and checks the copy.
	// A gateway may use the directory meanwhile.
	Copy func(ctx context.Context, dataDir, to string) (Contents, error)
	// Examine checks a copy and changes nothing.
	Examine func(ctx context.Context, file string) (Contents, error)
	// Lock locks a data directory, which it creates if it does not exist. It refuses a
	// directory that a gateway uses.
	Lock func(dataDir string) (unlock func() error, err error)
}

// MakeOptions are what Make needs.
type MakeOptions struct {
	DataDir  string
	To       string // a directory that does not exist or is empty
	Version  string // of the program, for the manifest
	Database Database
}

// Certificates is the folder of certificates and their keys in a data directory.
const Certificates = "acme"

const (
	// makeRounds limits how often Make copies the database.
	makeRounds = 10
	// makePause is the pause before another round. An upload stores its record a moment
	// before its content.
	makePause = time.Second
)

// Make makes a backup. If it fails, it removes what it has copied.
//
// Files may be uploaded and deleted meanwhile. So Make copies the database first, and then
// the files that the copy names. If one of them is gone, Make copies the database again. A
// file that is still named then, and still gone, is missing in the data directory, too.
func Make(ctx context.Context, o MakeOptions) (m Manifest, err error) {
	if _, err := os.Stat(filepath.Join(o.DataDir, o.Database.Name)); err != nil {
		return m, fmt.Errorf("there is no database in %s: run this command with the same -config, "+
			"-data-dir and environment as the gateway", o.DataDir)
	}
	created, err := createTarget(o.To)
	if err != nil {
		return m, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, clearTarget(o.To, created))
		}
	}()
	to, err := os.OpenRoot(o.To)
	if err != nil {
		return m, err
	}
	defer to.Close()
	from, err := os.OpenRoot(o.DataDir)
	if err != nil {
		return m, err
	}
	defer from.Close()
	b := &maker{MakeOptions: o, from: from, to: to, files: map[string]File{}}
	return b.make(ctx)
}

// createTarget creates the directory of a backup, and reports whether it did.
func createTarget(dir string) (created bool, err error) {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return false, fmt.Errorf("create the directory of the backup: %w", err)
		}
		return true, nil
	case err != nil:
		return false, fmt.Errorf("the directory of the backup: %w", err)
	case len(entries) > 0:
		return false, fmt.Errorf("%s is not empty: name a new directory for the backup, so that it "+
			"replaces no older one", dir)
	}
	return false, os.Chmod(dir, 0o700) // #nosec G302 -- a directory
}

// clearTarget removes a backup that has failed.
func clearTarget(dir string, created bool) error {
	if created {
		return os.RemoveAll(dir)
	}
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return err
}

// maker makes one backup.
type maker struct {
	MakeOptions
	from, to *os.Root
	files    map[string]File // what was copied, by path
}

func (b *maker) make(ctx context.Context) (m Manifest, err error) {
	contents, missing, err := b.copyData(ctx)
	if err != nil {
		return m, err
	}
	for _, name := range []string{auth.TokenFile, b.Database.Mark} {
		if err := b.copy(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return m, fmt.Errorf("copy %s: %w", name, err)
		}
	}
	if err := b.copyFolder(ctx, Certificates); err != nil {
		return m, fmt.Errorf("copy the certificates: %w", err)
	}
	m = Manifest{Format: format, CreatedAt: time.Now().UTC(), Gatehouse: b.Version,
		Database: contents.Version, Instance: contents.Instance, Missing: missing}
	for _, f := range b.files {
		m.Files = append(m.Files, f)
	}
	slices.SortFunc(m.Files, func(x, y File) int { return strings.Compare(x.Path, y.Path) })
	if err := syncFolders(b.to); err != nil {
		return m, fmt.Errorf("write the backup: %w", err)
	}
	if err := m.write(b.to); err != nil {
		return m, fmt.Errorf("write the backup: %w", err)
	}
	return m, nil
}

// copyData copies the database and the files that it names. missing are those that the data
// directory does not have.
func (b *maker) copyData(ctx context.Context) (contents Contents, missing []string, err error) {
	for round := 1; ; round++ {
		if contents, err = b.copyDatabase(ctx); err != nil {
			return contents, nil, err
		}
		before := missing
		if missing, err = b.copyBlobs(ctx, contents.Blobs); err != nil {
			return contents, nil, fmt.Errorf("copy the files of users: %w", err)
		}
		lost := !slices.ContainsFunc(missing, func(p string) bool { return !slices.Contains(before, p) })
		if lost || round == makeRounds {
			return contents, missing, b.prune(contents.Blobs)
		}
		select {
		case <-time.After(makePause):
		case <-ctx.Done():
			return contents, nil, context.Cause(ctx)
		}
	}
}

// copyDatabase copies the database, in place of an earlier copy.
func (b *maker) copyDatabase(ctx context.Context) (Contents, error) {
	file := filepath.Join(b.To, b.Database.Name)
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Contents{}, err
	}
	contents, err := b.Database.Copy(ctx, b.DataDir, file)
	if err != nil {
		return contents, err
	}
	b.files[b.Database.Name], err = describe(b.to, b.Database.Name)
	return contents, err
}

// paths returns the paths of the blob and its thumbnail in a data directory.
func (b Blob) paths() []string {
	paths := []string{path.Join(media.Folder, filepath.ToSlash(b.Sum.Name()))}
	if b.Thumbnail {
		paths = append(paths, path.Join(media.Folder, filepath.ToSlash(b.Sum.ThumbnailName())))
	}
	return paths
}

// copyBlobs copies the blobs that were not copied yet. missing are those that are gone, or
// that are not what their name says.
func (b *maker) copyBlobs(ctx context.Context, blobs []Blob) (missing []string, err error) {
	for _, blob := range blobs {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		for i, p := range blob.paths() {
			switch err := b.copy(p); {
			case errors.Is(err, fs.ErrNotExist):
				missing = append(missing, p)
			case err != nil:
				return nil, err
			case i == 0 && b.files[p].SHA256 != hex.EncodeToString(blob.Sum[:]):
				missing = append(missing, p)
				if err := b.remove(p); err != nil {
					return nil, err
				}
			}
		}
	}
	return missing, nil
}

// prune removes copies of blobs that the copied database does not name.
func (b *maker) prune(blobs []Blob) error {
	named := map[string]bool{}
	for _, blob := range blobs {
		for _, p := range blob.paths() {
			named[p] = true
		}
	}
	for p := range b.files {
		if strings.HasPrefix(p, media.Folder+"/") && !named[p] {
			if err := b.remove(p); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *maker) remove(p string) error {
	delete(b.files, p)
	return b.to.Remove(filepath.FromSlash(p))
}

// copy copies a file of the data directory, unless it was copied already.
func (b *maker) copy(p string) error {
	if _, done := b.files[p]; done {
		return nil
	}
	f, err := copyFile(b.from, p, b.to)
	if err == nil {
		b.files[p] = f
	}
	return err
}

// copyFolder copies the files of a folder that may not exist.
func (b *maker) copyFolder(ctx context.Context, folder string) error {
	return fs.WalkDir(b.from.FS(), folder, func(p string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // also a file that was replaced meanwhile
			return nil
		case err != nil:
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case !entry.Type().IsRegular():
			return nil
		}
		if err := b.copy(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
}
