package gateway

import "github.com/gatehouse-chat/gatehouse/shared/protocol"

// previewMessages is how many messages a preview shows.
const previewMessages = 6

func checkPreview(p *protocol.SessionsPreviewParams) error { return checkSessionKey(p.SessionKey) }

func (c *call) sessionsPreview(*protocol.SessionsPreviewParams) (protocol.Payload, error) {
	page, err := c.g.Sessions.History(c.ctx, c.session, 0, previewMessages)
	if err != nil {
		return nil, err
	}
	messages, _, err := c.framed(page.Messages)
	if err != nil {
		return nil, err
	}
	return &protocol.SessionsPreviewResult{Session: page.Session.Wire(), Messages: messages, OwnerID: c.owner}, nil
}
