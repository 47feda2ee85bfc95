package gateway

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/access"
	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// signInTimeout bounds how long a sign-in waits for its entry in the audit log.
const signInTimeout = 2 * time.Second

// audit writes the acts of a call to the audit log. If it fails, the call must not be
// executed; otherwise the caller calls ended with the call's result.
func (c *call) audit(acts []audit.Act, reads bool) (ended func(error), err error) {
	if len(acts) == 0 {
		return func(error) {}, nil
	}
	var ends []func(error)
	ended = func(err error) {
		for _, end := range ends {
			end(err)
		}
	}
	for _, act := range acts {
		if reads {
			if err := c.g.Audit.BeginRead(c.ctx, c.actor(), act); err != nil {
				return nil, err
			}
			continue
		}
		end, err := c.g.Audit.Begin(c.ctx, c.actor(), act)
		if err != nil {
			ended(err) // for the entries that are written already
			return nil, err
		}
		ends = append(ends, end)
	}
	return ended, nil
}

// inOthersSession gives the audit log's act of an admin in another user's session, and
// notes the owner; nil for any other caller or session. It refuses no call: the method
// checks the owner.
func (c *call) inOthersSession(key string) (*audit.Act, error) {
	if !c.isAdmin() || !validSession(key) {
		return nil, nil
	}
	rec, err := c.g.Sessions.Find(c.ctx, c.caller().To(key))
	switch {
	case errors.As(err, new(*protocol.Error)):
		return nil, nil
	case err != nil:
		return nil, err
	case rec.UserID == c.caller().UserID:
		return nil, nil
	}
	c.owner = rec.UserID
	return &audit.Act{Target: audit.Session(key), Detail: "of " + rec.UserID}, nil
}

// ownedBy notes the owner of the session that a call has changed. The session may be
// newer than the call.
func (c *call) ownedBy(owner string) {
	if owner != c.caller().UserID {
		c.owner = owner
	}
}

// reportForeign logs that a call has changed another user's session, or was refused to.
func (c *call) reportForeign(err error) {
	if c.owner != "" {
		c.g.Access.ForeignSession(c.actor(), c.Peer.Address, c.method, c.session.Key(), c.owner, err != nil)
	}
}

// auditResume audits an admin who resumes in other users' sessions, and so will read
// their events.
func (c *call) auditResume(cursors []protocol.Cursor) error {
	for _, cursor := range cursors {
		act, err := c.inOthersSession(cursor.SessionKey)
		if err == nil && act != nil {
			act.Action = audit.SessionRead
			err = c.g.Audit.BeginRead(c.ctx, c.actor(), *act)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// auditSignIn audits an admin who signs in with the gateway token. If the audit log cannot
// be written, the admin may connect all the same, since a failing store needs an admin;
// audited methods are refused until the log can be written.
func (g *Gateway) auditSignIn(who access.Identity, address netip.Addr) {
	if who.Via != audit.ViaToken {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), signInTimeout)
	defer cancel()
	if err := g.Audit.BeginRead(ctx, who.Actor(address), audit.Act{Action: audit.SignIn}); err != nil {
		g.Log.Error("an admin has signed in without an entry in the audit log: it could not be written",
			"user", who.UserID, "address", address, "error", err)
	}
}

// details joins pairs of a name and a value; pairs without a value are left out.
func details(pairs ...string) string {
	var given []string
	for ; len(pairs) > 1; pairs = pairs[2:] {
		if name, value := pairs[0], pairs[1]; value != "" {
			given = append(given, name+" "+value)
		}
	}
	return strings.Join(given, ", ")
}
