package chaos

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/client/native"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// device is one client of a user. It follows all of the user's sessions.
//
// The mutex must be free when a method of the client is called, since callbacks lock it.
type device struct {
	name       string // device name
	user       string
	route      *route
	html       bool
	slow       bool     // takes events slowly
	watched    []string // sessions of others that an admin's device follows
	run        *run
	http       *http.Transport
	client     *client.Client
	ready      signal
	stopped    signal
	faultsOver <-chan struct{} // closed when no more faults happen
	done       chan struct{}   // closed when the device has stopped
	goroutines sync.WaitGroup

	// mu guards the following fields.
	mu         sync.Mutex
	calls      []func() // of the client's methods, to be made when the mutex is free
	rng        rng
	connection int                        // number of connections so far
	cursors    map[string]protocol.Cursor // sent with the last connect
	followed   map[string]*followedSession
}

// newDevice makes a device; hello has its credential.
func newDevice(r *run, n int, user string, l *route,
	hello protocol.ConnectParams) (*device, error) {
	d := &device{
		name: fmt.Sprintf("%s.d%d", user, n), user: user, route: l, run: r,
		http: &http.Transport{}, rng: newRNG(r.Seed, "device", n),
		followed:   map[string]*followedSession{},
		faultsOver: r.faultsOver, done: make(chan struct{}),
	}
	d.stopped.set(true)
	d.html, d.slow = d.rng.chance(0.7), d.rng.chance(0.25)
	hello.DeviceName = d.name
	hello.Client = &protocol.Client{Name: "chaos"}
	if d.html {
		hello.Client.Caps = []string{protocol.CapHTML}
	}
	t, err := native.NewTransport("ws://"+l.address(),
		native.Options{HTTPClient: &http.Client{Transport: d.http}})
	if err != nil {
		return nil, err
	}
	d.client = client.New(client.Options{
		Transport: t, Hello: hello, Resume: d.resume, OnState: d.onState, OnEvent: d.onEvent,
	})
	return d, nil
}

// stop ends the device.
func (d *device) stop() {
	d.client.Stop()
	<-d.stopped.done() // no callback comes after this
	close(d.done)
	d.goroutines.Wait()
	d.http.CloseIdleConnections()
}

// locked runs f with the mutex held, and then the calls that f has left.
func (d *device) locked(f func()) {
	d.mu.Lock()
	f()
	calls := d.calls
	d.calls = nil
	d.mu.Unlock()
	for _, do := range calls {
		do()
	}
}

// call sends a request as soon as the mutex is free. take gets the answer, with the mutex
// held, unless there is another connection by then. The mutex must be held.
func (d *device) call(method string, params protocol.Payload, take func(jsontext.Raw, *protocol.Error)) {
	connection := d.connection
	d.calls = append(d.calls, func() {
		d.client.Call(method, params, func(payload jsontext.Raw, failed *protocol.Error) {
			d.locked(func() {
				if connection == d.connection {
					take(payload, failed)
				}
			})
		})
	})
}

// after runs f after a while, with the mutex held, unless there is another connection by
// then.
func (d *device) after(pause time.Duration, f func()) {
	connection := d.connection
	d.goroutines.Go(func() {
		t := time.NewTimer(pause)
		defer t.Stop()
		select {
		case <-t.C:
		case <-d.done:
			return
		}
		d.locked(func() {
			if connection == d.connection {
				f()
			}
		})
	})
}

// noteViolation notes what should not have happened to a session on this device.
func (d *device) noteViolation(session, format string, args ...any) {
	d.run.noteViolation(session, d.name+": "+format, args...)
}

// resume returns the cursors of all transcripts that are sound.
func (d *device) resume() []protocol.Cursor {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cursors = map[string]protocol.Cursor{}
	var list []protocol.Cursor
	for key, f := range d.followed {
		if f.loaded && !f.timeline.Stale() {
			d.cursors[key] = f.timeline.Cursor()
			list = append(list, f.timeline.Cursor())
		}
	}
	return list
}

func (d *device) onState(s client.State) {
	d.ready.set(s.Phase == client.Ready)
	d.stopped.set(s.Phase == client.Stopped)
	switch s.Phase {
	case client.Ready:
		d.locked(func() { d.onConnected(s) })
	case client.Waiting:
		if s.Err.Message == protocol.ReasonTooSlow {
			d.run.counts.slow.Add(1)
		}
		d.endWait()
	case client.Refused:
		d.noteViolation("", "the gateway refused the credential: %v", s.Err)
		d.client.Start()
	}
}

// endWait mostly ends the client's wait before the next connection early.
func (d *device) endWait() {
	d.mu.Lock()
	patient, pause := d.rng.chance(0.05), d.rng.exponential(150*time.Millisecond)
	d.mu.Unlock()
	d.goroutines.Go(func() {
		t := time.NewTimer(pause)
		defer t.Stop()
		if patient {
			t.Reset(time.Hour)
		}
		select {
		case <-t.C:
		case <-d.faultsOver:
		case <-d.ready.done():
			return
		case <-d.done:
			return
		}
		d.client.TryNow()
	})
}

// checkRetryable checks that a request was refused for a temporary reason.
func (d *device) checkRetryable(session, method string, err *protocol.Error) {
	if !err.Retryable {
		d.noteViolation(session, "%s was refused: %v", method, err)
	}
}

// askAgain is how long to wait after a refusal.
const askAgain = 200 * time.Millisecond

// request sends a request over the current or the next connection. It waits for that
// connection until ctx ends, and for the answer for limit.
func (d *device) request(ctx context.Context, limit time.Duration, method string, params,
	result protocol.Payload) error {
	select {
	case <-d.ready.done():
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return d.client.Request(ctx, method, params, result)
}
