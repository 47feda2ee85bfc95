//go:build !unix

package sqlite

import "io/fs"

// inode is not known.
func inode(fs.FileInfo) uint64 { return 0 }
