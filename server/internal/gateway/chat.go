package gateway

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gatehouse-chat/gatehouse/server/internal/present"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

func (c *call) chatSend(p *protocol.ChatSendParams) (protocol.Payload, error) {
	if err := c.checkSend(p); err != nil {
		return nil, err
	}
	if c.g.Draining() {
		return nil, errDraining()
	}
	files, err := mediaIDs(p.Media)
	if err != nil {
		return nil, err
	}
	sent, err := c.g.Sessions.Send(c.ctx, c.caller().To(p.SessionKey), session.SendRequest{
		Media: files, AgentID: p.AgentID, DefaultAgent: c.live.Agents[0].ID,
		Message: p.Message, IdempotencyKey: p.IdempotencyKey, Stream: p.Stream == nil || *p.Stream,
	})
	if err != nil {
		return nil, err
	}
	return c.queued(sent, p.Ack)
}

func (c *call) chatRetry(p *protocol.ChatRetryParams) (protocol.Payload, error) {
	switch {
	case !validSession(p.SessionKey):
		return nil, errSessionKey
	case p.RunID == "":
		return nil, badParams("runId must be given: the run whose answer failed or was stopped")
	}
	if err := checkQueued(p.IdempotencyKey, p.Ack); err != nil {
		return nil, err
	}
	if c.g.Draining() {
		return nil, errDraining()
	}
	sent, err := c.g.Sessions.Retry(c.ctx, c.caller().To(p.SessionKey), session.RetryRequest{
		RunID: p.RunID, IdempotencyKey: p.IdempotencyKey, Stream: p.Stream == nil || *p.Stream,
	})
	if err != nil {
		return nil, err
	}
	return c.queued(sent, p.Ack)
}

// queued answers what has queued a run: at once, or when the run ends.
func (c *call) queued(sent session.Sent, ack string) (protocol.Payload, error) {
	c.g.Runner.Wake(sent.SessionKey)
	if ack == protocol.AckAccepted {
		return accepted(sent), nil
	}
	// The answer follows when the run ends; c is not used for anything else.
	c.params = nil
	err := c.g.Sessions.OnEnd(c.ctx, sent.RunID, func(e session.Ended) { c.answerRun(sent, e) })
	if err != nil {
		return nil, fmt.Errorf("wait for a run: %w (%w)", errNoWaiting(sent), err)
	}
	return later, nil
}

// errNoWaiting refuses to wait for the run of a message that is stored.
func errNoWaiting(sent session.Sent) *protocol.Error {
	return &protocol.Error{Code: protocol.Unavailable, Retryable: true, RetryAfterMs: storeRetryMs,
		Message: "the message is stored, but its answer cannot be waited for right now: read chat.history, " +
			"or send it again with the same idempotencyKey",
		Details: &protocol.ErrorDetails{RunID: sent.RunID, MessageID: sent.MessageID}}
}

func accepted(sent session.Sent) *protocol.ChatSendResult {
	r := &protocol.ChatSendResult{
		RunID: sent.RunID, SessionKey: sent.SessionKey, MessageID: sent.MessageID, Seq: sent.Seq,
		Epoch: sent.Epoch, Status: protocol.SendAccepted,
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
			Details: &protocol.ErrorDetails{RunID: e.RunID, MessageID: e.MessageID}})
		return
	}
	r := &protocol.ChatSendResult{RunID: e.RunID, SessionKey: sent.SessionKey, Content: &e.Content, Usage: &e.Outcome.Usage}
	if e.Outcome.Status == session.RunCancelled {
		r.Status = protocol.SendAborted
	}
	c.reply(r)
}

func (c *call) checkSend(p *protocol.ChatSendParams) error {
	switch {
	case strings.TrimSpace(p.Message) == "" && len(p.Media) == 0:
		return badParams("message must not be empty, unless media has a file")
	case len(p.Message) > protocol.MaxMessageBytes:
		return badParams("message must be at most 256 KiB")
	case session.Encoded(p.Message) > maxEncoded:
		return badParams("message has too many characters that need escapes: send it as a file")
	case len(p.Media) > protocol.MaxMedia:
		return badParams(fmt.Sprintf("media must be at most %d files", protocol.MaxMedia))
	case p.SessionKey != "" && !validSession(p.SessionKey):
		return errSessionKey
	case p.AgentID != "" && !c.hasAgent(p.AgentID):
		return protocol.Refuse(protocol.NotFound, "agentId: there is no agent "+shown(p.AgentID)+": see agents.list")
	}
	return checkQueued(p.IdempotencyKey, p.Ack)
}

