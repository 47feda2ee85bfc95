//go:build !dev

package static

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var embedded embed.FS

func files() (fs.FS, error) { return fs.Sub(embedded, "dist") }
