package gateway

import "github.com/gatehouse-chat/gatehouse/shared/protocol"

// replayPage is the requested part of a log.
type replayPage struct {
	params *protocol.ChatReplayParams
	limit  int
}

func prepareReplay(_ *call, p *protocol.ChatReplayParams) (replayPage, error) {
	limit, err := pageLimit(p.Limit, protocol.DefaultReplayLimit, protocol.MaxReplayLimit)
	page := replayPage{p, limit}
	switch {
	case err != nil:
		return page, err
	case !validSession(p.SessionKey):
		return page, errSessionKey
	case p.AfterSeq < 0:
		return page, errAfterSeq
	}
	return page, nil
}

func (c *call) chatReplay(p replayPage) (protocol.Payload, error) {
	page, err := c.g.Hub.ReadPage(c.ctx, c.g.Sessions, c.member.Load(), c.session.Key(),
		p.params.Epoch, p.params.AfterSeq, p.limit)
	if err != nil {
		return nil, err
	}
	page.OwnerID = c.owner
	return page, nil
}
