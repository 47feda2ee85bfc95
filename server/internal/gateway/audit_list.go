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

func prepareAuditList(c *call, p *protocol.AuditListParams) (audit.Filter, error) {
	limit, err := pageLimit(p.Limit, defaultAuditLimit, maxAuditLimit)
	if err != nil {
		return audit.Filter{}, err
	}
	for _, text := range []struct{ name, value string }{
		{"userId", p.UserID}, {"action", p.Action}, {"target", p.Target}, {"query", p.Query},
	} {
		if utf8.RuneCountInString(text.value) > maxAuditFilter {
			return audit.Filter{}, badParams(text.name + " must be at most 255 characters")
		}
	}
	if p.Before < 0 || p.Since < 0 || p.Until < 0 {
		return audit.Filter{}, badParams("before, since and until must be 0 or more")
	}
	return audit.Filter{
		Reader: c.caller().UserID,
		UserID: p.UserID, Action: p.Action, Target: p.Target, Query: p.Query,
		Since: p.Since, Until: p.Until, Before: p.Before, Limit: limit,
	}, nil
}

func (c *call) auditList(f audit.Filter) (protocol.Payload, error) {
	limit := f.Limit
	f.Limit++ // to see whether there are more
	list, err := c.g.Audit.List(c.ctx, f)
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
