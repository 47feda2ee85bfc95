package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/andybalholm/brotli"
)

// asset is one file of the client.
type asset struct {
	name    string // plain, e.g. app.css
	content []byte
}

// servedName returns the name with the first ten hex digits of the content's SHA-256 before
// the extension.
func (a asset) servedName() string {
	ext := filepath.Ext(a.name)
	return fmt.Sprintf("%s.%.5x%s", strings.TrimSuffix(a.name, ext), sha256.Sum256(a.content), ext)
}

// coding is a content coding and the extension of its files.
type coding struct {
	ext    string
	writer func(io.Writer) io.WriteCloser
}

func codings() []coding {
	return []coding{
		{".gz", func(w io.Writer) io.WriteCloser {
			z, _ := gzip.NewWriterLevel(w, gzip.BestCompression) // fails only for unknown levels
			return z
		}},
		{".br", func(w io.Writer) io.WriteCloser {
			return brotli.NewWriterLevel(w, brotli.BestCompression)
		}},
	}
}

// write writes the file and its compressed forms into dist, each atomically. The plain file is
// written last: if the plain file exists, so do its compressed forms, unless fast was set.
func (a asset) write(out io.Writer, dist string, fast bool) error {
	path := filepath.Join(dist, a.servedName())
	if fast && exists(path) || exists(path) && exists(path+".br") {
		return nil
	}
	if !fast {
		if len(a.content) > 1<<20 {
			fmt.Fprintln(out, "→ client: compressing", a.name)
		}
		if err := a.writeForms(path); err != nil {
			return err
		}
	}
	return replace(path, a.content)
}

// writeForms writes those compressed forms that are smaller than the plain file.
func (a asset) writeForms(path string) error {
	for _, c := range codings() {
		packed, err := c.compress(a.content)
		if err != nil {
			return fmt.Errorf("compressing %s: %w", a.name, err)
		}
		if len(packed) >= len(a.content) {
			continue
		}
		if err := replace(path+c.ext, packed); err != nil {
			return err
		}
	}
	return nil
}

func (c coding) compress(content []byte) ([]byte, error) {
	var out bytes.Buffer
	w := c.writer(&out)
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// replace writes a file atomically: readers see the old file or the new one.
func replace(path string, content []byte) error {
	temp, err := os.CreateTemp(filepath.Dir(path), ".half-*")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	_, err = temp.Write(content)
	if err := errors.Join(err, temp.Chmod(0o644), temp.Close()); err != nil {
		return err
	}
	return os.Rename(temp.Name(), path)
}

// prune removes files that belong to no current asset from dist, so that no old files are
// embedded.
func prune(dist string, assets []asset) error {
	entries, err := os.ReadDir(dist)
	if err != nil {
		return err
	}
	current := map[string]bool{".gitkeep": true}
	for _, a := range assets {
		current[a.servedName()] = true
	}
	for _, entry := range entries {
		name := entry.Name()
		for _, c := range codings() {
			name = strings.TrimSuffix(name, c.ext)
		}
		if current[name] {
			continue
		}
		if err := os.Remove(filepath.Join(dist, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}
