package gateway

import "github.com/gatehouse-chat/gatehouse/shared/protocol"

func checkWatch(p *protocol.ChatWatchParams) error {
	switch {
	case !validSession(p.SessionKey):
		return errSessionKey
	case p.AfterSeq != nil && *p.AfterSeq < 0:
		return errAfterSeq
	}
	return nil
}

func (c *call) chatWatch(p *protocol.ChatWatchParams) (protocol.Payload, error) {
	at, start, err := c.g.Hub.Watch(c.ctx, c.g.Sessions, c.member.Load(), c.session.Key(),
		p.Epoch, p.AfterSeq)
	if err != nil {
		return nil, err
	}
	at.OwnerID = c.owner
	c.reply(&at)
	start()
	return later, nil
}

func checkUnwatch(p *protocol.ChatUnwatchParams) error { return checkSessionKey(p.SessionKey) }

func (c *call) chatUnwatch(*protocol.ChatUnwatchParams) (protocol.Payload, error) {
	c.g.Hub.Unwatch(c.member.Load(), c.session.Key())
	return &protocol.Empty{}, nil
}
