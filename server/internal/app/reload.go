package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/config"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// reloadTimeout bounds what a signal's reload may wait for.
const reloadTimeout = 20 * time.Second

// maxFaults bounds what a caller is told of a configuration's faults, in bytes;
// the log has them all.
const maxFaults = 16 << 10

// loaded is what reloads are about, guarded by the gatehouse's mutex.
type loaded struct {
	at           time.Time // of the last reload that went well
	needsRestart []string
}

// reload reads the configuration again, with the checks of a start, and puts in
// force what needs no restart, all of it at once. With an error nothing has
// changed.
func (g *gatehouse) reload(context.Context) (protocol.ConfigReloadResult, error) {
	g.reloading.Lock()
	defer g.reloading.Unlock()
	next, warnings, err := g.Load()
	for _, w := range warnings {
		g.Log.Warn("configuration", "warning", w.String())
	}
	if err != nil {
		return protocol.ConfigReloadResult{}, g.unloaded(err)
	}
	before := g.live.Load()
	merged, changes := before.config.Reload(next)
	now, err := newSettings(merged)
	if err != nil {
		return protocol.ConfigReloadResult{}, g.unloaded(err)
	}
	if g.certs != nil {
		if err := g.certs.Reload(); err != nil {
			return protocol.ConfigReloadResult{}, g.unloaded(fmt.Errorf("tls: %w", err))
		}
	}
	g.live.Store(now)
	before.retire()
	g.applied(merged)
	g.loaded = loaded{at: time.Now(), needsRestart: changes.Restart}
	g.Log.Info("configuration read again", "applied", changes.Live, "needs_restart", changes.Restart)
	return protocol.ConfigReloadResult{Applied: listed(changes.Live), NeedsRestart: listed(changes.Restart)}, nil
}

// applied tells those of what is in force who do not ask.
func (g *gatehouse) applied(c config.Config) {
	if g.Level != nil {
		g.Level.Set(c.Log.Level)
	}
}

// listed makes no keys an empty list, which is what a client expects.
func listed(keys []string) []string {
	if keys == nil {
		return []string{}
	}
	return keys
}

// unloaded refuses a configuration with all that is wrong with it.
func (g *gatehouse) unloaded(err error) error {
	g.Log.Error("the configuration stays as it is: what was read has faults", "error", err)
	faults := err.Error()
	if len(faults) > maxFaults {
		faults = faults[:maxFaults] + "\n…; gatehouse config check tells the rest"
	}
	return protocol.Refuse(protocol.FailedPrecondition, "nothing was changed, the configuration has faults:\n"+faults)
}

// hangups reloads for each signal until ctx ends.
func (g *gatehouse) hangups(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-g.Reloads:
			g.reloadBySignal(ctx)
		}
	}
}

// reloadBySignal is reload with the audit log's line that config.reload has from
// the gateway.
func (g *gatehouse) reloadBySignal(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, reloadTimeout)
	defer cancel()
	ended, err := g.audit.Begin(ctx, audit.Gateway(), audit.Act{Action: audit.Reload, Detail: "by signal"})
	if err != nil {
		g.Log.Error("the configuration is not read again", "error", err)
		return
	}
	_, err = g.reload(ctx)
	ended(err)
	if err == nil {
		g.events.NotifyAdmins(protocol.TopicConfig)
	}
}

// canReload is Options.Load, or says that there is none.
func canReload(load func() (config.Config, []config.Warning, error)) func() (config.Config, []config.Warning, error) {
	if load != nil {
		return load
	}
	return func() (config.Config, []config.Warning, error) {
		return config.Config{}, nil, errors.New("this gateway was started without one that could be read again")
	}
}

// detail tells admins of the house.
func (g *gatehouse) detail(ctx context.Context, d *protocol.StatusDetail) {
	now := g.live.Load().config
	d.ConfigFile, d.TLS = g.ConfigFile, "off"
	switch {
	case len(g.Config.TLS.ACMEHosts) > 0:
		d.TLS = "acme"
	case g.Config.TLS.CertFile != "":
		d.TLS = "files"
	}
	for _, s := range now.Settings() {
		if s.Live && s.Key != "webhook.url" && s.Key != "webhook.secret_file" { // an address may hold a token
			d.Settings = append(d.Settings, protocol.Setting{Key: s.Key, Value: s.Value})
		}
	}
	g.reloading.Lock()
	d.NeedsRestart = g.loaded.needsRestart
	if !g.loaded.at.IsZero() {
		d.ReloadedAt = protocol.At(g.loaded.at)
	}
	g.reloading.Unlock()
	var err error
	if d.Data, err = g.store.Holds(ctx); err != nil {
		g.Log.Log(ctx, slog.LevelWarn, "status: the store does not say what it holds", "error", err)
	}
}
