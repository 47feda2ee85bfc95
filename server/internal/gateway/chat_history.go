package gateway

import "github.com/gatehouse-chat/gatehouse/shared/protocol"

// historyPage is the requested page of a transcript.
type historyPage struct {
	sessionKey string
	before     int64
	limit      int
}

func prepareHistory(_ *call, p *protocol.ChatHistoryParams) (historyPage, error) {
	limit, err := pageLimit(p.Limit, protocol.DefaultHistoryLimit, protocol.MaxHistoryLimit)
	page := historyPage{p.SessionKey, p.Before, limit}
	switch {
	case err != nil:
		return page, err
	case !validSession(p.SessionKey):
		return page, errSessionKey
	case p.Before < 0:
		return page, badParams("before must be a seq, or 0 for the newest messages")
	}
	return page, nil
}

func (c *call) chatHistory(p historyPage) (protocol.Payload, error) {
	page, err := c.g.Sessions.History(c.ctx, c.session, p.before, p.limit)
	if err != nil {
		return nil, err
	}
	messages, cut, err := c.framed(c.inHistory(page.Messages))
	if err != nil {
		return nil, err
	}
	return &protocol.ChatHistoryResult{
		Messages: messages, SessionKey: p.sessionKey, Epoch: page.Session.Epoch,
		Activity: page.Activity, LastSeq: page.Session.LastSeq, HasMore: page.HasMore || cut, OwnerID: c.owner,
	}, nil
}
