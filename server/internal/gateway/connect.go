package gateway

import (
	"errors"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/gatehouse-chat/gatehouse/server/internal/access"
	"github.com/gatehouse-chat/gatehouse/server/internal/hub"
	"github.com/gatehouse-chat/gatehouse/server/internal/metrics"
	"github.com/gatehouse-chat/gatehouse/server/internal/printable"
	"github.com/gatehouse-chat/gatehouse/server/internal/registry"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// maxWrongTokens is how many wrong tokens close a connection.
const maxWrongTokens = 5

// proven is an identity with the secret that proved it. The secret is checked once more
// when the connection is registered.
type proven struct {
	*access.Identity
	secret string // the API key or the device's credential
}

// connect authenticates the client. Only strangers' calls count against their address:
// what strangers have used up must not keep out a client with a valid credential.
func (c *call) connect() {
	if c.member.Load() != nil {
		c.fail(protocol.Refuse(protocol.FailedPrecondition,
			"already connected: open another connection to be somebody else"))
		return
	}
	// Each connect, also one that fails, restarts the hello deadline.
	c.conn.AwaitHello()
	var p protocol.ConnectParams
	err := c.decode(&p)
	if err == nil {
		err = checkConnect(&p)
	}
	var who *proven
	if err == nil {
		who, err = c.identify(&p)
	}
	if who == nil {
		c.connectStranger(&p, err)
		return
	}
	c.admit(&p, *who)
}

// connectStranger refuses a client with err, or lets it ask for pairing if err is nil. It
// counts as a stranger's call.
func (c *call) connectStranger(p *protocol.ConnectParams, err error) {
	if limit := c.g.Access.AllowCall(c.Peer.Address); limit != nil {
		err = limit
	}
	if err == nil {
		c.askForPairing(p)
		return
	}
	c.fail(err)
	c.closeIfGuessing()
}

func checkConnect(p *protocol.ConnectParams) error {
	switch {
	case p.Protocol != 0 && p.Protocol != protocol.Version:
		return &protocol.Error{Code: protocol.FailedPrecondition,
			Message: "protocol " + strconv.FormatInt(p.Protocol, 10) +
				" is not supported: this gateway speaks protocol 3",
			Details: &protocol.ErrorDetails{Supported: strconv.Itoa(protocol.Version)}}
	case len(p.UserID) > protocol.MaxUserIDLength || !printable.Text(p.UserID):
		return badParams("user_id must be at most 255 bytes of visible text" +
			printable.Why(p.UserID))
	case utf8.RuneCountInString(p.DeviceName) > protocol.MaxDeviceNameLength:
		return badParams("device_name must be at most 80 characters")
	case p.SenderID != "" && !validSender(p.SenderID):
		return badParams("sender_id must be 1 to 128 characters of A-Z a-z 0-9 . _ : @ -, starting with a letter or digit")
	}
	return checkResume(p.Resume)
}

func checkResume(cursors []protocol.Cursor) error {
	if len(cursors) > protocol.MaxResume {
		return badParams("resume must have at most " + strconv.Itoa(protocol.MaxResume) +
			" cursors: leave out the sessions that are not shown")
	}
	seen := make(map[string]bool, len(cursors))
	for i, c := range cursors {
		at := "resume[" + strconv.Itoa(i) + "]."
		switch {
		case !validSession(c.SessionKey):
			return badParams(at + errSessionKey.Message)
		case c.AfterSeq < 0:
			return badParams(at + errAfterSeq.Message)
		case seen[c.SessionKey]:
			return badParams(at + "sessionKey is there twice: give one cursor a session")
		}
		seen[c.SessionKey] = true
	}
	return nil
}

// identify checks the client's credential: its token, else its Authorization header, else
// its sender_id, else its cookie. If that credential is wrong, the client is refused, and
// no other one is tried. identify gives nil if the client has sent no credential, or if
// the pairing of its device is pending.
func (c *call) identify(p *protocol.ConnectParams) (*proven, error) {
	switch {
	case p.Token != "":
		return c.checkToken(p.Token, p.UserID)
	case c.Peer.Authorized:
		return c.checkToken(c.Peer.Bearer, p.UserID)
	case p.SenderID != "":
		return c.checkDevice(p.SenderID)
	case c.Peer.Cookie != "":
		who, err := c.checkDevice(c.Peer.Cookie)
		if pairingStatusOf(err) == protocol.PairingUnknown && c.g.Pairings.Issued(c.Peer.Cookie) {
			return nil, nil // a new browser: its pairing will be bound to the cookie
		}
		return who, err // a credential that somebody else made up is refused
	case p.Cookie:
		return nil, errNoCookie
	}
	return nil, nil
}

var errNoCookie = &protocol.Error{Code: protocol.NotPaired,
	Message: "the browser did not send the cookie that it was given: it has to keep cookies of this " +
		"address, and a proxy has to pass the headers Set-Cookie and Cookie on",
	Details: &protocol.ErrorDetails{Status: protocol.PairingNoCookie}}

// pairingStatusOf is the status of the pairing that the error refuses, or "".
func pairingStatusOf(err error) string {
	var refused *protocol.Error
	if errors.As(err, &refused) && refused.Code == protocol.NotPaired && refused.Details != nil {
		return refused.Details.Status
	}
	return ""
}

func (c *call) checkToken(token, userID string) (*proven, error) {
	who, err := c.g.Access.CheckBearer(c.ctx, c.Peer.Address, token, userID)
	if err != nil {
		// A token that was not checked may be right, and does not count.
		if access.IsWrong(err) {
			c.wrongTokens++
		}
		return nil, err
	}
	return &proven{Identity: &who, secret: token}, nil
}

// closeIfGuessing ends a connection that has sent too many wrong tokens.
func (c *call) closeIfGuessing() {
	if c.wrongTokens >= maxWrongTokens {
		c.conn.Close(protocol.ClosePolicy, "too many wrong tokens")
	}
}

func (c *call) checkDevice(secret string) (*proven, error) {
	who, err := c.g.Access.CheckDevice(c.ctx, secret)
	switch {
	case pairingStatusOf(err) == protocol.PairingPending:
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &proven{Identity: &who, secret: secret}, nil
}

// admit makes the client a member and answers; the events that it has missed follow.
func (c *call) admit(p *protocol.ConnectParams, who proven) {
	most := c.settings.Limits.ConnectionsPerUser
	if !c.g.Registry.Authenticate(c.Connection, who.Identity, clientName(p.Client), most) {
		c.refuseFull(who.UserID, most)
		return
	}
	if err := c.becomeMember(p, who); err != nil {
		c.who = nil
		c.member.Store(nil)
		c.g.Registry.Deauthenticate(c.Connection)
		c.fail(err)
	}
}

// refuseFull refuses a client whose user has too many connections, and closes its own.
func (c *call) refuseFull(user string, most int) {
	c.g.Access.ConnectionRefused(c.Peer.Address, metrics.RefusedUser)
	c.fail(protocol.Exhausted("user "+shown(user)+" has "+strconv.Itoa(most)+
		" connections, which is the limit: close some of them", registry.RetryFull.Milliseconds()))
	c.conn.Close(protocol.CloseTooSlow, "too many connections of this user: close some and come back")
}

// becomeMember joins the hub, resumes and answers. If becomeMember fails, the caller
// undoes what it has done so far.
func (c *call) becomeMember(p *protocol.ConnectParams, who proven) error {
	member := &hub.Member{
		Sender: c.client, UserID: who.UserID, Role: who.Role,
		HTML: p.Client != nil && slices.Contains(p.Client.Caps, protocol.CapHTML),
	}
	c.who, c.own, c.onlyV3 = who.Identity, p.Own, knowsOnlyV3(p)
	c.member.Store(member)
	// Check the credential again, now that the registry knows whose the connection is: an
	// earlier revocation has not closed the connection.
	if err := c.g.Access.Recheck(c.ctx, *who.Identity, who.secret); err != nil {
		return err
	}
	if err := c.auditResume(p.Resume); err != nil {
		return err
	}
	c.g.auditSignIn(*who.Identity, c.Peer.Address)
	resumed, start, err := c.g.Hub.Resume(c.ctx, c.g.Sessions, member, p.Resume)
	if err != nil {
		return err
	}
	c.stopWaiting()
	c.conn.Admit()
	c.reply(&protocol.ConnectResult{
		Protocol: protocol.Version, Role: who.Role, UserID: who.UserID, Server: c.g.server(),
		Limits: &protocol.Limits{
			MaxFrameBytes: protocol.MaxFrameBytes, PingIntervalMs: protocol.PingInterval.Milliseconds(),
			ReadTimeoutMs:  protocol.ReadTimeout.Milliseconds(),
			TickIntervalMs: protocol.TickInterval.Milliseconds(),
		},
		Resumed: resumed, TenantID: protocol.TenantID, TenantSlug: protocol.TenantSlug,
		IsOwner: true, IsMasterScope: true, Edition: protocol.Edition,
	})
	c.closeWhenExpired()
	start()
	return nil
}

// closeWhenExpired closes the connection when its API key expires. The clock of the
// machine may be set, or stand still while the machine sleeps, so Gateway.tick looks for
// expired keys as well.
func (c *call) closeWhenExpired() {
	if c.who.ExpiresAt == 0 {
		return
	}
	socket := c.conn
	c.expiry = time.AfterFunc(time.Until(c.who.ExpiresAt.Go()), func() {
		socket.Close(protocol.ClosePolicy, protocol.ReasonKeyExpired)
	})
}
