//go:build dev

package static

import (
	"io/fs"
	"os"
)

// files reads the source tree. The development loop starts the gateway at its root.
func files() (fs.FS, error) { return os.DirFS("web/static/dist"), nil }
