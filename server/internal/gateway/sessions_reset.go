package gateway

import "github.com/gatehouse-chat/gatehouse/shared/protocol"

func (c *call) sessionsReset(p *protocol.SessionsKeyParams) (protocol.Payload, error) {
	rec, err := c.g.Sessions.Reset(c.ctx, c.session)
	if err != nil {
		return nil, err
	}
	c.g.Runner.Abort(p.Key, "")
	return &protocol.SessionsResetResult{Session: rec.Wire(), OwnerID: c.owner}, nil
}
