package gateway

import "github.com/gatehouse-chat/gatehouse/shared/protocol"

func (c *call) sessionsDelete(p *protocol.SessionsKeyParams) (protocol.Payload, error) {
	if err := c.g.Sessions.Delete(c.ctx, c.session); err != nil {
		return nil, err
	}
	c.g.Runner.Abort(p.Key, "")
	return &protocol.SessionsDeleteResult{Deleted: true, OwnerID: c.owner}, nil
}
