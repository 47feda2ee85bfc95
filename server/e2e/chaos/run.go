package chaos

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Options say which run to make.
type Options struct {
	Binary  string // of the gateway
	Dir     string // an empty folder, for the gateway's data and log
	Seed    uint64
	For     time.Duration // of chaos; settling comes on top
	Clients int
	Log     func(format string, args ...any) // what happens, as it happens
}

const (
	clientsAUser  = 3
	sessionsAUser = 3
	answerLimit   = 40 * time.Second // for what was asked for, once chaos is over
	settleLimit   = 2 * time.Minute  // for everything after that
	runLimit      = 2 * longestAnswer
	tickLimits    = 25 * time.Second // for a client to have what it was not told of at once
	mostNoted     = 100              // violations that are written down

	leastRetention = time.Minute // of pieces, that a gateway takes
)

// run is a run under way.
type run struct {
	Options
	counts     *counts
	ledger     *ledger
	witness    *witness
	gateway    *gateway
	proxy      *proxy
	users      []string
	devices    []*device
	companions []*companion
	readers    map[string]*reader // by user
	calm       chan struct{}      // closed when nothing goes wrong any more
	think      time.Duration      // mean time between two things that a writer does
	compacts   bool               // pieces of answers are removed within the run
	began      time.Time

	mu         sync.Mutex
	violations []string
	findings   struct{ losses, doubles int }
}

// errStopped is why a run ends that could not be made.
var errStopped = errors.New("the run has failed")

// Run makes a run. The error is of one that could not be made; what a gateway did
// wrong is in the report.
func Run(ctx context.Context, o Options) (report *Report, err error) {
	r := &run{
		Options: o, counts: &counts{}, ledger: newLedger(), witness: &witness{logs: map[string][]uint64{}},
		readers: map[string]*reader{}, calm: make(chan struct{}), think: 250 * time.Millisecond, began: time.Now(),
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(errStopped)
	if err := r.prepare(ctx); err != nil {
		return nil, errors.Join(err, r.close())
	}
	report = &Report{Seed: o.Seed, Clients: o.Clients, Users: len(r.users), counts: r.counts}
	began := time.Now()
	settle := func() {
		report.For = time.Since(began)
		r.Log("chaos is over after %v, settling", report.For.Round(time.Millisecond))
	}
	if err := r.disturb(ctx, settle); err != nil {
		return nil, errors.Join(err, r.close())
	}
	err = r.compare(ctx, report)
	report.Settling = time.Since(began) - report.For
	err = errors.Join(err, r.close())
	if err == nil {
		err = r.inspect(ctx, report)
	}
	report.Violations, report.Lost, report.Doubled = r.violations, r.findings.losses, r.findings.doubles
	return report, err
}

// harshness is how links fare in a run of that length.
func (o Options) harshness() harshness {
	longest := min(max(o.For/8, 2*time.Second), 40*time.Second)
	return harshness{peace: 800 * time.Millisecond, stalls: longest, narrow: 0.2, maxTimes: 3}
}

// prepare starts the gateway and everybody who is to use it. Nothing goes wrong
// so far.
func (r *run) prepare(ctx context.Context) error {
	pieces := time.Duration(0)
	if r.compacts = r.For >= 2*leastRetention && newDice(r.Seed, "retention").chance(0.75); r.compacts {
		pieces = leastRetention
	}
	g, err := newGateway(r.Binary, r.Dir, pieces)
	if err != nil {
		return err
	}
	r.gateway, r.proxy = g, newProxy(r.harshness().fates(r.Seed), r.counts)
	if err := g.start(ctx, r.proxy.aim); err != nil {
		return err
	}
	for n := range r.Clients {
		if n%clientsAUser == 0 {
			r.users = append(r.users, fmt.Sprintf("u%d", len(r.users)))
		}
		if err := r.join(ctx, n, r.users[len(r.users)-1], nil); err != nil {
			return err
		}
	}
	var watched []string // one of each user
	for i, user := range r.users {
		watched = append(watched, own(user, 0))
		if err := r.accompany(r.Clients+1+i, user, r.sessions(user)); err != nil {
			return err
		}
	}
	return r.join(ctx, r.Clients, watcher, watched)
}

// watcher is an admin who follows sessions of others and writes nothing.
const watcher = "watcher"

// join adds a client. Those of every other user are paired, the rest have the
// gateway's token.
func (r *run) join(ctx context.Context, n int, user string, watched []string) error {
	l, err := r.proxy.open(n)
	if err != nil {
		return err
	}
	hello := protocol.ConnectParams{}
	paired := watched == nil && len(r.users)%2 == 0
	if !paired {
		hello.Token, hello.UserID = token, user
	}
	d, err := newDevice(r, n, user, l, hello)
	if err != nil {
		return err
	}
	d.watched = watched
	r.devices = append(r.devices, d)
	d.client.Start()
	if paired {
		err = r.pair(ctx, d)
	}
	if err == nil && !d.ready.wait(ctx, startLimit) {
		err = fmt.Errorf("%s did not get ready", d.name)
	}
	return err
}

func (r *run) pair(ctx context.Context, d *device) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	admin, err := newReader(ctx, r.proxy.gateway(), "admin")
	if err != nil {
		return err
	}
	defer admin.stop()
	for {
		if s := d.client.State(); s.Phase == client.Pairing {
			return admin.approve(ctx, s.Pairing.Code, d.user)
		}
		if !wait(ctx, 10*time.Millisecond) {
			return fmt.Errorf("%s did not get a code: %w", d.name, context.Cause(ctx))
		}
	}
}

