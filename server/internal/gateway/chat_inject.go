package gateway

import (
	"strings"
	"unicode/utf8"

	"github.com/gatehouse-chat/gatehouse/server/internal/printable"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

func checkInject(p *protocol.ChatInjectParams) error {
	switch {
	case !validSession(p.SessionKey):
		return errSessionKey
	case strings.TrimSpace(p.Message) == "":
		return badParams("message must not be empty")
	case len(p.Message) > protocol.MaxMessageBytes || session.EncodedLen(p.Message) > maxEncoded:
		return badParams("message must be at most 256 KiB")
	case utf8.RuneCountInString(p.Label) > protocol.MaxLabelLength || !printable.Text(p.Label):
		return badParams("label must be at most 120 visible characters" + printable.Why(p.Label))
	}
	return nil
}

func (c *call) chatInject(p *protocol.ChatInjectParams) (protocol.Payload, error) {
	injected, err := c.g.Sessions.Inject(c.ctx, c.session, p.Message, p.Label)
	if err != nil {
		return nil, err
	}
	c.ownedBy(injected.Owner)
	return &protocol.ChatInjectResult{OK: true, MessageID: injected.MessageID, OwnerID: c.owner}, nil
}
