package gateway

import (
	"fmt"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// queued answers a call that has queued a run: at once, or when the run ends.
func (c *call) queued(sent session.Sent, ack string) (protocol.Payload, error) {
	c.ownedBy(sent.Owner)
	c.g.Runner.Wake(sent.SessionKey)
	if ack == protocol.AckAccepted {
		return c.accepted(sent), nil
	}
	// The answer follows when the run ends; c is not used for anything else.
	c.params = nil
	err := c.g.Sessions.OnEnd(c.ctx, sent.RunID, func(e session.Ended) { c.answerRun(sent, e) })
	if err != nil {
		return nil, fmt.Errorf("wait for a run: %w (%w)", errNoWaiting(sent), err)
	}
	return later, nil
}

// errNoWaiting says that the message is stored, but that its run cannot be awaited.
func errNoWaiting(sent session.Sent) *protocol.Error {
	return &protocol.Error{Code: protocol.Unavailable, Retryable: true, RetryAfterMs: storeRetryMs,
		Message: "the message is stored, but its answer cannot be waited for right now: read chat.history, " +
			"or send it again with the same idempotencyKey",
		Details: &protocol.ErrorDetails{RunID: sent.RunID, MessageID: sent.MessageID}}
}

func (c *call) accepted(sent session.Sent) *protocol.ChatSendResult {
	r := &protocol.ChatSendResult{
		RunID: sent.RunID, SessionKey: sent.SessionKey, MessageID: sent.MessageID, Seq: sent.Seq,
		Epoch: sent.Epoch, Status: protocol.SendAccepted, OwnerID: c.owner,
	}
	switch {
	case sent.Duplicate:
		r.Status = protocol.SendDuplicate
	case sent.Queued:
		r.Status = protocol.SendQueued
	}
	return r
}

// answerRun answers a request that waited for its run.
func (c *call) answerRun(sent session.Sent, e session.Ended) {
	if e.Outcome.Status == session.RunFailed {
		c.fail(&protocol.Error{Code: e.Outcome.Code, Message: e.Outcome.Error,
			Details: &protocol.ErrorDetails{RunID: e.RunID, MessageID: e.MessageID, OwnerID: c.owner}})
		return
	}
	usage := e.Outcome.Usage.WithAliases()
	r := &protocol.ChatSendResult{
		RunID: e.RunID, SessionKey: sent.SessionKey, Content: &e.Content, Usage: &usage,
		Finish: e.Outcome.Finish, OwnerID: c.owner,
	}
	if e.Outcome.Status == session.RunCancelled {
		r.Status = protocol.SendAborted
	}
	c.reply(r)
}
