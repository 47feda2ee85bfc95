package access

import (
	"context"
	"errors"
	"net/netip"

	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
	"github.com/gatehouse-chat/gatehouse/server/internal/ratelimit"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

var errWrongToken = protocol.Refuse(protocol.Unauthorized, "invalid token")

// IsWrong reports whether the error says that a token or API key is wrong. If the token
// was not checked, because of a rate limit or the store, IsWrong reports false: the token
// may be right.
func IsWrong(err error) bool {
	return errors.Is(err, errWrongToken) || errors.Is(err, auth.ErrKeyRevoked) ||
		errors.Is(err, auth.ErrKeyExpired)
}

// CheckBearer finds out whose token this is: an API key's, which fixes the user and the
// role, or the gateway's, with which an admin may be any user (userID; empty is "admin").
// A wrong token is refused with UNAUTHORIZED and counts against the address, which has
// ten a minute. A key that cannot be checked is refused with UNAVAILABLE.
func (c *Control) CheckBearer(
	ctx context.Context, address netip.Addr, token, userID string,
) (Identity, error) {
	if auth.IsKey(token) {
		who, err := c.checkKey(ctx, address, token)
		if !errors.Is(err, auth.ErrNoKey) {
			return who, err
		}
		// Unless the text is the gateway's own token, it is a wrong one like any other.
	}
	if err := c.CheckToken(address, token); err != nil {
		return Identity{}, err
	}
	if userID == "" {
		userID = auth.AdminUser
	}
	return Identity{UserID: userID, Role: protocol.Admin, Via: audit.ViaToken}, nil
}

// checkKey looks an API key up, unless the address has sent too many wrong tokens. The
// look-up itself uses up no attempt, since many valid keys may come from one address at
// once.
func (c *Control) checkKey(
	ctx context.Context, address netip.Addr, text string,
) (Identity, error) {
	if wait := c.guesses.Wait(ratelimit.Network(address)); wait > 0 {
		return Identity{}, c.refuseGuess(address, wait)
	}
	key, err := c.Keys.Authenticate(ctx, text)
	switch {
	case errors.Is(err, auth.ErrKeyRevoked), errors.Is(err, auth.ErrKeyExpired):
		c.Metrics.WrongToken()
		c.Log.Warn("security.key_rejected",
			"address", address, "key", key.Prefix, "id", key.ID, "cause", err)
		c.Guesses.WrongToken(address.String())
		if wait, ok := c.guesses.Take(ratelimit.Network(address)); !ok {
			return Identity{}, c.refuseGuess(address, wait)
		}
		return Identity{}, err
	case err != nil:
		return Identity{}, err
	}
	return ofKey(key), nil
}

// CheckToken checks the gateway token for a caller from address, which has ten wrong ones
// a minute.
func (c *Control) CheckToken(address netip.Addr, token string) error {
	return c.checkGuess(address, func() bool { return c.Token.Matches(token) })
}

// CheckLink redeems the code of a sign-in link. A wrong code counts as a wrong token.
func (c *Control) CheckLink(address netip.Addr, code string) error {
	return c.checkGuess(address, func() bool { return c.Links.Redeem(code) })
}

// checkGuess checks a secret that a stranger may guess at.
func (c *Control) checkGuess(address netip.Addr, right func() bool) error {
	network := ratelimit.Network(address)
	wait, ok := c.guesses.Take(network)
	if !ok {
		return c.refuseGuess(address, wait)
	}
	if !right() {
		c.Metrics.WrongToken()
		if c.lines.AllowAny() {
			c.Log.Warn("security.token_rejected", "address", address)
		}
		c.Guesses.WrongToken(address.String())
		return errWrongToken
	}
	c.guesses.Return(network)
	return nil
}

// CheckDevice finds out whose device has this credential. A credential without access is
// refused with NOT_PAIRED.
func (c *Control) CheckDevice(ctx context.Context, secret string) (Identity, error) {
	d, err := c.Devices.Authenticate(ctx, secret)
	if err != nil {
		return Identity{}, err
	}
	return OfDevice(d), nil
}

// Recheck checks the secret of a device or API key again. The gateway calls it after it
// has registered a connection: an earlier revocation did not find the connection, so
// Recheck must refuse it. Nothing is counted against the address.
func (c *Control) Recheck(ctx context.Context, who Identity, secret string) (err error) {
	switch {
	case who.DeviceID != "":
		_, err = c.Devices.Authenticate(ctx, secret)
	case who.KeyID != "":
		_, err = c.Keys.Authenticate(ctx, secret)
	}
	return err
}
