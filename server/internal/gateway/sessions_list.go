package gateway

import (
	"unicode/utf8"

	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// sessionsQuery is the requested list of sessions.
type sessionsQuery struct {
	params *protocol.SessionsListParams
	list   session.List
}

func (c *call) prepareSessionsList(p *protocol.SessionsListParams) (sessionsQuery, error) {
	q := sessionsQuery{params: p}
	limit, err := pageLimit(p.Limit, protocol.DefaultListLimit, protocol.MaxListLimit)
	if err != nil {
		return q, err
	}
	after, ok := session.ParseListCursor(p.Cursor)
	switch {
	case !ok:
		return q, badParams("cursor must be one that sessions.list gave")
	case utf8.RuneCountInString(p.Query) > protocol.MaxLabelLength:
		return q, badParams("query must be at most 120 characters")
	case p.Offset < 0 || p.Offset > protocol.MaxListOffset:
		return q, badParams("offset must be 0 to 10,000: go on with cursor")
	}
	q.list = session.List{
		Reader: c.caller().UserID, UserID: c.caller().UserID, AgentID: p.AgentID, Query: p.Query, Limit: limit, Offset: int(p.Offset), After: after,
	}
	if !c.listsOthers(p) {
		return q, nil
	}
	switch {
	case !c.isAdmin():
		return q, protocol.Refuse(protocol.Unauthorized,
			"permission denied: sessions.list of other users requires admin")
	case p.All && p.UserID != "":
		return q, badParams("all and userId exclude each other: give one of them")
	}
	q.list.UserID, q.list.Wide = p.UserID, true
	return q, nil
}

// listsOthers reports whether the request is for another user's sessions, or all users'.
func (c *call) listsOthers(p *protocol.SessionsListParams) bool {
	return p.All || p.UserID != "" && p.UserID != c.caller().UserID
}

func (c *call) describeSessionsList(q sessionsQuery) *audit.Act {
	switch {
	case !c.listsOthers(q.params):
		return nil
	case q.params.All:
		return &audit.Act{Target: "everybody"}
	}
	return &audit.Act{Target: audit.User(q.params.UserID)}
}

func (c *call) sessionsList(q sessionsQuery) (protocol.Payload, error) {
	result := &protocol.SessionsListResult{
		Sessions: []protocol.Session{}, Limit: int64(q.list.Limit), Offset: int64(q.list.Offset),
	}
	if q.params.Channel != "" && q.params.Channel != protocol.ChannelWS {
		return result, nil
	}
	page, err := c.g.Sessions.List(c.ctx, q.list)
	if err != nil {
		return nil, err
	}
	for _, r := range page.Sessions {
		result.Sessions = append(result.Sessions, c.listed(r))
	}
	result.Cursor = page.Next.Cursor()
	result.Total, err = c.total(q.list, page)
	return result, err
}

// total is how many sessions the list has. Of a search, and after the first pages, it is
// how many are known.
func (c *call) total(q session.List, page session.ListPage) (int64, error) {
	known := page.Skipped + len(page.Sessions)
	if !q.Searches() && q.After == nil {
		n, err := c.g.Sessions.Count(c.ctx, q.UserID, protocol.MaxListOffset)
		return int64(max(n, known)), err
	}
	if page.Next != nil {
		known++
	}
	return int64(known), nil
}
