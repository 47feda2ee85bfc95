package gateway

import (
	"strings"
	"unicode/utf8"

	"github.com/gatehouse-chat/gatehouse/server/internal/printable"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

func checkPatch(p *protocol.SessionsPatchParams) (err error) {
	p.SessionKey, err = oneKey(p.SessionKey, p.Key)
	switch {
	case err != nil:
		return err
	case !validSession(p.SessionKey):
		return errSessionKey
	case p.Label == nil && p.Pinned == nil:
		return badParams("label or pinned must be given")
	case p.Label != nil && !validLabel(*p.Label):
		return badParams("label must be 1 to 120 visible characters" + printable.Why(*p.Label))
	}
	return nil
}

func validLabel(s string) bool {
	return utf8.RuneCountInString(s) <= protocol.MaxLabelLength && strings.TrimSpace(s) != "" &&
		printable.Text(s)
}

func (c *call) sessionsPatch(p *protocol.SessionsPatchParams) (protocol.Payload, error) {
	rec, err := c.g.Sessions.Patch(c.ctx, c.session, p.Label, p.Pinned)
	return &protocol.SessionsPatchResult{OK: true, Key: rec.Key, Session: rec.Wire(), OwnerID: c.owner}, err
}
