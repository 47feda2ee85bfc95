package gateway

import (
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

func (c *call) prepareRetry(p *protocol.ChatRetryParams) (*protocol.ChatRetryParams, error) {
	switch {
	case !validSession(p.SessionKey):
		return p, errSessionKey
	case p.RunID == "":
		return p, badParams("runId must be given: the run whose answer failed or was stopped")
	}
	if err := checkQueued(p.IdempotencyKey, p.Ack); err != nil {
		return p, err
	}
	if c.g.Draining() {
		return p, errDraining()
	}
	return p, nil
}

func (c *call) chatRetry(p *protocol.ChatRetryParams) (protocol.Payload, error) {
	sent, err := c.g.Sessions.Retry(c.ctx, c.session, session.RetryRequest{
		RunID: p.RunID, IdempotencyKey: p.IdempotencyKey, Stream: p.Stream == nil || *p.Stream,
	})
	if err != nil {
		return nil, err
	}
	return c.queued(sent, p.Ack)
}
