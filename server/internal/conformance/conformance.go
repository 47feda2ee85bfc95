// Package conformance holds what the protocol page says as a table of rows, and
// walks it against any gateway that speaks the protocol, from outside: over raw
// sockets, with encoding/json, with none of the gateway's own code.
//
// A row quotes the page and has steps that fail when the gateway does something
// else. Rows do not depend on each other: each has users, sessions and devices
// of its own, which go when it is done.
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

// Target is the gateway to be checked.
type Target struct {
	URL   string // its root, such as http://127.0.0.1:8080
	Token string // the gateway token
	// Dial opens connections; nil: TCP. TLS is Dial's to speak.
	Dial rawws.DialFunc
	// Proxied says that the gateway trusts whoever checks it as a proxy. Each row
	// then comes from an address of its own, so that what one uses up of an
	// address's allowances is not missing in another.
	Proxied bool
	// Without is what the gateway is known to lack, as Learn finds it; rows that
	// rely on it are not applicable.
	Without []Offer

	made *leftovers // of a whole walk, to go at its end; nil: of each row, at its own
}

// Row is one statement of the protocol page with the steps that prove it.
type Row struct {
	Section string // of the page
	Says    string // in the page's words
	// Demo says that the built-in agent must be the gateway's default one.
	Demo bool
	// Greedy says that the row uses up what an address may do in a minute.
	Greedy bool
	// Wait is about how long the row takes by the clock, if that matters to it: it
	// waits for what only time brings, or has to be done before something expires.
	Wait time.Duration

	steps func(*visit)
}

// Rows gives all rows, in the order of the page.
func Rows() []Row {
	rows := slices.Concat(transport(), frames(), connecting(), pairing(), chat(), chatMedia(), retrying(), replaying(), sessions(),
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

// patience bounds what a row waits for the gateway to do at once.
const patience = time.Minute

// Check runs the row's steps. The error says which expectation failed, or, as a
// NotApplicable, why the row says nothing about this gateway.
func (r Row) Check(ctx context.Context, t Target) error {
	_, err := r.check(ctx, t)
	return err
}

// check runs the row's steps. After is how long the gateway wants to be left
// alone, as it said meanwhile.
func (r Row) check(ctx context.Context, t Target) (after time.Duration, err error) {
	within, cancel := context.WithTimeout(ctx, patience+2*r.Wait)
	defer cancel()
	v := &visit{ctx: within, target: t, address: anyAddress(), patient: !t.Proxied && !r.Greedy, users: map[string]bool{}, made: t.made}
	if v.made == nil {
		v.made = newLeftovers()
		defer func() { v.made.clear(ctx, t, kinds()...) }()
	}
	if !t.Proxied { // what waits takes a slot of the address's from the next row
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
	if wrong, ok := err.(failure); ok && t.Token != "" { // it may quote an answer that sends the token back
		err = failure(strings.ReplaceAll(string(wrong), t.Token, "(the token)"))
	}
	return v.after, err
}

// attempt takes steps. The error says which one failed.
func (v *visit) attempt(steps func(*visit)) (err error) {
	defer func() {
		switch failed := recover().(type) {
		case nil:
		case error:
			err = failed
			if _, odd := failed.(runtime.Error); odd { // a row trusted the shape of an answer
				err = failure("an answer has another shape than the page says: " + failed.Error())
			}
		default:
			panic(failed)
		}
	}()
	steps(v)
	return nil
}

// failure is an expectation that did not hold.
type failure string

// Error is what was expected and what came.
func (f failure) Error() string { return string(f) }

// anyAddress gives an address in a network that no other row has.
func anyAddress() netip.Addr {
	var a [16]byte
	_, _ = rand.Read(a[:8]) // never fails
	a[0], a[15] = 0xfd, 1
	return netip.AddrFrom16(a)
}

// visit is a row being checked.
type visit struct {
	ctx     context.Context
	target  Target
	address netip.Addr
	clients []*client
	after   time.Duration   // how long the gateway wants to be left alone
	patient bool            // a call that comes too early is made again when it may
	users   map[string]bool // that the row has made up
	made    *leftovers
}

func (v *visit) hangUp() {
	for _, c := range v.clients {
		_ = c.ws.Close() // the gateway may have
	}
	v.clients = nil
}

func (v *visit) fail(format string, args ...any) { panic(failure(fmt.Sprintf(format, args...))) }

func (v *visit) must(err error, doing string) {
	switch {
	case err == nil:
	case v.ctx.Err() != nil:
		v.fail("%s: nothing came in time", doing)
	default:
		v.fail("%s: %v", doing, err)
	}
}

// name gives a name that no other row and no other run has used.
func (v *visit) name(prefix string) string {
	name := prefix + "-" + rand.Text()
	v.users[name] = true // if it is to be one
	return name
}

// wait lets time pass.
func (v *visit) wait(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-v.ctx.Done():
		v.fail("interrupted: %v", context.Cause(v.ctx))
	}
}

// elsewhere makes the rest of the row come from another address. It reports
// false when the row has only one.
func (v *visit) elsewhere() bool {
	v.address = anyAddress()
	return v.target.Proxied
}

// transport makes HTTP requests over the target's connections.
func (v *visit) transport() *http.Transport {
	return &http.Transport{DialContext: v.target.Dial, DialTLSContext: v.target.Dial, DisableKeepAlives: true}
}
