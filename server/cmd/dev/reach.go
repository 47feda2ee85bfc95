package main

import (
	"path"
	"strings"
)

// reach says what a change affects: what has to be built again.
type reach uint8

const (
	style   reach = 1 << iota // the style sheet, which pages load without a reload
	client                    // the other files in web/static/dist
	markup                    // templates: their text, and the binary if their Go changes
	gateway                   // the binary
)

const (
	none       reach = 0
	everything       = style | client | markup | gateway
)

// reachOf returns what a change of a file affects. The path is relative to the root of
// the tree, with slashes.
func reachOf(file string) reach {
	name := path.Base(file)
	in := func(dir string) bool { return strings.HasPrefix(file, dir+"/") }
	switch {
	case strings.HasPrefix(name, "."), strings.HasSuffix(name, "~"), in("web/static/dist"),
		strings.HasSuffix(name, "_test.go"), strings.HasSuffix(name, "_templ.go"):
		return none
	case strings.HasSuffix(name, ".templ"):
		return markup
	case in("web/static/css"):
		return style
	case in("web/static/js"), in("web/static/icons"), in("web/static/build"), in("wasm"):
		return client
	case in("shared"):
		return client | gateway
	case in("server/cmd/dev"), in("server/cmd/check"), in("server/e2e"):
		return none
	case in("server"), in("web"):
		return gateway
	}
	return none
}
