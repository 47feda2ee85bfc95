package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
	"github.com/gatehouse-chat/gatehouse/server/internal/media"
)

// Check checks a backup and changes nothing: every file must be as it was when the backup
// was made, and the database must be whole and of a version that this program knows.
func Check(ctx context.Context, from string, d Database) (Manifest, error) {
	if info, err := os.Stat(from); err == nil && !info.IsDir() {
		return Manifest{}, fmt.Errorf("%s is a file: name the directory that gatehouse backup has made",
			from)
	}
	root, err := os.OpenRoot(from)
	if err != nil {
		return Manifest{}, fmt.Errorf("open the backup: %w", err)
	}
	defer root.Close()
	m, err := readManifest(root)
	if err != nil {
		return m, err
	}
	for _, suffix := range d.Leftovers {
		if _, err := root.Stat(d.Name + suffix); err == nil {
			return m, fmt.Errorf("%s%s is not a part of the backup: another program has "+
				"opened the backup's database, or a log was copied beside it. Nothing was opened. If "+
				"you are sure that nobody has changed the backup's database, remove that file",
				filepath.Join(from, d.Name), suffix)
		}
	}
	var faults []error
	for _, f := range m.Files {
		if ctx.Err() != nil {
			return m, context.Cause(ctx)
		}
		if err := f.verify(root); err != nil {
			faults = append(faults, err)
		}
	}
	if err := summarize(faults); err != nil {
		return m, err
	}
	contents, err := d.Examine(ctx, filepath.Join(from, d.Name))
	if err != nil {
		return m, err
	}
	return m, m.lists(contents.Blobs)
}

// maxFaults limits the faults of a backup in an error.
const maxFaults = 10

// summarize joins the first faults.
func summarize(faults []error) error {
	if more := len(faults) - maxFaults; more > 0 {
		faults = append(faults[:maxFaults:maxFaults], fmt.Errorf("and %d more", more))
	}
	return errors.Join(faults...)
}

// lists checks that the manifest accounts for all files that the database names.
func (m Manifest) lists(blobs []Blob) error {
	has := map[string]bool{}
	for _, f := range m.Files {
		has[f.Path] = true
	}
	for _, p := range m.Missing {
		has[p] = true
	}
	for _, b := range blobs {
		for _, p := range b.paths() {
			if !has[p] {
				return fmt.Errorf("%s is missing in the backup, and the database names it", p)
			}
		}
	}
	return nil
}

// RestoreOptions are what Restore needs.
type RestoreOptions struct {
	From     string // the backup
	DataDir  string // need not exist
	Replace  bool   // move what is in DataDir aside
	Database Database
}

// Restored says what Restore has done.
type Restored struct {
	Manifest Manifest
	// Aside is the directory with the data that was in the data directory, or empty.
	Aside string
}

// staging is the folder of the data directory in which a restore prepares the new data.
const staging = "restore.new"

// asidePrefix begins the names of the folders with replaced data.
const asidePrefix = "before-restore-"

// Restore checks a backup and makes it the content of a data directory. It refuses a data
// directory that a gateway uses, and one with data unless o.Replace. The database comes
// last: if a restore is cut off, the next start says that the database is missing.
func Restore(ctx context.Context, o RestoreOptions) (r Restored, err error) {
	if r.Manifest, err = Check(ctx, o.From, o.Database); err != nil {
		return r, err
	}
	unlock, err := o.Database.Lock(o.DataDir)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	to, err := os.OpenRoot(o.DataDir)
	if err != nil {
		return r, fmt.Errorf("open the data directory: %w", err)
	}
	defer to.Close()
	there, err := parts(to, o.Database)
	if err != nil {
		return r, err
	}
	if len(there) > 0 && !o.Replace {
		return r, refuseToReplace(o, there)
	}
	if err := stage(ctx, o, to, r.Manifest); err != nil {
		return r, errors.Join(fmt.Errorf("copy the backup: %w", err), to.RemoveAll(staging))
	}
	if len(there) > 0 {
		if r.Aside, err = moveAside(to, there); err != nil {
			return r, fmt.Errorf("move the old data aside: %w", err)
		}
		r.Aside = filepath.Join(o.DataDir, r.Aside)
	}
	if err := moveIn(to, o.Database); err != nil {
		return r, fmt.Errorf("move the backup into its place: %w", err)
	}
	return r, nil
}

