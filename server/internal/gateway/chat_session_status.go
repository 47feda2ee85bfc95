package gateway

import "github.com/gatehouse-chat/gatehouse/shared/protocol"

func checkStatus(p *protocol.ChatStatusParams) error { return checkSessionKey(p.SessionKey) }

func (c *call) chatSessionStatus(*protocol.ChatStatusParams) (protocol.Payload, error) {
	a, err := c.g.Sessions.Status(c.ctx, c.session)
	if err != nil {
		return nil, err
	}
	return &protocol.ChatStatusResult{
		IsRunning: a.RunID != "", RunID: a.RunID, Activity: a.Phase, Queued: int64(a.Queued),
		LastSeq: a.Session.LastSeq, Epoch: a.Session.Epoch, OwnerID: c.owner,
	}, nil
}
