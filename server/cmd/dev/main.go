// Command dev runs the gateway from the sources in the tree and keeps it, and the open
// pages, up to date. When a file changes, dev builds what the change affects, restarts
// the gateway and reloads the pages. When the build fails, dev prints the errors and the
// gateway that runs goes on. `make dev` starts it from the root of the tree; arguments
// are passed on to the gateway.
//
// Data is kept in .dev/data.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// settleTime is how long no file must change before a build begins: editors and branch
// switches change several files at once.
const settleTime = 100 * time.Millisecond

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "dev:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	t, err := watch(".", "server", "shared", "wasm", "web")
	if err != nil {
		return fmt.Errorf("watch the tree: %w", err)
	}
	defer t.watcher.Close()
	l, err := newLoop(args)
	if err != nil {
		return err
	}
	defer l.process.stop()
	printLine("building (the first time this takes a while)")
	settled := time.NewTimer(0)
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-t.watcher.Errors:
			return fmt.Errorf("watch the tree: %w", err)
		case event := <-t.watcher.Events:
			path, err := t.changed(event)
			if err != nil {
				return fmt.Errorf("watch the tree: %w", err)
			}
			if l.noteChange(path) {
				settled.Reset(settleTime)
			}
		case <-settled.C:
			l.build(ctx)
		case err := <-l.process.exited():
			l.process.noteExit(err)
		}
	}
}

// newLoop makes the loop for the tree in the working directory. The first build builds
// everything. args go to the gateway.
func newLoop(args []string) (*loop, error) {
	root, err := filepath.Abs(".")
	if err != nil {
		return nil, err
	}
	// For templ, in this process and in the gateway.
	text := filepath.Join(root, ".dev", "text")
	if err := errors.Join(os.Setenv("TEMPL_DEV_MODE", "true"), os.Setenv("TEMPL_DEV_MODE_ROOT", text)); err != nil {
		return nil, err
	}
	templates, err := newTemplates("web")
	if err != nil {
		return nil, err
	}
	return &loop{
		root: root,
		process: process{
			binary: filepath.Join(".dev", "gatehouse"),
			args:   append([]string{"serve", "-data-dir", filepath.Join(".dev", "data")}, args...),
		},
		templates: templates,
		page:      time.Now().Unix(), // so that the pages of an earlier loop reload too
		dirty:     everything,
	}, nil
}

// printLine prints a line that can be told apart from the gateway's own.
func printLine(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "dev: "+format+"\n", args...)
}
