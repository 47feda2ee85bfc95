// Package static serves the client: the WebAssembly module, its loader, the style sheet and
// the icons. The build command (./build) writes these files into dist, and this package
// embeds them. With the build tag dev the files are read from the source tree instead, so
// that they can be rebuilt without rebuilding the gateway.
//
// A file's name has a hash of its content (app.0123456789.css), so browsers may cache it
// forever. Its compressed forms lie beside it (.br, .gz). Requests for other names are
// answered with 404.
package static

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Prefix is the path under which [Assets] expects its requests.
const Prefix = "/static/"

// required lists the files that every page needs.
var required = [...]string{"app.css", "app.wasm", "boot.js", "favicon.svg", "wasm_exec.js"}

// mediaType returns the type of a file by its extension, "" for files that are not served.
func mediaType(ext string) string {
	switch ext {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".png":
		return "image/png"
	case ".wasm":
		return "application/wasm"
	}
	return ""
}

// Assets are the built files of the client. They are safe for concurrent use.
type Assets struct {
	dist  fs.FS
	urls  map[string]string // by plain name
	files map[string]file   // by served name
}

// file is one served file.
type file struct {
	mediaType string
	forms     []form // identity last
}

// form is a file in one content coding.
type form struct {
	coding string // "br", "gzip" or "identity"
	name   string // in dist
	size   int64  // bytes
}

// Load returns the built files. It fails if the client was not built.
func Load() (*Assets, error) {
	dist, err := files()
	if err != nil {
		return nil, fmt.Errorf("static: %w", err)
	}
	return load(dist)
}

func load(dist fs.FS) (*Assets, error) {
	entries, err := fs.ReadDir(dist, ".")
	if err != nil {
		return nil, fmt.Errorf("static: %w", err)
	}
	sizes := map[string]int64{}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			return nil, fmt.Errorf("static: %w", err)
		}
		sizes[entry.Name()] = info.Size()
	}
	a := &Assets{dist: dist, urls: map[string]string{}, files: map[string]file{}}
	for name := range sizes {
		if plain, ok := plainName(name); ok {
			a.urls[plain] = Prefix + name
			a.files[name] = file{mediaType: mediaType(path.Ext(name)), forms: forms(name, sizes)}
		}
	}
	for _, name := range required {
		if a.urls[name] == "" {
			return nil, errors.New("the browser client is not built in (" + name +
				` is missing): run "make build"`)
		}
	}
	return a, nil
}

// plainName removes the hash from a name in dist: app.0123456789.css is app.css. It
// reports false for files that have no address: compressed forms and dot-files.
func plainName(name string) (string, bool) {
	ext := path.Ext(name)
	stem, hash, ok := cutLast(strings.TrimSuffix(name, ext), ".")
	if !ok || mediaType(ext) == "" || len(hash) != 10 || strings.Trim(hash, "0123456789abcdef") != "" {
		return "", false
	}
	return stem + ext, stem != ""
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// forms lists the codings that a file has, the smallest first.
func forms(name string, sizes map[string]int64) []form {
	var all []form
	for _, f := range []form{
		{coding: "br", name: name + ".br"},
		{coding: "gzip", name: name + ".gz"},
		{coding: "identity", name: name},
	} {
		if size, ok := sizes[f.name]; ok {
			f.size = size
			all = append(all, f)
		}
	}
	return all
}

// URL returns the path of a file, hash included, by its plain name: "app.css" is
// "/static/app.0123456789.css". It panics if there is no such file. The files that pages
// need (app.css, app.wasm, boot.js, favicon.svg, wasm_exec.js) always exist.
func (a *Assets) URL(name string) string {
	url, ok := a.urls[name]
	if !ok {
		panic(fmt.Sprintf("static: there is no file %q", name))
	}
	return url
}
