package gateway

import (
	"unicode/utf8"

	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Limits of a page of the audit log.
const (
	defaultAuditLimit = 50
	maxAuditLimit     = 200
	maxAuditFilter    = 255 // characters of each text
)

func (c *call) auditList(p *protocol.AuditListParams) (protocol.Payload, error) {
	limit, err := pageLimit(p.Limit, defaultAuditLimit, maxAuditLimit)
	if err != nil {
		return nil, err
	}
	for name, text := range map[string]string{"userId": p.UserID, "action": p.Action, "target": p.Target, "query": p.Query} {
		if utf8.RuneCountInString(text) > maxAuditFilter {
			return nil, badParams(name + " must be at most 255 characters")
		}
	}
	if p.Before < 0 || p.Since < 0 || p.Until < 0 {
		return nil, badParams("before, since and until must be 0 or more")
	}
	list, err := c.g.Audit.List(c.ctx, audit.Filter{
		UserID: p.UserID, Action: p.Action, Target: p.Target, Query: p.Query,
		Since: p.Since, Until: p.Until, Before: p.Before, Limit: limit + 1,
	})
	if err != nil {
		return nil, err
	}
	result := &protocol.AuditListResult{Entries: list}
	if len(list) > limit {
		result.Entries, result.HasMore = list[:limit], true
	}
	fitEntries(result)
	return result, nil
}

// fitEntries cuts a page to what fits a frame.
func fitEntries(r *protocol.AuditListResult) {
	var text []byte
	room := protocol.MaxFrameBytes - 2048
	for i := range r.Entries {
		text = r.Entries[i].AppendJSON(text[:0])
		if room -= len(text) + 1; room < 0 {
			r.Entries, r.HasMore = r.Entries[:i], true
			return
		}
	}
}
