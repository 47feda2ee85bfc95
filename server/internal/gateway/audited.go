package gateway

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/access"
	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// signInNote bounds how long a sign-in waits for its line.
const signInNote = 2 * time.Second

// rule is what follows from a method's being called, beside what it does.
type rule struct {
	// action is how the audit log names it; empty: the log does not tell of it. Of
	// a method about a session it tells only if that is somebody else's.
	action string
	// reads tells that it changes nothing: one line tells of many calls.
	reads bool
	// changes is a list of admins that is another after it, a Topic…, or empty.
	changes string
}

// ruleOf is the rule of a method. What is not named here is of no interest: it
// touches nobody else's.
func ruleOf(method string) rule {
	switch method {
	case protocol.MethodDeviceApprove:
		return rule{action: audit.PairingApprove}
	case protocol.MethodDeviceDeny:
		return rule{action: audit.PairingDeny}
	case protocol.MethodDeviceRevoke:
		return rule{action: audit.DeviceRevoke}
	case protocol.MethodKeysCreate:
		return rule{action: audit.KeyCreate, changes: protocol.TopicKeys}
	case protocol.MethodKeysRevoke:
		return rule{action: audit.KeyRevoke, changes: protocol.TopicKeys}
	case protocol.MethodClientsDrop:
		return rule{action: audit.Disconnect}
	case protocol.MethodConfigReload:
		return rule{action: audit.Reload, changes: protocol.TopicConfig}

	case protocol.MethodChatHistory, protocol.MethodChatStatus, protocol.MethodChatReplay, protocol.MethodSessionsPrev:
		return rule{action: audit.SessionRead, reads: true}
	case protocol.MethodChatWatch:
		return rule{action: audit.SessionWatch}
	case protocol.MethodChatSend:
		return rule{action: audit.SessionSend}
	case protocol.MethodChatRetry:
		return rule{action: audit.SessionRetry}
	case protocol.MethodChatInject:
		return rule{action: audit.SessionInject}
	case protocol.MethodChatAbort:
		return rule{action: audit.SessionAbort}
	case protocol.MethodSessionsPatch:
		return rule{action: audit.SessionPatch}
	case protocol.MethodSessionsDel:
		return rule{action: audit.SessionDelete}
	case protocol.MethodSessionsReset:
		return rule{action: audit.SessionReset}
	case protocol.MethodSessionsList:
		return rule{action: audit.SessionsList, reads: true}
	}
	return rule{}
}

// begin writes the audit log's lines of a call, if there are to be any. With an
// error the method must not be run; how it ended is to be told to c.ended.
func (c *call) begin(params protocol.Payload) error {
	r := ruleOf(c.method.Name)
	c.ended = func(err error) {
		if err == nil && r.changes != "" {
			c.g.Hub.Changed(r.changes)
		}
	}
	if r.action == "" {
		return nil
	}
	act := audit.Act{Action: r.action}
	told, err := c.describe(params, &act)
	switch {
	case err != nil:
		return err
	case told && r.reads:
		return c.g.Audit.Reading(c.ctx, c.actor(), act)
	case told:
		err = c.note(act)
	}
	if sent, ok := params.(*protocol.ChatSendParams); ok && err == nil {
		err = c.noteFiles(sent)
	}
	return err
}

// note writes the line of an act, and later how that ended.
func (c *call) note(act audit.Act) error {
	note, err := c.g.Audit.Begin(c.ctx, c.actor(), act)
	if err != nil {
		c.ended(err) // to lines that are written already
		return err
	}
	after := c.ended
	c.ended = func(err error) { note(err); after(err) }
	return nil
}

// noteFiles writes a line for each file of others that a message is to carry,
// which only admins may send.
func (c *call) noteFiles(p *protocol.ChatSendParams) error {
	if len(p.Media) == 0 || !c.caller().Role.Allows(protocol.Admin) {
		return nil
	}
	ids, err := mediaIDs(p.Media)
	if err != nil {
		return nil // the method refuses it
	}
	others, err := c.g.Sessions.FilesOfOthers(c.ctx, c.caller().UserID, ids)
	if err != nil {
		return err
	}
	for _, f := range others {
		to := cmp.Or(p.SessionKey, "a new session")
		if err := c.note(audit.Act{Action: audit.MediaAttach, Target: audit.Media(f.ID), Detail: f.Media.Filename + " of " + f.UserID + ", to " + to}); err != nil {
			return err
		}
	}
	return nil
}

