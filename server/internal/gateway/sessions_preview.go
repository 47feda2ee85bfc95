package gateway

import "github.com/gatehouse-chat/gatehouse/shared/protocol"

// previewMessages is how many messages a preview shows.
const previewMessages = 6

func checkPreview(p *protocol.SessionsPreviewParams) (err error) {
	if p.SessionKey, err = oneKey(p.SessionKey, p.Key); err != nil {
		return err
	}
	return checkSessionKey(p.SessionKey)
}

func (c *call) sessionsPreview(*protocol.SessionsPreviewParams) (protocol.Payload, error) {
	page, err := c.g.Sessions.History(c.ctx, c.session, 0, previewMessages)
	if err != nil {
		return nil, err
	}
	messages, _, err := c.framed(c.inHistory(page.Messages))
	if err != nil {
		return nil, err
	}
	return &protocol.SessionsPreviewResult{Session: page.Session.Wire(), Messages: messages, Key: page.Session.Key, OwnerID: c.owner}, nil
}
