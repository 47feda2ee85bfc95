package gateway

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// maxConnected bounds the list of connections, in bytes, so that it fits a frame.
const maxConnected = protocol.MaxFrameBytes / 2

// maxClientName bounds what of a client's own name a connection holds, in bytes.
const maxClientName = 100

// clientName is what a client says that it is, as lists show it: one line without
// control characters and those that turn the direction of writing.
func clientName(c *protocol.Client) string {
	if c == nil {
		return ""
	}
	words := strings.Fields(c.Name + " " + c.Version)
	if c.Platform != "" {
		words = append(words, "("+c.Platform+")")
	}
	name := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.Join(words, " "))
	if len(name) > maxClientName {
		name = strings.ToValidUTF8(name[:maxClientName], "")
	}
	return strings.Clone(name)
}

// Connected gives the authenticated connections, the latest first.
func (g *Gateway) Connected() []protocol.ConnectedClient {
	g.clientsMu.Lock()
	clients := slices.Collect(maps.Keys(g.clients))
	g.clientsMu.Unlock()
	slices.SortFunc(clients, func(a, b *client) int { return cmp.Compare(b.id, a.id) })
	list := make([]protocol.ConnectedClient, 0, len(clients))
	for _, c := range clients {
		if shown, ok := c.shown(); ok {
			list = append(list, shown)
		}
	}
	return list
}

// shown is the connection in lists; it has no place in them until it is
// authenticated.
func (c *client) shown() (protocol.ConnectedClient, bool) {
	m := c.member.Load()
	if m == nil {
		return protocol.ConnectedClient{}, false
	}
	return protocol.ConnectedClient{
		ID: strconv.FormatInt(c.id, 10), UserID: m.UserID, Role: m.Role, DeviceID: m.DeviceID, Via: m.Via,
		Address: c.peer.Address.String(), UserAgent: c.peer.UserAgent, Client: m.Client,
		ConnectedAt: protocol.At(c.since), ActiveAt: protocol.Time(c.active.Load()),
	}, true
}

// strangers is how many connections are not authenticated.
func (g *Gateway) strangers() (n int) {
	g.clientsMu.Lock()
	defer g.clientsMu.Unlock()
	for c := range g.clients {
		if c.member.Load() == nil {
			n++
		}
	}
	return n
}

// seen notes that the client has asked for something.
func (c *client) seen() { c.active.Store(int64(protocol.At(time.Now()))) }

// connected gives what of Connected fits a frame, and whether there is more.
func (g *Gateway) connected() (list []protocol.ConnectedClient, more bool) {
	list = g.Connected()
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

func (c *call) clientsList(*protocol.Empty) (protocol.Payload, error) {
	list, more := c.g.connected()
	return &protocol.ClientsListResult{Clients: list, More: more}, nil
}

func (c *call) clientsDisconnect(p *protocol.ClientsDropParams) (protocol.Payload, error) {
	if p.ID == "" {
		return nil, badParams("id must name a connection: see clients.list")
	}
	found := c.g.clientNamed(p.ID)
	if found == nil {
		return nil, protocol.Refuse(protocol.NotFound, "there is no such connection any more")
	}
	c.reply(&protocol.ClientsDropResult{Disconnected: true}) // first: it may be the caller's own
	found.conn.Close(protocol.ClosePolicy, protocol.ReasonDisconnected)
	c.g.Log.Info("security.client_disconnected", "by", c.caller().UserID, "connection", p.ID)
	return later, nil
}

// clientNamed gives the authenticated connection with an id of lists, or nil.
func (g *Gateway) clientNamed(id string) *client {
	g.clientsMu.Lock()
	defer g.clientsMu.Unlock()
	for c := range g.clients {
		if strconv.FormatInt(c.id, 10) == id && c.member.Load() != nil {
			return c
		}
	}
	return nil
}

// describeClient says whose connection that is.
func (g *Gateway) describeClient(id string) string {
	c := g.clientNamed(id)
	if c == nil {
		return ""
	}
	shown, _ := c.shown()
	return details("of", shown.UserID, "via", shown.Via, "at", shown.Address, "client", shown.Client)
}
