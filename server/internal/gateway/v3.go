package gateway

import (
	"cmp"
	"slices"
	"strings"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// This file is for clients that were written for GoClaw v3 and know no addition: it names
// values as they read them, and answers methods about what Gatehouse has none of.

// knowsOnlyV3 reports whether connect shows a client that knows no addition: it says
// neither who it is nor what it has read. Such a client cannot put a running answer
// together with the events that follow.
func knowsOnlyV3(p *protocol.ConnectParams) bool { return p.Client == nil && len(p.Resume) == 0 }

func (c *call) tenantsMine(*protocol.Empty) (protocol.Payload, error) {
	return &protocol.TenantsResult{Tenants: []protocol.Empty{}}, nil
}

func (c *call) teamTasks(*protocol.Empty) (protocol.Payload, error) {
	return &protocol.TeamTasksResult{Tasks: []protocol.Empty{}}, nil
}

func (c *call) quotaUsage(*protocol.Empty) (protocol.Payload, error) {
	return &protocol.QuotaUsageResult{Entries: []protocol.Empty{}}, nil
}

func (c *call) cronList(*protocol.Empty) (protocol.Payload, error) {
	return &protocol.CronListResult{Jobs: []protocol.Empty{}}, nil
}

func (c *call) channelsStatus(*protocol.Empty) (protocol.Payload, error) {
	return &protocol.ChannelsStatusResult{}, nil
}

// listed is a session as sessions.list shows it.
func (c *call) listed(r session.Record) protocol.Session {
	s := r.Wire()
	s.Created, s.Updated, s.User = s.CreatedAt, s.UpdatedAt, s.UserID
	s.Channel, s.MessageCount = protocol.ChannelWS, &r.Messages
	for _, a := range c.settings.Agents {
		if a.ID == r.AgentID {
			s.Model = a.Model
		}
	}
	return s
}

// inHistory adds v3's names to the messages of a history. A client that knows only v3
// gets no running answer.
func (c *call) inHistory(messages []protocol.Message) []protocol.Message {
	if c.onlyV3 {
		messages = slices.DeleteFunc(messages, func(m protocol.Message) bool {
			return m.Status == protocol.StatusStreaming
		})
	}
	for i := range messages {
		m := &messages[i]
		m.Created = m.CreatedAt
		for _, f := range m.Media {
			kind := "document"
			if strings.HasPrefix(f.MimeType, "image/") {
				kind = "image"
			}
			m.MediaRefs = append(m.MediaRefs, protocol.MediaRef{
				ID: strings.TrimPrefix(f.Path, protocol.MediaPath), MimeType: f.MimeType, Kind: kind,
				Path: f.Path, Filename: f.Filename,
			})
		}
	}
	return messages
}

// oneKey is the session's key of params that may name it by sessionKey, or by key as v3
// does.
func oneKey(sessionKey, key string) (string, error) {
	if sessionKey != "" && key != "" && sessionKey != key {
		return "", badParams("sessionKey and key mean the same: give one of them")
	}
	return cmp.Or(sessionKey, key), nil
}

// scopeRoles are the roles that v3's scopes of an API key give, least first.
var scopeRoles = []struct {
	scope string
	role  protocol.Role
}{
	{"operator.read", protocol.Viewer}, {"operator.write", protocol.Operator}, {"operator.admin", protocol.Admin},
}

// fromV3 gives the params of api_keys.create with v3's names resolved.
func fromV3(p protocol.KeysCreateParams) (protocol.KeysCreateParams, error) {
	role, err := roleOf(p.Scopes)
	switch {
	case err != nil:
		return p, err
	case p.Role != "" && role != "" && p.Role != role:
		return p, badParams("role and scopes mean the same: give one of them")
	case p.UserID != "" && p.OwnerID != "" && p.UserID != p.OwnerID:
		return p, badParams("userId and owner_id mean the same: give one of them")
	case p.ExpiresIn != 0 && p.Expires != 0 && p.ExpiresIn != p.Expires:
		return p, badParams("expiresIn and expires_in mean the same: give one of them")
	}
	p.Role, p.UserID, p.ExpiresIn = cmp.Or(p.Role, role), cmp.Or(p.UserID, p.OwnerID), cmp.Or(p.ExpiresIn, p.Expires)
	p.Scopes, p.OwnerID, p.Expires = nil, "", 0
	return p, nil
}

// roleOf is the highest role that one of the scopes gives; empty without scopes.
func roleOf(scopes []string) (highest protocol.Role, err error) {
	for _, scope := range scopes {
		i := slices.IndexFunc(scopeRoles, func(s struct {
			scope string
			role  protocol.Role
		}) bool {
			return s.scope == scope
		})
		if i < 0 {
			return "", badParams("scopes: there is no scope " + shown(scope) +
				": use operator.read, operator.write or operator.admin")
		}
		if role := scopeRoles[i].role; highest == "" || role.Allows(highest) {
			highest = role
		}
	}
	return highest, nil
}
