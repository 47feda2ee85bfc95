package gateway

import "github.com/gatehouse-chat/gatehouse/shared/protocol"

func (c *call) clientsList(*protocol.Empty) (protocol.Payload, error) {
	list, more := c.g.connected()
	return &protocol.ClientsListResult{Clients: list, More: more}, nil
}

// maxConnected bounds the list of connections, in bytes, so that it fits a frame.
const maxConnected = protocol.MaxFrameBytes / 2

// connected gives the part of the list of connections that fits a frame, and whether
// there are more.
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
