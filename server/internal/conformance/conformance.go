// Package conformance holds what the protocol page says as a table of rows, and
// walks it against any gateway that speaks the protocol, from outside: over raw
// sockets, with encoding/json, with none of the gateway's own code.
//
// A row quotes the page and has steps that fail when the gateway does something
// else. Rows do not depend on each other: each has users, sessions and devices
// of its own.
package conformance

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/netip"
	"runtime"
	"slices"
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
	return slices.Concat(transport(), frames(), connecting(), pairing(), chat(), retrying(), replaying(), sessions(), events(), resuming(), media())
}

// patience bounds what a row waits for the gateway to do at once.
const patience = time.Minute

// Check runs the row's steps. The error says which expectation failed, or, as a
// NotApplicable, why the row says nothing about this gateway.
func (r Row) Check(ctx context.Context, t Target) error {
	ctx, cancel := context.WithTimeout(ctx, patience+2*r.Wait)
	defer cancel()
	_, err := r.check(ctx, t)
	return err
}

// check runs the row's steps. After is how long the gateway wants to be left
// alone, as it said meanwhile.
func (r Row) check(ctx context.Context, t Target) (after time.Duration, err error) {
	v := &visit{ctx: ctx, target: t, address: anyAddress(), patient: !t.Proxied && !r.Greedy}
	defer func() {
		after = v.after
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
	defer v.end()
	if r.Demo {
		v.require(DemoAgent)
	}
	if r.Section == pairingSection {
		v.require(Pairing)
	}
	r.steps(v)
	return 0, nil
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
	after   time.Duration // how long the gateway wants to be left alone
	patient bool          // a call that comes too early is made again when it may
	codes   []string      // of pairings that were asked for
}

func (v *visit) end() {
	for _, c := range v.clients {
		_ = c.ws.Close() // the gateway may have
	}
	if !v.target.Proxied && len(v.codes) > 0 {
		v.tidy()
	}
}

// tidy ends the pairings that still wait, so that they take no slot of the
// address's from the next row: whoever is let in and shown out waits no more.
func (v *visit) tidy() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(v.ctx), patience)
	defer cancel()
	after := &visit{ctx: ctx, target: v.target, address: v.address, patient: true}
	defer func() {
		_ = recover() // the row has said what is wrong with this gateway
		for _, c := range after.clients {
			_ = c.ws.Close()
		}
	}()
	admin := after.admin("")
	for _, code := range v.codes {
		approved := admin.answer(admin.ask("device.pair.approve", object{"code": code}))
		if id := get(approved, "payload.paired.deviceId"); id != nil {
			admin.answer(admin.ask("device.pair.revoke", object{"deviceId": id}))
		}
	}
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
func (v *visit) name(prefix string) string { return prefix + "-" + rand.Text() }

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