func (c *call) hasAgent(id string) bool {
	return slices.ContainsFunc(c.live.Agents, func(a protocol.Agent) bool { return a.ID == id })
}

func (c *call) chatHistory(p *protocol.ChatHistoryParams) (protocol.Payload, error) {
	limit, err := pageLimit(p.Limit, protocol.DefaultHistoryLimit, protocol.MaxHistoryLimit)
	switch {
	case err != nil:
		return nil, err
	case !validSession(p.SessionKey):
		return nil, errSessionKey
	case p.Before < 0:
		return nil, badParams("before must be a seq, or 0 for the newest messages")
	}
	page, err := c.g.Sessions.History(c.ctx, c.caller().To(p.SessionKey), p.Before, limit)
	if err != nil {
		return nil, err
	}
	messages, cut := c.framed(page.Messages)
	return &protocol.ChatHistoryResult{
		Messages: messages, SessionKey: p.SessionKey, Epoch: page.Session.Epoch,
		LastSeq: page.Session.LastSeq, HasMore: page.HasMore || cut,
	}, nil
}

// framed is a page of messages as this client takes them, in one frame; cut tells
// that older ones were left out.
func (c *call) framed(messages []protocol.Message) (fitting []protocol.Message, cut bool) {
	if c.member.Load().HTML {
		present.Messages(messages)
	}
	return fit(messages)
}

// fit leaves out older messages, and the answers with them, until the rest fits
// a frame.
func fit(messages []protocol.Message) (fitting []protocol.Message, cut bool) {
	room := protocol.MaxFrameBytes - 4<<10
	first := len(messages)
	for i := len(messages) - 1; i >= 0; i-- {
		if room -= len(messages[i].AppendJSON(nil)) + 1; room < 0 {
			break
		}
		first = i
	}
	if first == len(messages) && first > 0 { // one that fills a frame by itself goes without its formatting
		first--
		messages[first].HTML = nil
	}
	for first > 0 && first < len(messages)-1 && messages[first].ReplyTo != "" {
		first++
	}
	return messages[first:], first > 0
}

func (c *call) chatInject(p *protocol.ChatInjectParams) (protocol.Payload, error) {
	switch {
	case !validSession(p.SessionKey):
		return nil, errSessionKey
	case strings.TrimSpace(p.Message) == "":
		return nil, badParams("message must not be empty")
	case len(p.Message) > protocol.MaxMessageBytes || session.Encoded(p.Message) > maxEncoded:
		return nil, badParams("message must be at most 256 KiB")
	case utf8.RuneCountInString(p.Label) > protocol.MaxLabelLength:
		return nil, badParams("label must be at most 120 characters")
	}
	id, err := c.g.Sessions.Inject(c.ctx, c.caller().To(p.SessionKey), p.Message, p.Label)
	return &protocol.ChatInjectResult{OK: true, MessageID: id}, err
}

func (c *call) chatAbort(p *protocol.ChatAbortParams) (protocol.Payload, error) {
	key := p.SessionKey
	switch {
	case key == "" && p.RunID == "":
		return nil, badParams("sessionKey or runId must be given")
	case key != "" && !validSession(key):
		return nil, errSessionKey
	}
	if p.RunID != "" {
		of, err := c.g.Sessions.RunSession(c.ctx, c.caller(), p.RunID)
		switch {
		case err != nil:
			return nil, err
		case key != "" && key != of:
			return nil, badParams("runId: that run is not of this session")
		}
		key = of
	}
	runs, running, err := c.g.Sessions.Withdraw(c.ctx, c.caller().To(key), p.RunID)
	if err != nil {
		return nil, err
	}
	if running != "" && c.g.Runner.Abort(key, running) != "" {
		runs = append(runs, running)
	}
	return &protocol.ChatAbortResult{OK: true, Aborted: len(runs) > 0, RunIDs: runs}, nil
}

func (c *call) chatStatus(p *protocol.ChatStatusParams) (protocol.Payload, error) {
	if !validSession(p.SessionKey) {
		return nil, errSessionKey
	}
	a, err := c.g.Sessions.Status(c.ctx, c.caller().To(p.SessionKey))
	if err != nil {
		return nil, err
	}
	return &protocol.ChatStatusResult{
		IsRunning: a.RunID != "", RunID: a.RunID, Activity: a.Phase, Queued: int64(a.Queued),
		LastSeq: a.Session.LastSeq, Epoch: a.Session.Epoch,
	}, nil
}
