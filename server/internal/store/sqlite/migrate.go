package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate migrates the tables to the newest version that this program knows. It refuses a
// database of a newer version, because this program does not know the meaning of its
// columns. If it will change the tables, it calls before first.
func migrate(ctx context.Context, db *sql.DB, before func() error) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, files)
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	have, err := p.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("read the database's version: %w", err)
	}
	sources := p.ListSources()
	known := sources[len(sources)-1].Version
	if err := tooNew(have, known); err != nil {
		return err
	}
	if have < known {
		if err := before(); err != nil {
			return err
		}
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("bring the database up to date: %w", err)
	}
	return nil
}

// tooNew returns an error if a database has a newer version than the newest known one.
func tooNew(have, known int64) error {
	if have <= known {
		return nil
	}
	return fmt.Errorf("the database has version %d, but this program knows only versions up "+
		"to %d: run the newer Gatehouse that wrote it, or restore an older backup", have, known)
}

// newestVersion returns the newest version of the tables that this program knows.
func newestVersion() (newest int64, err error) {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return 0, fmt.Errorf("read the migrations: %w", err)
	}
	for _, file := range files {
		version, err := goose.NumericComponent(file)
		if err != nil {
			return 0, fmt.Errorf("read the migrations: %w", err)
		}
		newest = max(newest, version)
	}
	return newest, nil
}
