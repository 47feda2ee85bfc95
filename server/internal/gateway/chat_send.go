package gateway

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// outgoing is a message to send.
type outgoing struct {
	params *protocol.ChatSendParams
	files  []string // ids of the files that the message carries
}

func (c *call) prepareSend(p *protocol.ChatSendParams) (outgoing, error) {
	files, unfit := mediaIDs(p.Media)
	m := outgoing{p, files}
	if err := c.checkSend(p); err != nil {
		return m, err
	}
	if c.g.Draining() {
		return m, errDraining()
	}
	return m, unfit
}

func (c *call) checkSend(p *protocol.ChatSendParams) error {
	switch {
	case strings.TrimSpace(p.Message) == "" && len(p.Media) == 0:
		return badParams("message must not be empty, unless media has a file")
	case len(p.Message) > protocol.MaxMessageBytes:
		return badParams("message must be at most 256 KiB")
	case session.EncodedLen(p.Message) > maxEncoded:
		return badParams("message has too many characters that need escapes: send it as a file")
	case len(p.Media) > protocol.MaxMedia:
		return badParams(fmt.Sprintf("media must be at most %d files", protocol.MaxMedia))
	case p.SessionKey != "" && !validSession(p.SessionKey):
		return errSessionKey
	case p.AgentID != "" && !c.hasAgent(p.AgentID):
		return protocol.Refuse(protocol.NotFound,
			"agentId: there is no agent "+shown(p.AgentID)+": see agents.list")
	}
	return checkQueued(p.IdempotencyKey, p.Ack)
}

func (c *call) hasAgent(id string) bool {
	return slices.ContainsFunc(c.settings.Agents, func(a protocol.Agent) bool { return a.ID == id })
}

// filesOfOthers are the audit log's acts for the message's files that belong to other
// users. Only admins may send those.
func (c *call) filesOfOthers(m outgoing) (acts []audit.Act, err error) {
	if len(m.files) == 0 || !c.isAdmin() {
		return nil, nil
	}
	others, err := c.g.Sessions.FilesOfOthers(c.ctx, c.caller().UserID, m.files)
	to := cmp.Or(m.params.SessionKey, "a new session")
	for _, f := range others {
		acts = append(acts, audit.Act{
			Action: audit.MediaAttach, Target: audit.Media(f.ID),
			Detail: f.Media.Filename + " of " + f.UserID + ", to " + to,
		})
	}
	return acts, err
}

func (c *call) chatSend(m outgoing) (protocol.Payload, error) {
	p := m.params
	sent, err := c.g.Sessions.Send(c.ctx, c.session, session.SendRequest{
		Media: m.files, AgentID: p.AgentID, DefaultAgent: c.settings.Agents[0].ID,
		Message: p.Message, IdempotencyKey: p.IdempotencyKey, Stream: p.Stream == nil || *p.Stream,
	})
	if err != nil {
		return nil, err
	}
	return c.queued(sent, p.Ack)
}
