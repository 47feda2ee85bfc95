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

// IsWrong reports whether the error says that a token or API key is wrong. If the caller
// does not learn that, because of a rate limit or the store, IsWrong reports false.
func IsWrong(err error) bool {
	return errors.Is(err, errWrongToken) || errors.Is(err, auth.ErrKeyRevoked) ||
		errors.Is(err, auth.ErrKeyExpired)
}

// CheckBearer finds out whose token this is: an API key's, which fixes the user and the
// role, or the gateway's, with which an admin may be any user (userID; empty is "admin").
// A wrong token is refused with UNAUTHORIZED and counts against the address, which has
// ten a minute; further wrong ones are refused with RESOURCE_EXHAUSTED. A key that cannot
// be checked is refused with UNAVAILABLE.
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

// checkKey looks an API key up, whatever the address has sent before: a key has 256 random
// bits, so a look-up helps no guesser, and a stranger's wrong tokens must not keep out a
// program behind the same address.
func (c *Control) checkKey(
	ctx context.Context, address netip.Addr, text string,
) (Identity, error) {
	key, err := c.Keys.Authenticate(ctx, text)
	switch {
	case errors.Is(err, auth.ErrKeyRevoked), errors.Is(err, auth.ErrKeyExpired):
		if wait, ok := c.guesses.Take(ratelimit.Network(address)); !ok {
			return Identity{}, c.refuseGuess(address, wait)
		}
		c.Metrics.WrongToken()
		c.Log.Warn("security.key_rejected",
			"address", address, "key", key.Prefix, "id", key.ID, "cause", err)
		c.Guesses.WrongToken(address.String())
		return Identity{}, err
	case err != nil:
		return Identity{}, err
	}
	return ofKey(key), nil
}

// CheckToken checks the gateway token for a caller from address, which has ten wrong ones
// a minute. A right token is accepted after more wrong ones, too, so that a stranger at
// the same address does not keep an admin out. Since a token may be an operator's own
// choice, guessing at it is bounded all the same: an address has checksPerMinute.
func (c *Control) CheckToken(address netip.Addr, token string) error {
	network := ratelimit.Network(address)
	if wait, ok := c.checks.Take(network); !ok {
		return c.refuseGuess(address, wait)
	}
	if err := c.checkGuess(address, c.Token.Matches(token)); err != nil {
		return err
	}
	c.checks.Return(network)
	return nil
}

// CheckLink redeems the code of a sign-in link. A wrong code counts as a wrong token. A
// right one is accepted after any number of wrong ones: a code has 256 random bits.
func (c *Control) CheckLink(address netip.Addr, code string) error {
	return c.checkGuess(address, c.Links.Redeem(code))
}

// checkGuess counts a secret that was wrong. The caller learns that only as long as the
// address may send wrong ones.
func (c *Control) checkGuess(address netip.Addr, right bool) error {
	if right {
		return nil
	}
	if wait, ok := c.guesses.Take(ratelimit.Network(address)); !ok {
		return c.refuseGuess(address, wait)
	}
	c.Metrics.WrongToken()
	if c.lines.AllowAny() {
		c.Log.Warn("security.token_rejected", "address", address)
	}
	c.Guesses.WrongToken(address.String())
	return errWrongToken
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

// CheckSender is CheckDevice for a credential that a program sends from address. One that
// is wrong counts as a wrong token.
func (c *Control) CheckSender(
	ctx context.Context, address netip.Addr, secret string,
) (Identity, error) {
	who, err := c.CheckDevice(ctx, secret)
	var refused *protocol.Error
	if !errors.As(err, &refused) || refused.Code != protocol.NotPaired ||
		refused.Details != nil && refused.Details.Status == protocol.PairingPending {
		return who, err
	}
	if limited := c.checkGuess(address, false); !IsWrong(limited) {
		return Identity{}, limited
	}
	return Identity{}, err
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
