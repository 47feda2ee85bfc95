package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// generated generates everything in a copy of the tree, which must not change by that.
func generated(j job) (t tally) {
	dir, err := os.MkdirTemp("", "gatehouse-generated-")
	if err != nil {
		t.fail("generated files: %v", err)
		return t
	}
	defer os.RemoveAll(dir)
	if err := copyTree(j, ".", dir); err != nil {
		t.skip(skip{what: "generated files", why: "the tree cannot be listed: " + err.Error()})
		return t
	}
	t.result("generated files", checkUnchanged(dir, func() error {
		return j.command(dir, nil, "make", "--no-print-directory", "generate").Run()
	}))
	return t
}

// copyTree copies the files that git knows or would add.
func copyTree(ctx context.Context, from, to string) error {
	list := exec.CommandContext(ctx, "git", "ls-files", "-z", "--cached", "--others",
		"--exclude-standard")
	list.Dir = from
	names, err := list.Output()
	if err != nil {
		return fmt.Errorf("git ls-files: %w", err)
	}
	for name := range bytes.SplitSeq(bytes.TrimSuffix(names, []byte{0}), []byte{0}) {
		if err := copyFile(filepath.Join(from, string(name)), filepath.Join(to, string(name))); err != nil {
			return err
		}
	}
	return nil
}

// copyFile copies a file. It does nothing for a file that git still lists and that is
// gone.
func copyFile(from, to string) error {
	content, err := os.ReadFile(from)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, content, 0o644)
}

// checkUnchanged calls change. It fails with the names of the files below dir that change
// has changed.
func checkUnchanged(dir string, change func() error) error {
	before, err := hashFiles(dir)
	if err != nil {
		return err
	}
	if err := change(); err != nil {
		return err
	}
	after, err := hashFiles(dir)
	if err != nil {
		return err
	}
	var stale []string
	for name := range after {
		if before[name] != after[name] {
			stale = append(stale, name)
		}
	}
	for name := range before {
		if _, there := after[name]; !there {
			stale = append(stale, name)
		}
	}
	if len(stale) > 0 {
		slices.Sort(stale)
		return fmt.Errorf("run make generate: out of date are %q", stale)
	}
	return nil
}

// hashFiles returns the hash of every file below dir.
func hashFiles(dir string) (map[string][sha256.Size]byte, error) {
	hashes := map[string][sha256.Size]byte{}
	tree := os.DirFS(dir)
	err := fs.WalkDir(tree, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(tree, path)
		hashes[path] = sha256.Sum256(content)
		return err
	})
	return hashes, err
}
