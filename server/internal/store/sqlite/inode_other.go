//go:build !unix

package sqlite

import "io/fs"

// inode returns 0, because the number is not known.
func inode(fs.FileInfo) uint64 { return 0 }
