package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/fsnotify/fsnotify"
)

// tree watches directories and everything below them.
type tree struct {
	root    string
	watcher *fsnotify.Watcher
}

// watch begins to watch dirs, which are relative to root.
func watch(root string, dirs ...string) (*tree, error) {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	t := &tree{root: root, watcher: watcher}
	for _, dir := range dirs {
		if err := t.add(filepath.Join(root, dir)); err != nil {
			return nil, errors.Join(err, watcher.Close())
		}
	}
	return t, nil
}

// add watches a directory and everything below it.
func (t *tree) add(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		return t.watcher.Add(path)
	})
}

// changed returns the file of an event, relative to root and with slashes, or "" when
// nothing was written, created, renamed or removed. It begins to watch new directories.
func (t *tree) changed(event fsnotify.Event) (string, error) {
	if event.Op == fsnotify.Chmod {
		return "", nil
	}
	if event.Has(fsnotify.Create) {
		if info, err := os.Stat(event.Name); err == nil && info.IsDir() {
			// The directory may be gone again; the removal is the next event.
			if err := t.add(event.Name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return "", err
			}
		}
	}
	path, err := filepath.Rel(t.root, event.Name)
	return filepath.ToSlash(path), err
}
