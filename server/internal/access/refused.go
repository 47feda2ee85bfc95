package access

import (
	"net/netip"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/metrics"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// ConnectionRefused counts and logs that there was no room for a connection.
func (c *Control) ConnectionRefused(address netip.Addr, cause metrics.Refusal) {
	c.Metrics.UpgradeRefused(cause)
	if c.lines.Allow(address) {
		c.Log.Warn("security.connection_refused", "address", address, "limit", "gateway."+string(cause))
	}
}

// Violation counts and logs a frame that the protocol does not allow.
func (c *Control) Violation(address netip.Addr, wrong metrics.Violation) {
	c.Metrics.Violation(wrong)
	if c.lines.Allow(address) {
		c.Log.Info("protocol violation", "address", address, "what", string(wrong))
	}
}

// ForeignSession logs that an admin has changed another user's session, or was refused
// to. A key that a program has chosen may belong to whoever used it first.
func (c *Control) ForeignSession(who audit.Actor, address netip.Addr, method, key, owner string,
	refused bool) {
	if c.lines.Allow(address) {
		c.Log.Warn("security.foreign_session", "by", who.UserID, "via", who.Via, "address", address,
			"method", method, "session", key, "owner", owner, "refused", refused)
	}
}

// refuseGuess refuses to look at a credential: the address has sent too many wrong ones.
func (c *Control) refuseGuess(address netip.Addr, wait time.Duration) error {
	c.refused(address, metrics.LimitTokens, "wrong tokens")
	return protocol.Exhausted("too many wrong tokens from this address", wait.Milliseconds())
}

// refused counts and logs that an address was refused. A flood of calls must not become a
// flood of lines.
func (c *Control) refused(address netip.Addr, limit metrics.Limit, what string) {
	c.Metrics.RateLimited(limit)
	if c.lines.Allow(address) {
		c.Log.Warn("security.rate_limited", "address", address, "what", what)
	}
}