// parts returns the names of the parts and leftovers that a data directory has, the
// database last.
func parts(dir *os.Root, d Database) (there []string, err error) {
	names := []string{media.Folder, Certificates, auth.TokenFile, d.Mark}
	for _, suffix := range d.Leftovers {
		names = append(names, d.Name+suffix)
	}
	for _, name := range append(names, d.Name) {
		switch _, err := dir.Lstat(name); {
		case err == nil:
			there = append(there, name)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	return there, nil
}

func refuseToReplace(o RestoreOptions, there []string) error {
	what := fmt.Sprintf("%s has data already (%s)", o.DataDir, strings.Join(there, ", "))
	if !slices.Contains(there, o.Database.Name) && slices.ContainsFunc(there, func(name string) bool {
		return strings.HasPrefix(name, o.Database.Name)
	}) {
		what = fmt.Sprintf("%s has the log of another database (%s), which would destroy a database "+
			"beside it", o.DataDir, strings.Join(there, ", "))
	}
	return fmt.Errorf("%s, so nothing was changed: with -replace, restore moves that into a new "+
		"directory of %s first", what, o.DataDir)
}

// stage copies the backup into the data directory, beside the data that is there. It
// compares each copy with the manifest.
func stage(ctx context.Context, o RestoreOptions, dir *os.Root, m Manifest) error {
	from, err := os.OpenRoot(o.From)
	if err != nil {
		return err
	}
	defer from.Close()
	if err := dir.RemoveAll(staging); err != nil { // of a restore that was cut off
		return err
	}
	if err := dir.Mkdir(staging, 0o700); err != nil {
		return err
	}
	to, err := dir.OpenRoot(staging)
	if err != nil {
		return err
	}
	defer to.Close()
	for _, f := range m.Files {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		got, err := copyFile(from, f.Path, to)
		if err != nil {
			return err
		}
		if got != f {
			return fmt.Errorf("%s has changed while it was copied", f.Path)
		}
	}
	if err := errors.Join(giveToOwner(dir, staging),
		giveToOwner(dir, o.Database.LockFile)); err != nil {
		return fmt.Errorf("give the files to the owner of the data directory: %w", err)
	}
	return syncFolders(to)
}

// moveAside moves parts into a new folder of the data directory, and returns its name. The
// database goes first, so that no start finds it beside the parts of another.
func moveAside(dir *os.Root, there []string) (string, error) {
	name := asidePrefix + time.Now().UTC().Format("20060102T150405.000Z")
	if err := dir.Mkdir(name, 0o700); err != nil {
		return "", err
	}
	if err := giveToOwner(dir, name); err != nil {
		return "", err
	}
	for _, part := range slices.Backward(there) {
		if err := dir.Rename(part, filepath.Join(name, part)); err != nil {
			return "", err
		}
	}
	return name, errors.Join(syncFolder(dir, name), syncFolder(dir, "."))
}

// moveIn moves what stage has prepared into its place, the database last.
func moveIn(dir *os.Root, d Database) error {
	ready, err := fs.ReadDir(dir.FS(), staging)
	if err != nil {
		return err
	}
	for _, entry := range ready {
		if entry.Name() == d.Name {
			continue
		}
		if err := dir.Rename(filepath.Join(staging, entry.Name()), entry.Name()); err != nil {
			return err
		}
	}
	if err := syncFolder(dir, "."); err != nil {
		return err
	}
	if err := dir.Rename(filepath.Join(staging, d.Name), d.Name); err != nil {
		return err
	}
	return errors.Join(dir.Remove(staging), syncFolder(dir, "."))
}
