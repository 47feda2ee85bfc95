//go:build dev

package static

import (
	"io/fs"
	"os"
)

// files reads the tree, at the root of which the development loop starts the
// gateway.
func files() (fs.FS, error) { return os.DirFS("web/static/dist"), nil }
