package gateway

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/access"
	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// signInNote bounds how long a sign-in waits for its line.
const signInNote = 2 * time.Second

// audit writes the lines of a call's acts. If it gives an error, the call must not
// be executed; otherwise ended must be told how the call ended.
func (c *call) audit(acts []audit.Act, reads bool) (ended func(error), err error) {
	if len(acts) == 0 {
		return func(error) {}, nil
	}
	var notes []func(error)
	ended = func(err error) {
		for _, note := range notes {
			note(err)
		}
	}
	for _, act := range acts {
		if reads {
			if err := c.g.Audit.BeginRead(c.ctx, c.actor(), act); err != nil {
				return nil, err
			}
			continue
		}
		note, err := c.g.Audit.Begin(c.ctx, c.actor(), act)
		if err != nil {
			ended(err) // the lines that are written already
			return nil, err
		}
		notes = append(notes, note)
	}
	return ended, nil
}

// inOthersSession gives the act of an admin in another user's session, for the
// audit log; nil for any other caller or session. Refusing is left to the method.
func (c *call) inOthersSession(a session.Access) (*audit.Act, error) {
	if !c.isAdmin() || !validSession(a.Key()) {
		return nil, nil
	}
	rec, err := c.g.Sessions.Find(c.ctx, a)
	switch {
	case errors.As(err, new(*protocol.Error)):
		return nil, nil
	case err != nil:
		return nil, err
	case rec.UserID == c.caller().UserID:
		return nil, nil
	}
	return &audit.Act{Target: audit.Session(a.Key()), Detail: "of " + rec.UserID}, nil
}

// resuming writes the audit log's lines of an admin who resumes in sessions of
// others: their events will be read.
func (c *call) resuming(cursors []protocol.Cursor) error {
	for _, cursor := range cursors {
		act, err := c.inOthersSession(c.caller().To(cursor.SessionKey))
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

// signedIn writes the audit log's line of an admin who comes with the gateway's
// token. One whose line cannot be written is let in all the same, since it takes
// an admin to look after a store that fails; what is done then is refused.
func (g *Gateway) signedIn(who access.Identity, address netip.Addr) {
	if who.Via != audit.ViaToken {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), signInNote)
	defer cancel()
	if err := g.Audit.BeginRead(ctx, who.Actor(address), audit.Act{Action: audit.SignIn}); err != nil {
		g.Log.Error("signed in without a line in the audit log", "user", who.UserID, "address", address, "error", err)
	}
}

// details joins what is given of pairs of a name and a value.
func details(pairs ...string) string {
	var given []string
	for ; len(pairs) > 1; pairs = pairs[2:] {
		if name, value := pairs[0], pairs[1]; value != "" {
			given = append(given, name+" "+value)
		}
	}
	return strings.Join(given, ", ")
}
