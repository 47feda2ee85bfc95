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

// Options choose the run.
type Options struct {
	Binary  string // the gateway's binary
	Dir     string // an empty folder for the gateway's data and log
	Seed    uint64
	For     time.Duration // how long faults happen; settling takes longer
	Clients int
	Log     func(format string, args ...any) // prints progress
}

const (
	clientsPerUser  = 3
	sessionsPerUser = 3
	answerLimit     = 40 * time.Second // for answers, after the last fault
	settleLimit     = 2 * time.Minute  // for the comparison after that
	runLimit        = 2 * longestAnswer
	catchUpLimit    = 25 * time.Second // for a client to notice events that it has missed
	maxViolations   = 100              // more are not reported

	minRetention = time.Minute // the least retention.pieces that a gateway accepts
)

// run is the state of a run.
type run struct {
	Options
	counts      *counts
	ledger      *ledger
	seen        *seenEvents
	gateway     *gateway
	proxy       *proxy
	users       []string
	devices     []*device
	followers   []*follower
	readers     map[string]*reader // by user
	faultsOver  chan struct{}      // closed when no more faults happen
	writerPause time.Duration      // mean time between two actions of a writer
	compacts    bool               // pieces of answers are removed during the run
	began       time.Time

	// mu guards the following fields.
	mu         sync.Mutex
	violations []string
	findings   struct{ losses, doubles int }
}

// errStopped is the cause of a run's end that is no fault of the gateway.
var errStopped = errors.New("the run has failed")

// Run makes a run. It fails when the run could not be made; the report has what the
// gateway did wrong.
func Run(ctx context.Context, o Options) (report *Report, err error) {
	r := &run{
		Options: o, counts: &counts{}, ledger: newLedger(), seen: &seenEvents{logs: map[string][]uint64{}},
		readers: map[string]*reader{}, faultsOver: make(chan struct{}), writerPause: 250 * time.Millisecond, began: time.Now(),
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
		r.Log("no more faults after %v, settling", report.For.Round(time.Millisecond))
	}
	if err := r.runFaults(ctx, settle); err != nil {
		return nil, errors.Join(err, r.close())
	}
	err = r.compare(ctx, report)
	report.Settling = time.Since(began) - report.For
	err = errors.Join(err, r.close())
	if err == nil {
		err = r.inspect(ctx, report)
	}
	report.Violations, report.Lost, report.Duplicated = r.violations, r.findings.losses, r.findings.doubles
	return report, err
}

// faultRates returns how often faults happen in a run of that length.
func (o Options) faultRates() faultRates {
	longest := min(max(o.For/8, 2*time.Second), 40*time.Second)
	return faultRates{meanInterval: 800 * time.Millisecond, longestStall: longest,
		smallBuffers: 0.2, maxPassing: 3}
}

// prepare starts the gateway and its clients. Nothing goes wrong so far.
func (r *run) prepare(ctx context.Context) error {
	pieces := time.Duration(0)
	if r.compacts = r.For >= 2*minRetention && newRNG(r.Seed, "retention").chance(0.75); r.compacts {
		pieces = minRetention
	}
	g, err := newGateway(r.Binary, r.Dir, pieces)
	if err != nil {
		return err
	}
	r.gateway, r.proxy = g, newProxy(r.faultRates().scriptFor(r.Seed), r.counts)
	address, err := g.start(ctx)
	if err != nil {
		return err
	}
	r.proxy.setTarget(address)
	for n := range r.Clients {
		if n%clientsPerUser == 0 {
			r.users = append(r.users, fmt.Sprintf("u%d", len(r.users)))
		}
		if err := r.addDevice(ctx, n, r.users[len(r.users)-1], nil); err != nil {
			return err
		}
	}
	var watched []string // one of each user
	for i, user := range r.users {
		watched = append(watched, ownSession(user, 0))
		if err := r.addFollower(r.Clients+1+i, user, r.sessions(user)); err != nil {
			return err
		}
	}
	return r.addDevice(ctx, r.Clients, watcher, watched)
}

// watcher is an admin who follows sessions of others and writes nothing.
const watcher = "watcher"

// addDevice adds a device. The devices of every other user are paired; the rest have the
// gateway's token.
func (r *run) addDevice(ctx context.Context, n int, user string, watched []string) error {
	l, err := r.proxy.openRoute(n)
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
	admin, err := newReader(ctx, r.proxy.targetAddress(), "admin")
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

// ownSession is the key of a user's session that stays.
func ownSession(user string, n int) string { return fmt.Sprintf("chaos:%s:s%d", user, n) }

// scratchSession is the key of the user's session that is reset and deleted now and then.
func scratchSession(user string) string { return "chaos:" + user + ":scratch" }

func isScratch(key string) bool { return strings.HasSuffix(key, ":scratch") }

// sessions returns the sessions that the user's clients write to.
func (r *run) sessions(user string) []string {
	keys := []string{scratchSession(user)}
	for i := range sessionsPerUser {
		keys = append(keys, ownSession(user, i))
	}
	return append(keys, r.ledger.openedBy(user)...)
}

// runFaults lets everybody write while faults happen, and then waits until every request
// is acknowledged. It calls settle between the two.
func (r *run) runFaults(ctx context.Context, settle func()) error {
	chaos, endChaos := context.WithTimeout(ctx, r.For)
	defer endChaos()
	settling, endSettling := context.WithTimeout(ctx, r.For+answerLimit)
	defer endSettling()
	var writers sync.WaitGroup
	for n, d := range r.devices {
		if d.user == watcher {
			continue
		}
		w := &writer{device: d, rng: newRNG(r.Seed, "writer", n)}
		for _, o := range r.devices {
			if o != d && o.user == d.user {
				w.siblings = append(w.siblings, o)
			}
		}
		writers.Go(func() { w.write(chaos, settling) })
	}
	r.proxy.startFaults()
	reaper := &restarter{gateway: r.gateway, proxy: r.proxy, counts: r.counts,
		rng:   newRNG(r.Seed, "reaper"),
		every: min(max(r.For/6, 2*time.Second), 5*time.Second)}
	err := reaper.run(chaos)
	if err != nil {
		endChaos()
		endSettling()
	}
	<-chaos.Done()
	close(r.faultsOver)
	settle()
	r.proxy.stopFaults()
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
	for _, c := range r.followers {
		c.stop()
	}
	if r.gateway == nil {
		return nil
	}
	r.proxy.close()
	err := r.gateway.stop(0)
	for _, line := range r.gateway.faults {
		r.noteViolation("", "the gateway logged: %s", line)
	}
	return errors.Join(err, r.gateway.log.Close())
}

// noteViolation notes a broken promise.
func (r *run) noteViolation(session, format string, args ...any) {
	what := fmt.Sprintf("%7.3fs %s: %s", time.Since(r.began).Seconds(), session,
		fmt.Sprintf(format, args...))
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.violations) < maxViolations {
		r.violations = append(r.violations, what)
		r.Log("VIOLATION %s", what)
	}
}

// disposable reports whether a session may be reset or deleted.
func (r *run) disposable(key string) bool { return isScratch(key) }
