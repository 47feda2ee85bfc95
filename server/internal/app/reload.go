package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/config"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// reloadTimeout bounds how long a reload by signal waits for the store.
const reloadTimeout = 20 * time.Second

// maxFaults bounds the faults of a configuration in the answer to config.reload, in
// bytes. The log has all of them.
const maxFaults = 16 << 10

// lastReload is the result of the last reload that succeeded.
type lastReload struct {
	at           time.Time // zero: there was none
	needsRestart []string  // the changed keys that a restart will apply
}

// reload reads the configuration again, with the checks of a start, and applies at
// once all changes that need no restart. If it fails, nothing has changed.
func (g *gatehouse) reload(context.Context) (protocol.ConfigReloadResult, error) {
	g.reloading.Lock()
	defer g.reloading.Unlock()
	next, warnings, err := g.Load()
	for _, w := range warnings {
		g.Log.Warn("configuration", "warning", w.String())
	}
	old := g.settings.Load()
	if err == nil && next.File == "" && old.config.File != "" {
		err = fmt.Errorf("%s, which the gateway was started with, is gone: put it back; to go on "+
			"with the defaults instead, restart the gateway without it", old.config.File)
	}
	if err != nil {
		return protocol.ConfigReloadResult{}, g.refuseConfig(err)
	}
	merged, changes := old.config.Reload(next)
	reloaded, err := newSettings(merged)
	if err != nil {
		return protocol.ConfigReloadResult{}, g.refuseConfig(err)
	}
	if g.certs != nil {
		if err := g.certs.Reload(); err != nil {
			return protocol.ConfigReloadResult{}, g.refuseConfig(fmt.Errorf("tls: %w", err))
		}
	}
	g.settings.Store(reloaded)
	old.retire()
	if g.Level != nil {
		g.Level.Set(merged.Log.Level)
	}
	g.lastReload = lastReload{at: time.Now(), needsRestart: changes.Restart}
	g.logReload(changes)
	return protocol.ConfigReloadResult{
		Applied: notNil(changes.Live), NeedsRestart: notNil(changes.Restart),
	}, nil
}

// logReload logs what a reload has changed. Whoever reloads must learn that a change waits
// for a restart, so this is logged whatever the level is.
func (g *gatehouse) logReload(changes config.Changes) {
	if len(changes.Restart) == 0 {
		g.Log.Info("configuration read again", "applied", changes.Live)
		return
	}
	line := slog.NewRecord(time.Now(), slog.LevelWarn,
		"configuration read again: some changes wait for a restart", 0)
	line.Add("applied", changes.Live, "needs_restart", changes.Restart)
	_ = g.Log.Handler().Handle(context.Background(), line) // as the Logger does
}

// notNil makes a nil list an empty one: clients expect [], not null.
func notNil(keys []string) []string {
	if keys == nil {
		return []string{}
	}
	return keys
}

// refuseConfig logs the faults of a configuration, and gives the refusal for the client.
func (g *gatehouse) refuseConfig(err error) error {
	g.Log.Error("configuration not reloaded: it has faults, and the old one stays in force", "error",
		err)
	faults := err.Error()
	if len(faults) > maxFaults {
		faults = faults[:maxFaults] + "\n…; for all of them, run gatehouse config check"
	}
	return protocol.Refuse(protocol.FailedPrecondition,
		"nothing was changed, the configuration has faults:\n"+faults)
}

// reloadOnSignals reloads for each signal until ctx ends.
func (g *gatehouse) reloadOnSignals(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-g.Reloads:
			g.reloadOnSignal(ctx)
		}
	}
}

// reloadOnSignal reloads, with an entry in the audit log as config.reload has.
func (g *gatehouse) reloadOnSignal(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, reloadTimeout)
	defer cancel()
	ended, err := g.audit.Begin(ctx, audit.Gateway(),
		audit.Act{Action: audit.Reload, Detail: "by signal"})
	if err != nil {
		g.Log.Error("configuration not reloaded: the audit log cannot be written", "error", err)
		return
	}
	_, err = g.reload(ctx)
	ended(err)
	if err == nil {
		g.events.NotifyAdmins(protocol.TopicConfig)
	}
}

// cannotLoad stands for Options.Load if that is nil.
func cannotLoad() (config.Config, []config.Warning, error) {
	return config.Config{}, nil, errors.New(
		"this gateway was started without a configuration that can be read again")
}

// addDetail adds to status what admins may know of the configuration and the store.
func (g *gatehouse) addDetail(ctx context.Context, d *protocol.StatusDetail) {
	c := g.settings.Load().config
	d.TLS = "off"
	if c.File != "" {
		d.ConfigFile = filepath.Base(c.File)
	}
	switch {
	case len(g.Config.TLS.ACMEHosts) > 0:
		d.TLS = "acme"
	case g.Config.TLS.CertFile != "":
		d.TLS = "files"
	}
	for _, s := range c.Settings() {
		if s.Live && s.Key != "webhook.url" && s.Key != "webhook.secret_file" { // a URL may hold a token
			d.Settings = append(d.Settings, protocol.Setting{Key: s.Key, Value: s.Value})
		}
	}
	g.reloading.Lock()
	d.NeedsRestart = g.lastReload.needsRestart
	if !g.lastReload.at.IsZero() {
		d.ReloadedAt = protocol.At(g.lastReload.at)
	}
	g.reloading.Unlock()
	var err error
	if d.Data, err = g.store.Stats(ctx); err != nil {
		g.Log.Warn("status lacks the counts of the store: they could not be read", "error", err)
	}
}
