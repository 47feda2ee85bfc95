package gateway

import (
	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// liveConnection is a connection to close.
type liveConnection struct {
	id    string
	found bool // whether there is such a connection
	shown protocol.ConnectedClient
}

func (c *call) prepareDisconnect(p *protocol.ClientsDisconnectParams) (liveConnection, error) {
	if p.ID == "" {
		return liveConnection{}, badParams("id must name a connection: see clients.list")
	}
	shown, found := c.g.Registry.Find(p.ID)
	return liveConnection{p.ID, found, shown}, nil
}

func describeConnection(_ *call, l liveConnection) *audit.Act {
	if l.id == "" {
		return nil // there is nothing that it could be done to
	}
	return &audit.Act{
		Target: audit.Connection(l.id),
		Detail: details("of", l.shown.UserID, "via", l.shown.Via,
			"at", l.shown.Address, "client", l.shown.Client),
	}
}

func (c *call) clientsDisconnect(l liveConnection) (protocol.Payload, error) {
	if !l.found {
		return nil, protocol.Refuse(protocol.NotFound, "there is no such connection any more")
	}
	c.reply(&protocol.ClientsDisconnectResult{Disconnected: true}) // first: it may be the caller's own
	c.g.Registry.CloseID(l.id, protocol.ReasonDisconnected)
	c.g.Log.Info("security.client_disconnected", "by", c.caller().UserID, "connection", l.id)
	return later, nil
}
