package gateway

import (
	"strings"
	"unicode/utf8"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// previewMessages is how many messages a preview shows.
const previewMessages = 6

func (c *call) sessionsList(p *protocol.SessionsListParams) (protocol.Payload, error) {
	limit, err := pageLimit(p.Limit, protocol.DefaultListLimit, protocol.MaxListLimit)
	if err != nil {
		return nil, err
	}
	after, ok := session.ParseCursor(p.Cursor)
	switch {
	case !ok:
		return nil, badParams("cursor must be one that sessions.list gave")
	case utf8.RuneCountInString(p.Query) > protocol.MaxLabelLength:
		return nil, badParams("query must be at most 120 characters")
	}
	q := session.List{UserID: c.caller().UserID, AgentID: p.AgentID, Query: p.Query, Limit: limit, After: after}
	if err := c.ofOthers(p, &q); err != nil {
		return nil, err
	}
	records, more, err := c.g.Sessions.List(c.ctx, q)
	if err != nil {
		return nil, err
	}
	result := &protocol.SessionsListResult{Sessions: make([]protocol.Session, len(records))}
	for i, r := range records {
		result.Sessions[i] = r.Wire()
	}
	if more {
		result.Cursor = records[len(records)-1].Cursor()
	}
	return result, nil
}

// ofOthers makes a list one of another user's sessions, or of everybody's, if an
// admin asks for that.
func (c *call) ofOthers(p *protocol.SessionsListParams, q *session.List) error {
	switch {
	case !p.All && (p.UserID == "" || p.UserID == c.caller().UserID):
		return nil
	case !c.caller().Role.Allows(protocol.Admin):
		return protocol.Refuse(protocol.Unauthorized, "permission denied: sessions.list of other users requires admin")
	case p.All && p.UserID != "":
		return badParams("all and userId exclude each other: give one of them")
	}
	q.UserID, q.Wide = p.UserID, true
	return nil
}

func (c *call) sessionsPreview(p *protocol.SessionsPreviewParams) (protocol.Payload, error) {
	if !validSession(p.SessionKey) {
		return nil, errSessionKey
	}
	page, err := c.g.Sessions.History(c.ctx, c.caller().To(p.SessionKey), 0, previewMessages)
	if err != nil {
		return nil, err
	}
	messages, _ := c.framed(page.Messages)
	return &protocol.SessionsPreviewResult{Session: page.Session.Wire(), Messages: messages}, nil
}

func (c *call) sessionsPatch(p *protocol.SessionsPatchParams) (protocol.Payload, error) {
	switch {
	case !validSession(p.SessionKey):
		return nil, errSessionKey
	case p.Label == nil && p.Pinned == nil:
		return nil, badParams("label or pinned must be given")
	case p.Label != nil && (utf8.RuneCountInString(*p.Label) > protocol.MaxLabelLength || strings.TrimSpace(*p.Label) == "" || !printable(*p.Label)):
		return nil, badParams("label must be 1 to 120 printable characters")
	}
	rec, err := c.g.Sessions.Patch(c.ctx, c.caller().To(p.SessionKey), p.Label, p.Pinned)
	return &protocol.SessionsPatchResult{Session: rec.Wire()}, err
}

func (c *call) sessionsDelete(p *protocol.SessionsKeyParams) (protocol.Payload, error) {
	if !validSession(p.Key) {
		return nil, errKey
	}
	if err := c.g.Sessions.Delete(c.ctx, c.caller().To(p.Key)); err != nil {
		return nil, err
	}
	c.g.Runner.Abort(p.Key, "")
	return &protocol.SessionsDeleteResult{Deleted: true}, nil
}

func (c *call) sessionsReset(p *protocol.SessionsKeyParams) (protocol.Payload, error) {
	if !validSession(p.Key) {
		return nil, errKey
	}
	rec, err := c.g.Sessions.Reset(c.ctx, c.caller().To(p.Key))
	if err != nil {
		return nil, err
	}
	c.g.Runner.Abort(p.Key, "")
	return &protocol.SessionsResetResult{Session: rec.Wire()}, nil
}
