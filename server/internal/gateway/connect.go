package gateway

import (
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/gatehouse-chat/gatehouse/server/internal/hub"
	"github.com/gatehouse-chat/gatehouse/server/internal/metrics"
	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// wrongTokensAConnection closes the connection that sends so many.
const wrongTokensAConnection = 5

// pairingPoll is how often a requester should ask how its pairing stands.
const pairingPoll = 2 * time.Second

// proven is an identity with what proved it, to be checked once more.
type proven struct {
	Identity
	secret string // the API key or the device's credential
}

func (c *call) connect() {
	if c.member.Load() != nil {
		c.fail(protocol.Refuse(protocol.FailedPrecondition, "already connected: open another connection to be somebody else"))
		return
	}
	// Each connect, also one that fails, starts the hello deadline anew.
	c.conn.AwaitHello()
	if err := c.g.AllowCall(c.peer.Address); err != nil {
		c.fail(err)
		return
	}
	var p protocol.ConnectParams
	err := c.decode(&p)
	if err == nil {
		err = checkConnect(&p)
	}
	if err != nil {
		c.fail(err)
		return
	}
	who, err := c.identify(&p)
	switch {
	case err != nil:
		c.fail(err)
		c.closeIfGuessing()
	case who == nil:
		c.askForPairing(&p)
	default:
		c.enter(&p, *who)
	}
}

func checkConnect(p *protocol.ConnectParams) error {
	switch {
	case p.Protocol != 0 && p.Protocol != protocol.Version:
		return &protocol.Error{Code: protocol.FailedPrecondition,
			Message: "protocol " + strconv.FormatInt(p.Protocol, 10) + " is not supported: this gateway speaks protocol 3",
			Details: &protocol.ErrorDetails{Supported: strconv.Itoa(protocol.Version)}}
	case len(p.UserID) > protocol.MaxUserIDLength || !printable(p.UserID):
		return badParams("user_id must be at most 255 bytes of printable text")
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

// identify checks the credential that counts: token, Authorization, sender_id,
// cookie, in this order; a wrong one is refused, never skipped. With none, and
// with one whose pairing waits, it gives nil.
func (c *call) identify(p *protocol.ConnectParams) (*proven, error) {
	switch {
	case p.Token != "":
		return c.checkToken(p.Token, p.UserID)
	case c.peer.Authorized:
		return c.checkToken(c.peer.Bearer, p.UserID)
	case p.SenderID != "":
		return c.checkDevice(p.SenderID)
	case c.peer.Cookie != "":
		who, err := c.checkDevice(c.peer.Cookie)
		if status(err) == protocol.PairingUnknown {
			return nil, nil // a browser that begins: its pairing is bound to the cookie
		}
		return who, err
	}
	return nil, nil
}

// status is that of a refused pairing, or "".
func status(err error) string {
	var refused *protocol.Error
	if errors.As(err, &refused) && refused.Code == protocol.NotPaired && refused.Details != nil {
		return refused.Details.Status
	}
	return ""
}

func (c *call) checkToken(token, userID string) (*proven, error) {
	who, err := c.g.CheckBearer(c.ctx, c.peer.Address, token, userID)
	if err != nil {
		// One that was not even looked at may be right: it does not count.
		if wrongCredential(err) {
			c.wrongTokens++
		}
		return nil, err
	}
	return &proven{Identity: who, secret: token}, nil
}

// CheckToken checks the gateway token for a caller from address, which has ten
// wrong ones a minute.
func (g *Gateway) CheckToken(address netip.Addr, token string) error {
	return g.CheckGuess(address, func() bool { return g.Token.Matches(token) })
}

// CheckGuess checks a secret that a stranger may guess at, as often as wrong
// tokens may be sent.
func (g *Gateway) CheckGuess(address netip.Addr, right func() bool) error {
	wait, ok := g.tokens.Take(address)
	if !ok {
		return g.tooManyWrong(address, wait)
	}
	if !right() {
		g.Metrics.WrongToken()
		if g.lines.Any() {
			g.Log.Warn("security.token_rejected", "address", address)
		}
		g.Audit.WrongToken(address.String())
		return errWrongToken
	}
	g.tokens.Return(address)
	return nil
}

var errWrongToken = protocol.Refuse(protocol.Unauthorized, "invalid token")

func (g *Gateway) tooManyWrong(address netip.Addr, wait time.Duration) error {
	g.logLimited(address, metrics.LimitTokens, "wrong tokens")
	return protocol.Exhausted("too many wrong tokens from this address", wait.Milliseconds())
}

// AllowCall counts a call without a credential.
func (g *Gateway) AllowCall(address netip.Addr) error {
	wait, ok := g.calls.Take(address)
	if !ok {
		g.logLimited(address, metrics.LimitCalls, "unauthenticated calls")
		return protocol.Exhausted("too many calls without a credential from this address", wait.Milliseconds())
	}
	return nil
}

// logLimited counts and logs that an address was refused; a flood of calls must not become
// one of lines.
func (g *Gateway) logLimited(address netip.Addr, limit metrics.Limit, what string) {
	g.Metrics.RateLimited(limit)
	if _, ok := g.lines.Take(address); ok {
		g.Log.Warn("security.rate_limited", "address", address, "what", what)
	}
}

// closeIfGuessing ends a connection that has sent too many wrong tokens.
func (c *call) closeIfGuessing() {
	if c.wrongTokens >= wrongTokensAConnection {
		c.conn.Close(protocol.ClosePolicy, "too many wrong tokens")
	}
}

func (c *call) checkDevice(secret string) (*proven, error) {
	who, err := c.g.CheckDevice(c.ctx, secret)
	switch {
	case status(err) == protocol.PairingPending:
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &proven{Identity: who, secret: secret}, nil
}

// enter makes the client a member and answers; what it has missed follows.
func (c *call) enter(p *protocol.ConnectParams, who proven) {
	most := c.live.Limits.withDefaults().ConnectionsPerUser
	if !c.g.seats.join(c.place, who.UserID, most) {
		c.refuseFull(who.UserID, most)
		return
	}
	if err := c.becomeMember(p, who); err != nil {
		c.member.Store(nil)
		c.g.seats.part(c.place)
		c.fail(err)
	}
}

// refuseFull ends a connection whose user has as many as it may.
func (c *call) refuseFull(user string, most int) {
	c.g.Metrics.UpgradeRefused(metrics.RefusedUser)
	c.g.logFull(c.peer.Address, metrics.RefusedUser)
	c.g.calls.Return(c.peer.Address) // it was no stranger's
	c.fail(protocol.Exhausted("user "+shown(user)+" has "+strconv.Itoa(most)+" connections, which is the limit: close some of them",
		retryFull.Milliseconds()))
	c.conn.Close(protocol.CloseTooSlow, "too many connections of this user: close some and come back")
}

func (c *call) becomeMember(p *protocol.ConnectParams, who proven) error {
	member := &hub.Member{
		Sender: c.client, UserID: who.UserID, Role: who.Role, Via: who.Via,
		DeviceID: who.DeviceID, KeyID: who.KeyID, ExpiresAt: who.ExpiresAt, Client: clientName(p.Client),
		HTML: p.Client != nil && slices.Contains(p.Client.Caps, protocol.CapHTML),
	}
	c.member.Store(member)
	if err := c.stillHolds(who); err != nil {
		return err
	}
	if err := c.resuming(p.Resume); err != nil {
		return err
	}
	c.g.signedIn(who.Identity, c.peer.Address)
	resumed, open, err := c.g.Hub.Enter(c.ctx, c.g.Sessions, member, p.Resume)
	if err != nil {
		return err
	}
	c.stopWaiting()
	c.conn.Admit()
	c.g.calls.Return(c.peer.Address) // it was no stranger's
	c.reply(&protocol.ConnectResult{
		Protocol: protocol.Version, Role: who.Role, UserID: who.UserID, Server: c.g.server(),
		Limits: &protocol.Limits{
			MaxFrameBytes: protocol.MaxFrameBytes, PingIntervalMs: protocol.PingInterval.Milliseconds(),
			ReadTimeoutMs: protocol.ReadTimeout.Milliseconds(), TickIntervalMs: protocol.TickInterval.Milliseconds(),
		},
		Resumed: resumed,
	})
	open()
	return nil
}

// stillHolds checks a device or key once more, now that closeDevice and closeKey
// know the connection for its own: a revocation before that has closed nobody.
func (c *call) stillHolds(who proven) (err error) {
	switch {
	case who.DeviceID != "":
		_, err = c.g.Pairings.Authenticate(c.ctx, who.secret)
	case who.KeyID != "":
		_, err = c.g.Keys.Authenticate(c.ctx, who.secret)
	}
	return err
}

func (g *Gateway) server() protocol.Server {
	return protocol.Server{Name: "gatehouse", Version: g.Version}
}

// askForPairing files the client's request, or finds the one it has filed.
func (c *call) askForPairing(p *protocol.ConnectParams) {
	if !c.live.Pairing {
		c.fail(protocol.Refuse(protocol.Unauthorized,
			"this gateway does not pair new browsers: connect with a token, or ask an admin for access"))
		return
	}
	secret, own := p.SenderID, false
	if secret == "" {
		secret = c.peer.Cookie
	}
	if secret == "" {
		secret, own = pairing.NewCredential(), true
	}
	pending, err := c.g.Pairings.Request(c.ctx, pairing.Requester{
		Secret: secret, Address: c.peer.Address, UserAgent: c.peer.UserAgent, DeviceName: p.DeviceName,
	})
	if err != nil {
		c.fail(err)
		return
	}
	c.startWaiting(waiting{deviceID: pending.DeviceID, secret: secret})
	result := protocol.ConnectResult{
		Protocol: protocol.Version, Status: protocol.StatusPendingPairing, Server: c.g.server(),
		PairingCode: pending.Code, ExpiresAt: pending.ExpiresAt, PollIntervalMs: pairingPoll.Milliseconds(),
	}
	// A browser's secret is in its cookie, where no script can read it.
	if own || p.SenderID != "" {
		result.SenderID = secret
	}
	c.reply(&result)
}

// pairingStatus tells a client that waits how its own request stands.
func (c *call) pairingStatus() {
	if c.waiting == nil {
		c.fail(protocol.Refuse(protocol.FailedPrecondition, "this connection is not waiting for pairing"))
		return
	}
	if wait, ok := c.g.polls.Take(c.peer.Address); !ok {
		c.g.logLimited(c.peer.Address, metrics.LimitPolls, "status polls")
		c.fail(protocol.Exhausted("too many status polls from this address", wait.Milliseconds()))
		return
	}
	stands, err := c.g.Pairings.Status(c.ctx, c.waiting.secret)
	if err != nil {
		c.fail(err)
		return
	}
	c.reply(&stands)
}

// startWaiting makes the client one that is told how its pairing ends. It may
// take as long as the code is valid.
func (c *client) startWaiting(w waiting) {
	c.stopWaiting()
	c.waiting = &w
	c.conn.HelloDone()
	c.g.pendingMu.Lock()
	defer c.g.pendingMu.Unlock()
	of := c.g.pending[w.deviceID]
	if of == nil {
		of = map[*client]struct{}{}
		c.g.pending[w.deviceID] = of
	}
	of[c] = struct{}{}
}

func (c *client) stopWaiting() {
	if c.waiting == nil {
		return
	}
	c.g.pendingMu.Lock()
	defer c.g.pendingMu.Unlock()
	of := c.g.pending[c.waiting.deviceID]
	delete(of, c)
	if len(of) == 0 {
		delete(c.g.pending, c.waiting.deviceID)
	}
	c.waiting = nil
}

// seeWaiting notes that those who wait are still there, also when they only
// listen: a requester who is not seen loses its place.
func (g *Gateway) seeWaiting() {
	g.pendingMu.Lock()
	defer g.pendingMu.Unlock()
	for id := range g.pending {
		g.Pairings.Seen(id)
	}
}
