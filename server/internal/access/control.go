package access

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
	"github.com/gatehouse-chat/gatehouse/server/internal/metrics"
	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/server/internal/ratelimit"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Allowances of a network a minute, each also its burst.
const (
	callsPerMinute   = 60  // calls without a credential
	pollsPerMinute   = 240 // polls of a pairing's status
	guessesPerMinute = 10  // wrong tokens, API keys and link codes
	checksPerMinute  = 600 // wrong texts that are compared with the gateway token
	linesPerMinute   = 6   // log lines about refusals
)

// requestBurst is how many requests a user may make at once under
// gateway.rate_limit_rpm.
const requestBurst = 5

// uploadBurst is how many files a user may upload at once under gateway.rate_limit_rpm: as
// many as a message may have.
const uploadBurst = protocol.MaxMedia

// Keys checks API keys; *auth.Keys does.
type Keys interface {
	// Authenticate refuses with auth.ErrNoKey, auth.ErrKeyRevoked or auth.ErrKeyExpired,
	// and with UNAVAILABLE if the key cannot be checked.
	Authenticate(ctx context.Context, key string) (auth.Key, error)
}

// Devices checks the credentials of devices; *pairing.Service does.
type Devices interface {
	// Authenticate refuses with NOT_PAIRED, and with UNAVAILABLE if the credential cannot
	// be checked.
	Authenticate(ctx context.Context, secret string) (pairing.Device, error)
}

// Links redeems the codes of sign-in links; *auth.Links does.
type Links interface {
	Redeem(code string) bool
}

// Guesses audits wrong credentials. It is called for each one; *audit.Service writes one
// entry for many of them.
type Guesses interface {
	WrongToken(address string)
}

// Options are the parts that a Control needs. All are required, save Metrics.
type Options struct {
	Log     *slog.Logger
	Token   auth.Token       // the gateway token
	Keys    Keys             // API keys
	Devices Devices          // paired devices
	Links   Links            // sign-in links
	Guesses Guesses          // the audit log
	Metrics *metrics.Metrics // counts refusals; nil: nobody reads the counts
}

// Control answers who a caller is and whether the caller may try. Its methods are safe
// for concurrent use. Errors are *protocol.Error, or wrap one next to a cause that is for
// the log alone.
type Control struct {
	Options
	calls, polls, guesses, checks *ratelimit.Limiter[netip.Prefix] // of strangers, by network
	requests, uploads             *ratelimit.Limiter[string]       // of users, by name
	lines                         *ratelimit.Lines                 // log lines about refusals
}

// New makes a Control. Call Evict regularly.
func New(o Options) *Control {
	if o.Metrics == nil {
		o.Metrics = metrics.New()
	}
	return &Control{
		Options:  o,
		calls:    ratelimit.New[netip.Prefix](callsPerMinute, time.Minute),
		polls:    ratelimit.New[netip.Prefix](pollsPerMinute, time.Minute),
		guesses:  ratelimit.New[netip.Prefix](guessesPerMinute, time.Minute),
		checks:   ratelimit.New[netip.Prefix](checksPerMinute, time.Minute),
		requests: ratelimit.NewBurst[string](requestBurst),
		uploads:  ratelimit.NewBurst[string](uploadBurst),
		lines:    ratelimit.NewLines(linesPerMinute),
	}
}

// Evict forgets the networks and users that have used up nothing of their allowances.
func (c *Control) Evict() {
	for _, l := range []interface{ Evict() }{c.calls, c.polls, c.guesses, c.checks, c.requests, c.uploads,
		c.lines} {
		l.Evict()
	}
}
