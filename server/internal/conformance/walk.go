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

// Outcome is the result of checking a row.
type Outcome string

// The outcomes of a row.
const (
	Passed       Outcome = "ok"
	Failed       Outcome = "failed"         // Result.Why says what was expected and what happened
	Inapplicable Outcome = "not applicable" // Result.Why says what the gateway lacks
	LeftOut      Outcome = "left out"       // Result.Why says which option includes the row
)

// Result is a row with its outcome.
type Result struct {
	Section string        `json:"section"`
	Says    string        `json:"says"`
	Outcome Outcome       `json:"outcome"`
	Why     string        `json:"why,omitempty"`
	Took    time.Duration `json:"-"`
}

// Plan says which rows to walk and how.
type Plan struct {
	// Want selects rows; nil: all.
	Want func(Row) bool
	// Wait bounds how long a row may take. Rows that need longer are left out.
	Wait time.Duration
	// Done, if not nil, is called with the result of each row, never concurrently.
	Done func(Result)
}

// refill is the time after which an address has its whole rate limits again. Pending
// pairings count for the longest time.
const refill = 2*time.Minute + 5*time.Second

// cost returns how long the row takes, with the pause that is needed before it if all
// rows come from the same address.
func (r Row) cost(t Target) time.Duration {
	if r.Greedy && !t.Proxied {
		return r.Wait + refill
	}
	return r.Wait
}

// quick is how long a row may take even if Plan.Wait is 0.
const quick = time.Second

// Walk checks the rows that the plan selects, and returns the results in the order of the
// page.
//
// Rows that wait run concurrently. If all rows come from the same address, the others run
// one at a time, and a row is repeated if the gateway has refused it with a rate limit.
//
// If ctx ends, the remaining rows are left out. At the end Walk removes what the rows have
// created; left says what the gateway did not remove.
func Walk(ctx context.Context, t Target, p Plan) (results []Result, left []string) {
	t.made = newLeftovers()
	w := &walk{ctx: ctx, target: t, plan: p, rest: 20 * time.Second}
	for _, row := range Rows() {
		if p.Want == nil || p.Want(row) {
			w.rows = append(w.rows, row)
		}
	}
	w.results = make([]Result, len(w.rows))
	soon := func(r Row) bool {
		return !r.Greedy && r.Wait <= quick ||
			r.cost(t) > max(p.Wait, quick)
	}
	if t.Proxied { // each row has its own address, and so its own rate limits
		w.visitAll(4, soon)
	} else {
		w.visitAll(1, soon)
	}
	w.visitAll(len(w.rows), func(r Row) bool { return !r.Greedy })
	w.visitAll(1, func(Row) bool { return true })
	return w.results, t.made.clear(ctx, t, kinds()...)
}

// walk is the state of a Walk.
type walk struct {
	ctx    context.Context
	target Target
	plan   Plan
	rows   []Row
	rest   time.Duration // the least pause before the second try; twice as long before the third, …

	// mu guards the following field, and calls of plan.Done.
	mu      sync.Mutex
	results []Result // by the index of rows; zero: not checked yet
}

// visitAll visits the wanted rows that were not checked yet, at most most at a time.
func (w *walk) visitAll(most int, wanted func(Row) bool) {
	var all sync.WaitGroup
	slots := make(chan struct{}, max(most, 1))
	for i, row := range w.rows {
		if !wanted(row) || w.results[i].Outcome != "" {
			continue
		}
		slots <- struct{}{}
		all.Go(func() {
			w.done(i, w.visit(row))
			<-slots
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

// visit checks a row, and repeats it if the gateway's rate limits have made it fail.
func (w *walk) visit(row Row) Result {
	r := Result{Section: row.Section, Says: row.Says, Outcome: LeftOut}
	if cost := row.cost(w.target); cost > max(w.plan.Wait, quick) {
		minutes := (cost + time.Minute - 1).Truncate(time.Minute)
		r.Why = "takes time by the clock: -wait " +
			strings.TrimSuffix(strings.TrimSuffix(minutes.String(), "0s"), "0m")
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
		// A rate limit may have made the row fail. A row may hit several limits one after
		// another, hence several tries.
		if err != nil && after > 0 && !row.Greedy && try < tries &&
			w.pause(max(after, w.rest*time.Duration(try))) {
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

// At returns the target at a URL, whose scheme may be http, https, ws or wss. c configures
// TLS; nil: the system's authorities are trusted.
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
	if u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" ||
		u.Fragment != "" {
		return Target{}, fmt.Errorf("%q has to be the gateway's URL, such as "+
			"https://chat.example.com or https://example.com/chat", u.Redacted())
	}
	host := strings.ToLower(u.Host)
	if u.Port() == map[string]string{"http": "80", "https": "443"}[u.Scheme] {
		host = strings.TrimSuffix(host, ":"+u.Port())
	}
	t := Target{URL: u.Scheme + "://" + host + strings.TrimRight(path, "/"), Token: token}
	if u.Scheme == "https" {
		t.Dial = overTLS(c)
	}
	return t, nil
}

// origin is the origin of the target's own pages.
func (t Target) origin() string {
	scheme, rest, _ := strings.Cut(t.URL, "://")
	host, _, _ := strings.Cut(rest, "/")
	return scheme + "://" + host
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
