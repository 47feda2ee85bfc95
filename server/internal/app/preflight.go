package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"

	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
	"github.com/gatehouse-chat/gatehouse/server/internal/backup"
	"github.com/gatehouse-chat/gatehouse/server/internal/certs"
	"github.com/gatehouse-chat/gatehouse/server/internal/config"
	"github.com/gatehouse-chat/gatehouse/server/internal/media"
	"github.com/gatehouse-chat/gatehouse/server/internal/store/sqlite"
)

// Check checks what Run needs besides a valid configuration: that the agents can be made,
// the certificate can be used, and the data directory can be used or created. It changes
// nothing, and may be called while a gateway runs. The error has all faults. Run calls
// Check first, so that "config check" finds what a start would refuse.
func Check(c config.Config) (warnings []string, err error) {
	var faults []error
	if _, err := newSettings(c); err != nil {
		faults = append(faults, err)
	}
	if c.TLS.CertFile != "" {
		if _, err := certs.OpenPair(c.TLS.CertFile, c.TLS.KeyFile, slog.New(slog.DiscardHandler)); err != nil {
			faults = append(faults, fmt.Errorf("tls.cert_file: %w", err))
		}
	}
	if err := checkDataDir(c.DataDir); err != nil {
		return nil, errors.Join(append(faults, fmt.Errorf("data_dir: %w", err))...)
	}
	if err := checkToken(c); err != nil {
		faults = append(faults, err)
	}
	return exposed(c.DataDir), errors.Join(faults...)
}

// CheckData checks the database of a data directory that Check has accepted: it returns the
// error with which a start would refuse the database, and warnings about the token's file.
// It changes nothing. While a gateway uses the directory, it checks the token's file only.
func CheckData(ctx context.Context, c config.Config) (warnings []string, err error) {
	if !c.Gateway.Token.IsSet() {
		if stored, err := auth.ReadToken(c.DataDir); err == nil {
			warnings = stored.Warnings
		}
	}
	return warnings, sqlite.Check(ctx, c.DataDir)
}

// checkDataDir checks that the data directory can be written to, or can be created, and
// that nothing else has the name of one of its parts.
func checkDataDir(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return checkParent(dir)
	case err != nil:
		return fmt.Errorf("%s cannot be used: %w", dir, err)
	case !info.IsDir():
		return fmt.Errorf("the data directory %s is a file: name a directory", dir)
	}
	if err := writable(dir); err != nil {
		return fmt.Errorf("%s cannot be written to by the user of this process: %w", dir, err)
	}
	for _, name := range []string{media.Folder, backup.Certificates} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && !info.IsDir() {
			return fmt.Errorf("%s must be a directory, and is a file", filepath.Join(dir, name))
		}
	}
	for _, name := range []string{sqlite.DatabaseFile, sqlite.LockFile} {
		file := filepath.Join(dir, name)
		info, err := os.Stat(file)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return fmt.Errorf("%s cannot be used: %w", file, err)
		case !info.Mode().IsRegular():
			return fmt.Errorf("%s must be a file", file)
		default:
			if err := writable(file); err != nil {
				return fmt.Errorf("%s cannot be written to by the user of this process: %w", file, err)
			}
		}
	}
	return nil
}

// checkParent checks that a directory that does not exist can be created.
func checkParent(dir string) error {
	parent := filepath.Dir(dir)
	info, err := os.Stat(parent)
	switch {
	case errors.Is(err, fs.ErrNotExist) && parent != dir:
		return checkParent(parent)
	case err != nil:
		return fmt.Errorf("%s cannot be created: %w", dir, err)
	case !info.IsDir():
		return fmt.Errorf("%s cannot be created: %s is a file", dir, parent)
	}
	if err := writable(parent); err != nil {
		return fmt.Errorf("%s cannot be created by the user of this process: %s: %w", dir, parent, err)
	}
	return nil
}

// checkToken checks the token file of the data directory, if the gateway would use one.
func checkToken(c config.Config) error {
	if c.Gateway.Token.IsSet() {
		return nil
	}
	if _, err := auth.ReadToken(c.DataDir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// exposed returns a warning for each part of the data directory that other users of the
// machine may read or change. The token's file has a warning of its own.
func exposed(dir string) (warnings []string) {
	if runtime.GOOS == "windows" {
		return nil
	}
	for _, part := range []struct{ name, mode string }{
		{"", "700"}, {sqlite.DatabaseFile, "600"}, {sqlite.DatabaseFile + "-wal", "600"},
		{sqlite.DatabaseFile + "-shm", "600"}, {media.Folder, "700"}, {backup.Certificates, "700"},
	} {
		path := filepath.Join(dir, part.name)
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm()&0o077 == 0 {
			continue
		}
		warnings = append(warnings, fmt.Sprintf("%s can be read or changed by other users of this "+
			"machine (mode %04o): run chmod %s %s", path, info.Mode().Perm(), part.mode, path))
	}
	return warnings
}
