package app

import (
	"github.com/gatehouse-chat/gatehouse/server/internal/config"
	"github.com/gatehouse-chat/gatehouse/server/internal/gateway"
	"github.com/gatehouse-chat/gatehouse/server/internal/httpd"
	"github.com/gatehouse-chat/gatehouse/server/internal/media"
	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/server/internal/registry"
	"github.com/gatehouse-chat/gatehouse/server/internal/run"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/server/internal/setting"
	"github.com/gatehouse-chat/gatehouse/server/internal/webhook"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// settings are the settings of all parts, made from one configuration. They never
// change: a reload replaces all of them at once.
type settings struct {
	config      config.Config
	list        []protocol.Agent // of run.Agents, the default one first
	gateway     gateway.Settings
	httpd       httpd.Settings
	connLimiter httpd.ConnLimiterSettings
	hook        webhook.Settings
	media       media.Settings
	pairing     pairing.Settings
	run         run.Settings
	session     session.Settings
}

// newSettings makes the settings of a configuration, without putting them in force.
func newSettings(c config.Config) (*settings, error) {
	agents, list, err := makeAgents(c.Agents)
	if err != nil {
		return nil, err
	}
	return &settings{
		config: c, list: list, hook: hookSettings(c.Webhook),
		media:   media.Settings{MaxBytes: c.Media.MaxBytes, Quota: c.Media.Quota},
		pairing: pairing.Settings{MaxPending: c.Gateway.Limits.PendingPairings},
		run:     run.Settings{Agents: agents},
		session: session.Settings{MaxRunsPerUser: c.Gateway.Limits.RunsPerUser},
		gateway: gateway.Settings{Pairing: c.Gateway.Pairing, Agents: list,
			RateLimitRPM: c.Gateway.RateLimitRPM, Limits: limits(c.Gateway)},
		httpd: httpd.Settings{
			Agents: list, AllowedOrigins: c.Gateway.AllowedOrigins, Hosts: c.Gateway.Hosts,
			TrustedProxies: c.Gateway.TrustedProxies, PublicURL: c.Gateway.PublicURL, HSTS: c.TLS.HSTS,
			RateLimitRPM: c.Gateway.RateLimitRPM,
		},
		connLimiter: httpd.ConnLimiterSettings{Limits: limits(c.Gateway),
			TrustedProxies: c.Gateway.TrustedProxies},
	}, nil
}

// retire makes the agents of settings that were replaced close their idle connections.
// Runs that still use the agents go on.
func (s *settings) retire() {
	for _, a := range s.run.Agents {
		if a, ok := a.Agent.(interface{ Retire() }); ok {
			a.Retire()
		}
	}
}

// current gives one part of the current settings.
func current[T any](g *gatehouse, part func(*settings) T) setting.Live[T] {
	return func() T { return part(g.settings.Load()) }
}

func limits(c config.Gateway) registry.Limits {
	return registry.Limits{
		Connections: c.Limits.Connections, ConnectionsPerUser: c.Limits.ConnectionsPerUser,
		ConnectionsPerAddress: c.Limits.ConnectionsPerAddress,
		PendingConnections:    c.Limits.PendingConnections,
	}
}