// describe says what a call is about to do to what, and whether the log is to
// tell of it.
func (c *call) describe(params protocol.Payload, act *audit.Act) (told bool, err error) {
	switch p := params.(type) {
	case *protocol.DeviceApproveParams:
		act.Target, act.Detail = c.findRequester(p.Code), details("user", p.UserID, "role", string(p.Role), "label", p.Label)
	case *protocol.DeviceDenyParams:
		act.Target = c.findRequester(p.Code)
	case *protocol.DeviceRevokeParams:
		act.Target = audit.Device(p.DeviceID + p.SenderID) // one of them
	case *protocol.KeysCreateParams:
		c.drawn = auth.GenerateKey()
		act.Target, act.Detail = audit.Key(c.drawn.ID()), details("prefix", c.drawn.Prefix(), "user", p.UserID, "name", p.Name,
			"role", string(p.Role), "expires in", lasting(p.ExpiresIn))
	case *protocol.KeysRevokeParams:
		act.Target = audit.Key(p.ID)
	case *protocol.ClientsDropParams:
		act.Target, act.Detail = audit.Connection(p.ID), c.g.describeClient(p.ID)
	case *protocol.SessionsListParams:
		if act.Target = audit.User(p.UserID); p.All {
			act.Target = "everybody"
		}
		return p.All || p.UserID != "" && p.UserID != c.caller().UserID, nil
	case *protocol.Empty: // config.reload
	default:
		return c.describeSession(params, act)
	}
	return true, nil
}

// describeSession is describe for a method about a session: the log tells of it
// if the session belongs to somebody else, which only admins get at.
func (c *call) describeSession(params protocol.Payload, act *audit.Act) (told bool, err error) {
	if !c.caller().Role.Allows(protocol.Admin) {
		return false, nil
	}
	key, runID := sessionOf(params)
	if key == "" && runID != "" {
		if key, err = c.g.Sessions.RunSession(c.ctx, c.caller(), runID); err != nil {
			return false, unlessRefused(err)
		}
	}
	if key == "" || !validSession(key) {
		return false, nil // it is refused, or begins a session of the caller's own
	}
	return c.ofOther(key, act)
}

// ofOther makes an act one on a session, if that belongs to somebody else.
func (c *call) ofOther(key string, act *audit.Act) (told bool, err error) {
	rec, err := c.g.Sessions.Find(c.ctx, c.caller().To(key))
	if err != nil {
		return false, unlessRefused(err)
	}
	act.Target, act.Detail = audit.Session(key), "of "+rec.UserID
	return rec.UserID != c.caller().UserID, nil
}

// unlessRefused is nil for a refusal, which the method will give itself.
func unlessRefused(err error) error {
	if refused := new(protocol.Error); errors.As(err, &refused) {
		return nil
	}
	return err
}

// sessionOf is what params say which session they are about.
func sessionOf(params protocol.Payload) (key, runID string) {
	switch p := params.(type) {
	case *protocol.ChatSendParams:
		return p.SessionKey, ""
	case *protocol.ChatRetryParams:
		return p.SessionKey, ""
	case *protocol.ChatHistoryParams:
		return p.SessionKey, ""
	case *protocol.ChatInjectParams:
		return p.SessionKey, ""
	case *protocol.ChatAbortParams:
		return p.SessionKey, p.RunID
	case *protocol.ChatStatusParams:
		return p.SessionKey, ""
	case *protocol.ChatReplayParams:
		return p.SessionKey, ""
	case *protocol.ChatWatchParams:
		return p.SessionKey, ""
	case *protocol.SessionsPreviewParams:
		return p.SessionKey, ""
	case *protocol.SessionsPatchParams:
		return p.SessionKey, ""
	case *protocol.SessionsKeyParams:
		return p.Key, ""
	}
	return "", ""
}

// resuming writes the audit log's lines of an admin who resumes in sessions of
// others: their events will be read.
func (c *call) resuming(cursors []protocol.Cursor) error {
	if !c.caller().Role.Allows(protocol.Admin) {
		return nil
	}
	for _, cursor := range cursors {
		act := audit.Act{Action: audit.SessionRead}
		told, err := c.ofOther(cursor.SessionKey, &act)
		if err == nil && told {
			err = c.g.Audit.Reading(c.ctx, c.actor(), act)
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
	if who.Via != access.ViaToken {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), signInNote)
	defer cancel()
	if err := g.Audit.Reading(ctx, who.Actor(address), audit.Act{Action: audit.SignIn}); err != nil {
		g.Log.Error("signed in without a line in the audit log", "user", who.UserID, "address", address, "error", err)
	}
}

// findRequester finds the device that waits with a code, for c.requester, and
// names it as lines do; "" if there is none.
func (c *call) findRequester(code string) string {
	list, err := c.g.Pairings.List(c.ctx)
	if err != nil {
		return "" // then nothing will be changed either
	}
	code, _ = pairing.ParseCode(code)
	for _, p := range list.Pending {
		if p.Code == code {
			c.requester = p.DeviceID
			return audit.Device(p.DeviceID)
		}
	}
	return ""
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

// lasting is a time in seconds as people read it; nothing for 0.
func lasting(seconds int64) string {
	const day = 24 * 60 * 60
	switch {
	case seconds == 0:
		return ""
	case seconds%day == 0:
		return strconv.FormatInt(seconds/day, 10) + " d"
	}
	return strconv.FormatInt(seconds, 10) + " s"
}
