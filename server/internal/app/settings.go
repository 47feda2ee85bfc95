package app

import (
	"github.com/gatehouse-chat/gatehouse/server/internal/config"
	"github.com/gatehouse-chat/gatehouse/server/internal/gateway"
	"github.com/gatehouse-chat/gatehouse/server/internal/httpd"
	"github.com/gatehouse-chat/gatehouse/server/internal/media"
	"github.com/gatehouse-chat/gatehouse/server/internal/run"
	"github.com/gatehouse-chat/gatehouse/server/internal/webhook"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// settings are a configuration as the parts take it. They are never written to
// once in force: a reload puts others in their place, all at once.
type settings struct {
	config  config.Config
	agents  map[string]run.Agent
	list    []protocol.Agent // of agents, the default one first
	gateway gateway.Live
	httpd   httpd.Live
	hook    webhook.Target
}

// newSettings makes what the configuration asks for; nothing of it is in force.
func newSettings(c config.Config) (*settings, error) {
	agents, list, err := makeAgents(c.Agents)
	if err != nil {
		return nil, err
	}
	return &settings{
		config: c, agents: agents, list: list, hook: hookTarget(c.Webhook),
		gateway: gateway.Live{Pairing: c.Gateway.Pairing, Agents: list, Limits: limits(c.Gateway)},
		httpd: httpd.Live{
			Agents: list, AllowedOrigins: c.Gateway.AllowedOrigins,
			TrustedProxies: c.Gateway.TrustedProxies, PublicURL: c.Gateway.PublicURL, HSTS: c.TLS.HSTS,
		},
	}, nil
}

// retire lets go of what agents keep that nobody will ask again. Runs of theirs go
// on.
func (s *settings) retire() {
	for _, a := range s.agents {
		if a, ok := a.Agent.(interface{ Retire() }); ok {
			a.Retire()
		}
	}
}

// agent gives who answers now by the name.
func (g *gatehouse) agent(id string) (run.Agent, bool) {
	a, ok := g.live.Load().agents[id]
	return a, ok
}

func (g *gatehouse) gatewayLive() *gateway.Live { return &g.live.Load().gateway }

func (g *gatehouse) httpdLive() *httpd.Live { return &g.live.Load().httpd }

func (g *gatehouse) mediaLimits() media.Limits {
	m := g.live.Load().config.Media
	return media.Limits{MaxBytes: m.MaxBytes, Quota: m.Quota}
}

func (g *gatehouse) maxPendingPairings() int {
	return g.live.Load().config.Gateway.Most.PendingPairings
}

func (g *gatehouse) maxRuns() int { return g.live.Load().config.Gateway.Most.RunsPerUser }

func limits(c config.Gateway) gateway.Limits {
	return gateway.Limits{
		RateLimitRPM: c.RateLimitRPM, Connections: c.Most.Connections, ConnectionsPerUser: c.Most.ConnectionsPerUser,
		ConnectionsPerAddress: c.Most.ConnectionsPerAddress, PendingConnections: c.Most.PendingConnections,
	}
}
