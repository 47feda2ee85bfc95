package access

import (
	"net/netip"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/metrics"
	"github.com/gatehouse-chat/gatehouse/server/internal/ratelimit"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// AllowCall counts a call of a stranger, and refuses one too many.
func (c *Control) AllowCall(address netip.Addr) error {
	wait, ok := c.calls.Take(ratelimit.Network(address))
	if !ok {
		c.refused(address, metrics.LimitCalls, "unauthenticated calls")
		return protocol.Exhausted("too many calls without a credential from this address",
			wait.Milliseconds())
	}
	return nil
}

// AllowPoll counts a poll of a pairing's status, and refuses one too many.
func (c *Control) AllowPoll(address netip.Addr) error {
	if wait, ok := c.polls.Take(ratelimit.Network(address)); !ok {
		c.refused(address, metrics.LimitPolls, "status polls")
		return protocol.Exhausted("too many status polls from this address", wait.Milliseconds())
	}
	return nil
}

// AllowRequest counts a request of a user, who may make rpm a minute over all
// connections, and refuses one too many. An rpm of 0 is no limit.
func (c *Control) AllowRequest(address netip.Addr, user string, rpm int) error {
	return c.allowUser(c.requests, metrics.LimitUser, address, user, "requests", rpm)
}

// AllowUpload counts an upload of a user, who may make rpm a minute, and refuses one too
// many. Uploads are counted apart from requests, with a burst for the files of a message.
// An rpm of 0 is no limit.
func (c *Control) AllowUpload(address netip.Addr, user string, rpm int) error {
	return c.allowUser(c.uploads, metrics.LimitUploads, address, user, "uploads", rpm)
}

func (c *Control) allowUser(of *ratelimit.Limiter[string], limit metrics.Limit,
	address netip.Addr, user, what string, rpm int) error {
	if rpm <= 0 {
		return nil
	}
	of.SetRate(rpm, time.Minute)
	wait, ok := of.Take(user)
	if ok {
		return nil
	}
	c.Metrics.RateLimited(limit)
	if c.lines.Allow(address) {
		c.Log.Warn("security.rate_limited", "address", address, "user", user,
			"what", what+" of a user")
	}
	return protocol.Exhausted("too many "+what+": this gateway takes so many a minute from one user; "+
		"wait, then go on", (wait + time.Millisecond - 1).Milliseconds())
}
