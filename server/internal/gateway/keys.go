package gateway

import (
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/hub"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

func (c *call) keysCreate(p *protocol.KeysCreateParams) (protocol.Payload, error) {
	made, err := c.g.Keys.Create(c.ctx, c.caller().UserID, *p, c.drawn)
	if err != nil {
		return nil, err
	}
	c.g.Log.Info("security.key_created", "by", c.caller().UserID, "key", made.Prefix, "id", made.ID,
		"user", made.UserID, "role", made.Role, "expires", made.ExpiresAt.Go())
	return &made, nil
}

func (c *call) keysList(*protocol.Empty) (protocol.Payload, error) {
	list, more, err := c.g.Keys.List(c.ctx)
	return &protocol.KeysListResult{Keys: list, More: more}, err
}

func (c *call) keysRevoke(p *protocol.KeysRevokeParams) (protocol.Payload, error) {
	if p.ID == "" {
		return nil, badParams("id must name an API key: see api_keys.list")
	}
	revoked, err := c.g.Keys.Revoke(c.ctx, c.caller().UserID, p.ID)
	if err != nil {
		return nil, err
	}
	c.g.Log.Info("security.key_revoked", "by", c.caller().UserID, "key", revoked.Prefix, "id", revoked.ID)
	c.reply(&protocol.KeysRevokeResult{Revoked: true}) // first: it may be the caller's own key
	c.g.closeKey(revoked.ID)
	return later, nil
}

// closeKey closes the connections of an API key that was revoked. Nothing they
// send is handled any more.
func (g *Gateway) closeKey(id string) {
	g.clientsMu.Lock()
	defer g.clientsMu.Unlock()
	for c := range g.clients {
		if m := c.member.Load(); m != nil && m.KeyID == id {
			c.conn.Close(protocol.ClosePolicy, protocol.ReasonKeyRevoked)
		}
	}
}

// seeKeys notes which API keys are in use, and closes the connections of those
// that have expired.
func (g *Gateway) seeKeys() {
	g.clientsMu.Lock()
	defer g.clientsMu.Unlock()
	for c := range g.clients {
		switch m := c.member.Load(); {
		case m == nil || m.KeyID == "":
		case expired(m):
			c.conn.Close(protocol.ClosePolicy, protocol.ReasonKeyExpired)
		default:
			g.Keys.Used(m.KeyID)
		}
	}
}

// expired reports whether the time of the member's API key is over.
func expired(m *hub.Member) bool {
	return m.ExpiresAt != 0 && m.ExpiresAt <= protocol.At(time.Now())
}
