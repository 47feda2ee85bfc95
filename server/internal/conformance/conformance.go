// Package conformance checks whether a gateway does what the protocol page says. It
// works with any gateway that speaks the protocol, from outside: over raw sockets, with
// encoding/json, and without the gateway's own code.
//
// Terms:
//
//   - row: a statement of the protocol page, with steps that fail if the gateway does
//     something else. Rows do not depend on each other: each creates users, sessions and
//     devices of its own, which are removed afterwards.
//   - visit: a row that is being checked.
//   - walk: the check of many rows, within the limits of the gateway.
//   - offer: a feature that a gateway may lack and still conform.
package conformance

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/conformance/rawws"
)

// Target is the gateway to check.
type Target struct {
	URL   string // its root, such as http://127.0.0.1:8080
	Token string // the gateway token
	// Dial opens connections, with TLS if the URL is https; nil: plain TCP.
	Dial rawws.DialFunc
	// Proxied says that the gateway trusts this machine as a proxy. Then each row uses an
	// address of its own, so that rows do not share the rate limits of one address.
	Proxied bool
	// Without is what the gateway lacks, as found by Learn. Rows that need it are not
	// applicable.
	Without []Offer

	// made is what all rows of a walk have created, to be removed at its end. If it is nil,
	// each row removes what it has created.
	made *leftovers
}

// Row is one statement of the protocol page, with the steps that prove it.
type Row struct {
	Section string // of the page
	Says    string // the statement, in the page's words
	// Demo says that the row needs the built-in agent as the gateway's default agent.
	Demo bool
	// Greedy says that the row uses up the rate limits of its address for a minute.
	Greedy bool
	// Wait is about how long a row takes that depends on real time: because the row waits
	// for something to happen, or must end before something expires.
	Wait time.Duration

	steps func(*visit)
}

// Rows returns all rows, in the order of the page.
func Rows() []Row {
	rows := slices.Concat(transport(), frames(), connecting(), pairing(), chat(), chatMedia(),
		retrying(), replaying(), sessions(),
		administration(), apiKeys(), events(), resuming(), overHTTP(), media(), rateLimiting())
	order := map[string]int{} // of sections, by their first rows
	for i, r := range rows {
		if _, known := order[r.Section]; !known {
			order[r.Section] = i
		}
	}
	slices.SortStableFunc(rows, func(a, b Row) int { return order[a.Section] - order[b.Section] })
	return rows
}

// rowTimeout bounds a row, in addition to its Wait.
const rowTimeout = time.Minute

// Check runs the row's steps. The error says which expectation failed, or, as a
// NotApplicable, why the row says nothing about this gateway.
func (r Row) Check(ctx context.Context, t Target) error {
	_, err := r.check(ctx, t)
	return err
}

// check is Check. after is the longest time that the gateway has asked the row to wait, in
// answers with RESOURCE_EXHAUSTED; 0 if there were none.
func (r Row) check(ctx context.Context, t Target) (after time.Duration, err error) {
	within, cancel := context.WithTimeout(ctx, rowTimeout+2*r.Wait)
	defer cancel()
	v := &visit{
		ctx: within, target: t, address: freshAddress(), patient: !t.Proxied && !r.Greedy,
		users: map[string]bool{}, made: t.made,
	}
	if v.made == nil {
		v.made = newLeftovers()
		defer func() { v.made.clear(ctx, t, kinds()...) }()
	}
	if !t.Proxied { // a pending pairing counts against the address, also for the next row
		defer func() { v.made.clear(ctx, t, madeCode) }()
	}
	defer v.hangUp()
	err = v.attempt(func(v *visit) {
		if r.Demo {
			v.require(DemoAgent)
		}
		if r.Section == pairingSection {
			v.require(Pairing)
		}
		r.steps(v)
	})
	// The failure may quote an answer with the token.
	if wrong, ok := err.(failure); ok && t.Token != "" {
		err = failure(strings.ReplaceAll(string(wrong), t.Token, "(the token)"))
	}
	return v.after, err
}

// attempt runs steps. The error says which expectation failed.
func (v *visit) attempt(steps func(*visit)) (err error) {
	defer func() {
		switch failed := recover().(type) {
		case nil:
		case error:
			err = failed
			if _, isRuntime := failed.(runtime.Error); isRuntime { // a type assertion on an answer
				err = failure("an answer has another shape than the page says: " +
					wireTypes.Replace(failed.Error()))
			}
		default:
			panic(failed)
		}
	}()
	steps(v)
	return nil
}

// wireTypes replaces Go's names of types in the error of a type assertion.
var wireTypes = strings.NewReplacer("interface conversion: interface {} is ", "got ",
	"map[string]interface {}", "an object", "[]interface {}", "a list", "float64", "a number",
	"string", "text", "bool", "true or false", "nil, not ", "nothing, want ",
	", not ", ", want ")

// failure is the error of an expectation that did not hold.
type failure string

// Error says what was expected and what the gateway did.
func (f failure) Error() string { return string(f) }

// freshAddress returns an address in a network that no other row uses.
func freshAddress() netip.Addr {
	var a [16]byte
	_, _ = rand.Read(a[:8]) // never fails
	a[0], a[15] = 0xfd, 1
	return netip.AddrFrom16(a)
}

// visit is a row that is being checked.
type visit struct {
	ctx     context.Context
	target  Target
	address netip.Addr      // sent as X-Forwarded-For if the target is Proxied
	clients []*client       // to be closed
	after   time.Duration   // the longest time that the gateway has asked to wait
	patient bool            // repeat calls that a rate limit refuses, after the time it asks for
	users   map[string]bool // names that the row has invented
	made    *leftovers
}

// hangUp closes the connections of the row.
func (v *visit) hangUp() {
	for _, c := range v.clients {
		_ = c.ws.Close() // the gateway may have
	}
	v.clients = nil
}

// fail ends the row with a failure. Values that the gateway has sent are shown as the JSON
// that they were.
func (v *visit) fail(format string, args ...any) {
	for i, a := range args {
		args[i] = shown(a)
	}
	panic(failure(fmt.Sprintf(format, args...)))
}

// must ends the row with a failure if err is not nil.
func (v *visit) must(err error, doing string) {
	switch {
	case err == nil:
	case v.ctx.Err() != nil:
		v.fail("%s: nothing came in time", doing)
	default:
		v.fail("%s: %v", doing, err)
	}
}

// name returns a name that no other row and no other run has used.
func (v *visit) name(prefix string) string {
	name := prefix + "-" + rand.Text()
	v.users[name] = true // the row may use the name for a user
	return name
}

// wait waits in real time.
func (v *visit) wait(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-v.ctx.Done():
		v.fail("interrupted: %v", context.Cause(v.ctx))
	}
}

// changeAddress makes the rest of the row come from another address. It returns false if
// there is no other address, since the target is not Proxied.
func (v *visit) changeAddress() bool {
	v.address = freshAddress()
	return v.target.Proxied
}

// transport makes HTTP requests over the target's connections.
func (v *visit) transport() *http.Transport {
	return &http.Transport{DialContext: v.target.Dial, DialTLSContext: v.target.Dial,
		DisableKeepAlives: true}
}
