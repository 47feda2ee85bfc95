package gateway

import (
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// maxConnected bounds the list of connections, in bytes, so that it fits a frame.
const maxConnected = protocol.MaxFrameBytes / 2

func (c *call) clientsList(*protocol.Empty) (protocol.Payload, error) {
	list, more := c.g.connected()
	return &protocol.ClientsListResult{Clients: list, More: more}, nil
}

// connected gives what of the list of connections fits a frame, and whether there is
// more.
func (g *Gateway) connected() (list []protocol.ConnectedClient, more bool) {
	list = g.Registry.List()
	var text []byte
	room := maxConnected
	for i := range list {
		text = list[i].AppendJSON(text[:0])
		if room -= len(text) + 1; room < 0 {
			return list[:i], true
		}
	}
	return list, false
}

func (c *call) clientsDisconnect(p *protocol.ClientsDropParams) (protocol.Payload, error) {
	if p.ID == "" {
		return nil, badParams("id must name a connection: see clients.list")
	}
	if _, found := c.g.Registry.Find(p.ID); !found {
		return nil, protocol.Refuse(protocol.NotFound, "there is no such connection any more")
	}
	c.reply(&protocol.ClientsDropResult{Disconnected: true}) // first: it may be the caller's own
	c.g.Registry.CloseID(p.ID, protocol.ReasonDisconnected)
	c.g.Log.Info("security.client_disconnected", "by", c.caller().UserID, "connection", p.ID)
	return later, nil
}

// describeClient says whose connection that is.
func (g *Gateway) describeClient(id string) string {
	of, found := g.Registry.Find(id)
	if !found {
		return ""
	}
	return details("of", of.UserID, "via", of.Via, "at", of.Address, "client", of.Client)
}
