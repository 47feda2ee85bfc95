package conformance

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/conformance/rawws"
)

// Outcome is what became of a row.
type Outcome string

// What can become of a row.
const (
	Passed       Outcome = "ok"
	Failed       Outcome = "failed"
	Inapplicable Outcome = "not applicable" // Why says what the gateway lacks
	LeftOut      Outcome = "left out"       // Why says what it would take
)

// Result is a row and what became of it.
type Result struct {
	Section string        `json:"section"`
	Says    string        `json:"says"`
	Outcome Outcome       `json:"outcome"`
	Why     string        `json:"why,omitempty"`
	Took    time.Duration `json:"-"`
}

// Plan says which rows to walk and how.
type Plan struct {
	// Want picks rows; nil: all.
	Want func(Row) bool
	// Wait is how long a row may take by the clock. Rows that need longer are left
	// out.
	Wait time.Duration
	// Done is told of each row when it is done, one at a time; nil: nobody is.
	Done func(Result)
}

// refill is how long an address waits until its allowances are whole again; the
// slots of pairings, which are held longest, included.
const refill = 2*time.Minute + 5*time.Second

// cost is how long the row takes by the clock, with the pause that it needs
// before it where the target sees one address alone.
func (r Row) cost(t Target) time.Duration {
	if r.Greedy && !t.Proxied {
		return r.Wait + refill
	}
	return r.Wait
}

// quick is what a row may wait that is not worth asking for.
const quick = time.Second

// Walk checks the rows that the plan wants, and gives what became of each, in
// the order of the page. Rows that wait go side by side. Where the target sees
// one address alone, the rest goes one by one, and whenever the gateway asks to
// be left alone for a while, the row is tried again after that. It ends early
// with ctx, with what is left marked as left out. What rows have made goes at the
// end; left says what the gateway would not remove.
func Walk(ctx context.Context, t Target, p Plan) (results []Result, left []string) {
	t.made = newLeftovers()
	w := &walk{ctx: ctx, target: t, plan: p, rest: 20 * time.Second}
	for _, row := range Rows() {
		if p.Want == nil || p.Want(row) {
			w.rows = append(w.rows, row)
		}
	}
	w.results = make([]Result, len(w.rows))
	soon := func(r Row) bool { return !r.Greedy && r.Wait <= quick || r.cost(t) > max(p.Wait, quick) }
	if t.Proxied { // rows have addresses, and allowances, of their own
		w.goTogether(4, soon)
	} else {
		w.goTogether(1, soon)
	}
	w.goTogether(len(w.rows), func(r Row) bool { return !r.Greedy })
	w.goTogether(1, func(Row) bool { return true })
	return w.results, t.made.clear(ctx, t, kinds()...)
}

// walk is a Walk under way.
type walk struct {
	ctx    context.Context
	target Target
	plan   Plan
	rows   []Row
	rest   time.Duration // before a second try; longer before later ones

	mu      sync.Mutex
	results []Result // zero for rows that are to come
}

// goTogether visits the rows that are wanted and still to come, up to most at a
// time.
func (w *walk) goTogether(most int, wanted func(Row) bool) {
	var all sync.WaitGroup
	seats := make(chan struct{}, max(most, 1))
	for i, row := range w.rows {
		if !wanted(row) || w.results[i].Outcome != "" {
			continue
		}
		seats <- struct{}{}
		all.Go(func() {
			w.done(i, w.visit(row))
			<-seats
		})
	}
	all.Wait()
}

func (w *walk) done(i int, r Result) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.results[i] = r
	if w.plan.Done != nil {
		w.plan.Done(r)
	}
}

// visit checks a row, as often as the gateway's allowances make it necessary.
func (w *walk) visit(row Row) Result {
	r := Result{Section: row.Section, Says: row.Says, Outcome: LeftOut}
	if cost := row.cost(w.target); cost > max(w.plan.Wait, quick) {
		minutes := (cost + time.Minute - 1).Truncate(time.Minute)
		r.Why = "takes time by the clock: -wait " + strings.TrimSuffix(strings.TrimSuffix(minutes.String(), "0s"), "0m")
		return r
	}
	began := time.Now()
	if row.Greedy && !w.target.Proxied && !w.pause(refill) {
		r.Why = "interrupted"
		return r
	}
	const tries = 5
	for try := 1; ; try++ {
		after, err := row.check(w.ctx, w.target)
		// What it saw may have been the end of an allowance, of which a row may need
		// more than the one that it was told to wait for.
		if err != nil && after > 0 && !row.Greedy && try < tries && w.pause(max(after, w.rest*time.Duration(try))) {
			continue
		}
		r.Outcome, r.Why = w.outcome(err)
		r.Took = time.Since(began)
		return r
	}
}

func (w *walk) outcome(err error) (Outcome, string) {
	var lack NotApplicable
	switch {
	case err == nil:
		return Passed, ""
	case w.ctx.Err() != nil:
		return LeftOut, "interrupted"
	case errors.As(err, &lack):
		return Inapplicable, lack.Error()
	}
	return Failed, err.Error()
}

// pause reports whether the time has passed without an interruption.
func (w *walk) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-w.ctx.Done():
		return false
	}
}

// At is the gateway at a URL, whose scheme may be http, https, ws or wss. TLS is
// spoken with c; nil: as the system trusts.
func At(address, token string, c *tls.Config) (Target, error) {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Host == "" {
		return Target{}, fmt.Errorf("%q is no URL such as https://chat.example.com", address)
	}
	switch u.Scheme {
	case "ws":
		u.Scheme = "http"
	case "wss":
		u.Scheme = "https"
	}
	path := strings.TrimSuffix(strings.TrimSuffix(u.Path, "/"), "/ws")
	if u.Scheme != "http" && u.Scheme != "https" || path != "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return Target{}, fmt.Errorf("%q has to be the gateway's root, such as https://chat.example.com", u.Redacted())
	}
	host := strings.ToLower(u.Host)
	if u.Port() == map[string]string{"http": "80", "https": "443"}[u.Scheme] {
		host = strings.TrimSuffix(host, ":"+u.Port())
	}
	t := Target{URL: u.Scheme + "://" + host, Token: token}
	if u.Scheme == "https" {
		t.Dial = overTLS(c)
	}
	return t, nil
}

func overTLS(c *tls.Config) rawws.DialFunc {
	own := &tls.Config{MinVersion: tls.VersionTLS12}
	if c != nil {
		own = c.Clone()
	}
	own.NextProtos = []string{"http/1.1"}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		return (&tls.Dialer{Config: own}).DialContext(ctx, network, address)
	}
}
