package gateway

import "github.com/gatehouse-chat/gatehouse/shared/protocol"

func (c *call) chatReplay(p *protocol.ChatReplayParams) (protocol.Payload, error) {
	limit, err := pageLimit(p.Limit, protocol.DefaultReplayLimit, protocol.MaxReplayLimit)
	switch {
	case err != nil:
		return nil, err
	case !validSession(p.SessionKey):
		return nil, errSessionKey
	case p.AfterSeq < 0:
		return nil, errAfterSeq
	}
	page, err := c.g.Hub.Page(c.ctx, c.g.Sessions, c.member.Load(), p.SessionKey, p.Epoch, p.AfterSeq, limit)
	if err != nil {
		return nil, err
	}
	return page, nil
}

func (c *call) chatWatch(p *protocol.ChatWatchParams) (protocol.Payload, error) {
	switch {
	case !validSession(p.SessionKey):
		return nil, errSessionKey
	case p.AfterSeq != nil && *p.AfterSeq < 0:
		return nil, errAfterSeq
	}
	at, open, err := c.g.Hub.Watch(c.ctx, c.g.Sessions, c.member.Load(), p.SessionKey, p.Epoch, p.AfterSeq)
	if err != nil {
		return nil, err
	}
	c.reply(&at)
	open()
	return later, nil
}

func (c *call) chatUnwatch(p *protocol.ChatUnwatchParams) (protocol.Payload, error) {
	if !validSession(p.SessionKey) {
		return nil, errSessionKey
	}
	c.g.Hub.Unwatch(c.member.Load(), p.SessionKey)
	return &protocol.Empty{}, nil
}
