package app

import (
	"context"

	"github.com/gatehouse-chat/gatehouse/server/internal/backup"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/sqlite"
)

// database is the database engine, as backups see it.
func database() backup.Database {
	return backup.Database{
		Name: sqlite.DatabaseFile, Mark: sqlite.MarkFile, LockFile: sqlite.LockFile,
		Leftovers: sqlite.Leftovers(),
		Copy: func(ctx context.Context, dir, to string) (backup.Contents, error) {
			c, err := sqlite.Copy(ctx, dir, to)
			return contents(c), err
		},
		Examine: func(ctx context.Context, file string) (backup.Contents, error) {
			c, err := sqlite.Examine(ctx, file)
			return contents(c), err
		},
		Lock: sqlite.Lock,
	}
}

func contents(c sqlite.Contents) backup.Contents {
	all := backup.Contents{Version: c.Version, Instance: c.Instance}
	for _, b := range c.Blobs {
		all.Blobs = append(all.Blobs, backup.Blob(b))
	}
	return all
}

// Backup copies all data of the data directory into the directory to, which must not exist
// or must be empty. A gateway may run meanwhile.
func Backup(ctx context.Context, dataDir, to, version string) (backup.Manifest, error) {
	return backup.Make(ctx, backup.MakeOptions{DataDir: dataDir, To: to, Version: version,
		Database: database()})
}

// CheckBackup checks a backup and changes nothing.
func CheckBackup(ctx context.Context, from string) (backup.Manifest, error) {
	return backup.Check(ctx, from, database())
}

// Restore makes a backup the content of the data directory. If there is data already, it
// refuses, or with replace moves the data aside.
func Restore(ctx context.Context, from, dataDir string, replace bool) (backup.Restored, error) {
	return backup.Restore(ctx, backup.RestoreOptions{From: from, DataDir: dataDir, Replace: replace,
		Database: database()})
}
