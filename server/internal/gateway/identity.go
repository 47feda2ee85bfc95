package gateway

import (
	"context"
	"errors"
	"net/netip"

	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Identity is who a credential belongs to.
type Identity struct {
	UserID string
	Role   protocol.Role
	// Via is the credential as lists and the audit log name it: "token",
	// "key:PREFIX" or "device:ID".
	Via       string
	DeviceID  string        // empty for a token or key
	KeyID     string        // of an API key; empty for any other credential
	ExpiresAt protocol.Time // of an API key; 0: never
}

// viaToken is the gateway token's Via.
const viaToken = "token"

// adminUser is the user of the gateway token when it names none.
const adminUser = "admin"

// CheckBearer finds out whose token this is: an API key's, which fixes the user
// and the role, or the gateway's, with which an admin may be any user (userID;
// empty is "admin"). A wrong one is refused with UNAUTHORIZED and counts against
// the address, which has ten a minute. A key that cannot be checked is refused
// with UNAVAILABLE.
func (g *Gateway) CheckBearer(ctx context.Context, address netip.Addr, token, userID string) (Identity, error) {
	if auth.IsKey(token) {
		who, err := g.checkKey(ctx, address, token)
		if !errors.Is(err, auth.ErrNoKey) {
			return who, err
		}
		// Unless it is the gateway's own, it is a wrong one like any other.
	}
	if err := g.CheckToken(address, token); err != nil {
		return Identity{}, err
	}
	if userID == "" {
		userID = adminUser
	}
	return Identity{UserID: userID, Role: protocol.Admin, Via: viaToken}, nil
}

// checkKey looks an API key up, unless its address has used up what it has of
// wrong tokens. Nothing is taken of that for the time of the look-up: many right
// keys may come at once from one address.
func (g *Gateway) checkKey(ctx context.Context, address netip.Addr, text string) (Identity, error) {
	if wait := g.tokens.Wait(address); wait > 0 {
		return Identity{}, g.tooManyWrong(address, wait)
	}
	key, err := g.Keys.Authenticate(ctx, text)
	switch {
	case errors.Is(err, auth.ErrKeyRevoked), errors.Is(err, auth.ErrKeyExpired):
		g.Metrics.WrongToken()
		g.Log.Warn("security.key_rejected", "address", address, "key", key.Prefix, "id", key.ID, "cause", err)
		g.Audit.WrongToken(address.String())
		if wait, ok := g.tokens.Take(address); !ok {
			return Identity{}, g.tooManyWrong(address, wait)
		}
		return Identity{}, err
	case err != nil:
		return Identity{}, err
	}
	return Identity{
		UserID: key.UserID, Role: key.Role, Via: "key:" + key.Prefix, KeyID: key.ID, ExpiresAt: key.ExpiresAt,
	}, nil
}

// wrongCredential reports whether the error refuses a token or key that was
// looked at.
func wrongCredential(err error) bool {
	return errors.Is(err, errWrongToken) || errors.Is(err, auth.ErrKeyRevoked) || errors.Is(err, auth.ErrKeyExpired)
}

// CheckDevice finds out whose device's credential this is. One that opens
// nothing is refused with NOT_PAIRED.
func (g *Gateway) CheckDevice(ctx context.Context, secret string) (Identity, error) {
	d, err := g.Pairings.Authenticate(ctx, secret)
	if err != nil {
		return Identity{}, err
	}
	return Identity{UserID: d.UserID, Role: d.Role, Via: "device:" + d.DeviceID, DeviceID: d.DeviceID}, nil
}
