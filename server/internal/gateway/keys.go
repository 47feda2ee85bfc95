package gateway

import "github.com/gatehouse-chat/gatehouse/shared/protocol"

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
	c.g.Registry.CloseKey(revoked.ID, protocol.ReasonKeyRevoked)
	return later, nil
}
