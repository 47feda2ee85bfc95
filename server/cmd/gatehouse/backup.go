package main

import (
	"context"
	"fmt"
	"io"

	"github.com/gatehouse-chat/gatehouse/server/internal/app"
	"github.com/gatehouse-chat/gatehouse/server/internal/backup"
	"github.com/gatehouse-chat/gatehouse/server/internal/config"
)

// backupCommand is the command gatehouse backup.
func backupCommand(ctx context.Context, args []string, out, errs io.Writer) error {
	var f config.Flags
	set := flagSet("backup")
	configFlags(set, &f)
	to, err := parse(set, args, "the directory to create, such as /var/backups/gatehouse-1")
	if err != nil {
		return err
	}
	c, err := load(f, errs)
	if err != nil {
		return err
	}
	m, err := app.Backup(ctx, c.DataDir, to, version)
	if err != nil {
		return fmt.Errorf("no backup was made: %w", err)
	}
	warnMissing(m, errs)
	fmt.Fprintf(out, "%s has a backup of %s: %s.\n", to, c.DataDir, describe(m))
	return nil
}

// restoreCommand is the command gatehouse restore.
func restoreCommand(ctx context.Context, args []string, out, errs io.Writer) error {
	var f config.Flags
	set := flagSet("restore")
	configFlags(set, &f)
	checkOnly, replace := set.Bool("check", false, ""), set.Bool("replace", false, "")
	from, err := parse(set, args, "the directory of a backup")
	if err != nil {
		return err
	}
	if *checkOnly { // needs no configuration: the backup may be of another gateway
		m, err := app.CheckBackup(ctx, from)
		if err != nil {
			return fmt.Errorf("%s cannot be restored: %w", from, err)
		}
		warnMissing(m, errs)
		fmt.Fprintf(out, "%s is fine: %s, made at %s.\n", from, describe(m),
			m.CreatedAt.Format("2006-01-02 15:04:05 UTC"))
		return nil
	}
	c, err := load(f, errs)
	if err != nil {
		return err
	}
	r, err := app.Restore(ctx, from, c.DataDir, *replace)
	if r.Aside != "" {
		fmt.Fprintf(errs, "gatehouse: the data that was there is now in %s; remove it when you no "+
			"longer need it\n", r.Aside)
	}
	if err != nil {
		return fmt.Errorf("not restored: %w", err)
	}
	warnMissing(r.Manifest, errs)
	fmt.Fprintf(out, "%s has the data of %s: %s.\n", c.DataDir, from, describe(r.Manifest))
	return nil
}

// describe says how much a backup has.
func describe(m backup.Manifest) string {
	return fmt.Sprintf("%d files, %.1f MB", len(m.Files), float64(m.Bytes())/1e6)
}

// warnMissing warns of files that the data directory had lost before the backup.
func warnMissing(m backup.Manifest, errs io.Writer) {
	if n := len(m.Missing); n > 0 {
		fmt.Fprintf(errs, "gatehouse: warning: %d files of messages were missing or damaged in the "+
			"data directory when the backup was made, such as %s\n", n, m.Missing[0])
	}
}
