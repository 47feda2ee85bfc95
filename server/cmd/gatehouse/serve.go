package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/gatehouse-chat/gatehouse/server/internal/app"
	"github.com/gatehouse-chat/gatehouse/server/internal/config"
	"github.com/gatehouse-chat/gatehouse/server/internal/memlimit"
)

// serveCommand is the command gatehouse serve. It serves until ctx is done, and then until
// the running answers have ended or the drain timeout has passed.
func serveCommand(ctx context.Context, args []string, out, errs io.Writer) error {
	var f config.Flags
	set := flagSet("serve")
	configFlags(set, &f)
	acceptEmpty := set.Bool("accept-empty", false, "")
	if _, err := parse(set, args, ""); err != nil {
		return err
	}
	c, err := load(f, errs)
	if err != nil {
		return err
	}
	from, err := source(f) // before anything changes the working directory
	if err != nil {
		return err
	}
	reloads := make(chan os.Signal, 1)
	signal.Notify(reloads, syscall.SIGHUP)
	defer signal.Stop(reloads)
	level := new(slog.LevelVar)
	level.Set(c.Log.Level)
	log := logger(c.Log.Format, level, errs)
	if limit, ok := memlimit.Apply(); ok {
		log.Info("memory is limited by a control group", "limit", limit.Group, "for_go", limit.Go,
			"file", "/"+limit.File)
	}
	return app.Run(ctx, app.Options{
		Config: c, Version: version, Log: log, Level: level, Out: out,
		Reloads: reloads, PDFReader: pdfReader(), AcceptEmpty: *acceptEmpty,
		Load: func() (config.Config, []config.Warning, error) { return config.Load(from) },
	})
}

// logger returns a logger that writes lines of that format.
func logger(format config.LogFormat, level slog.Leveler, w io.Writer) *slog.Logger {
	o := &slog.HandlerOptions{Level: level}
	if format == config.LogJSON {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}