// own is a session of the user's that stays.
func own(user string, n int) string { return fmt.Sprintf("chaos:%s:s%d", user, n) }

// scratch is the user's session that is reset and deleted now and then.
func scratch(user string) string { return "chaos:" + user + ":scratch" }

func isScratch(key string) bool { return strings.HasSuffix(key, ":scratch") }

// sessions are those that the user's clients write to.
func (r *run) sessions(user string) []string {
	keys := []string{scratch(user)}
	for i := range sessionsAUser {
		keys = append(keys, own(user, i))
	}
	return append(keys, r.ledger.openedBy(user)...)
}

// disturb lets everybody write while everything goes wrong, and then waits until
// all that was begun is acknowledged. settle is called in between.
func (r *run) disturb(ctx context.Context, settle func()) error {
	chaos, endChaos := context.WithTimeout(ctx, r.For)
	defer endChaos()
	settling, endSettling := context.WithTimeout(ctx, r.For+answerLimit)
	defer endSettling()
	var writers sync.WaitGroup
	for n, d := range r.devices {
		if d.user == watcher {
			continue
		}
		w := &writer{device: d, dice: newDice(r.Seed, "writer", n)}
		for _, o := range r.devices {
			if o != d && o.user == d.user {
				w.twins = append(w.twins, o)
			}
		}
		writers.Go(func() { w.write(chaos, settling) })
	}
	r.proxy.storm()
	reaper := &reaper{gateway: r.gateway, proxy: r.proxy, counts: r.counts, dice: newDice(r.Seed, "reaper"),
		every: min(max(r.For/6, 2*time.Second), 5*time.Second)}
	err := reaper.reap(chaos)
	if err != nil {
		endChaos()
		endSettling()
	}
	<-chaos.Done()
	close(r.calm)
	settle()
	r.proxy.quiet()
	writers.Wait()
	r.Log("everything is acknowledged after %v", time.Since(r.began).Round(time.Millisecond))
	return err
}

// close ends everything. The gateway has to stop when it is asked to.
func (r *run) close() error {
	for _, reader := range r.readers {
		reader.stop()
	}
	for _, d := range r.devices {
		d.stop()
	}
	for _, c := range r.companions {
		c.stop()
	}
	if r.gateway == nil {
		return nil
	}
	r.proxy.close()
	err := r.gateway.stop(0)
	for _, said := range r.gateway.faults {
		r.violate("", "the gateway logged: %s", said)
	}
	return errors.Join(err, r.gateway.log.Close())
}

// violate notes something that is not as promised.
func (r *run) violate(session, format string, args ...any) {
	what := fmt.Sprintf("%7.3fs %s: %s", time.Since(r.began).Seconds(), session, fmt.Sprintf(format, args...))
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.violations) < mostNoted {
		r.violations = append(r.violations, what)
		r.Log("VIOLATION %s", what)
	}
}

// disposable reports whether a session may be reset or deleted.
func (r *run) disposable(key string) bool { return isScratch(key) }
