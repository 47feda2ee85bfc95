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

// device is one client of a user, following all of the user's sessions.
//
// Its mutex is not held while a method of the client is called, whose callbacks
// take it.
type device struct {
	name    string // of the device, for people
	user    string
	line    *line
	html    bool
	lazy    bool     // it takes its time with events
	watched []string // sessions of others, which an admin's device follows
	run     *run
	http    *http.Transport
	client  *client.Client
	ready   signal
	stopped signal
	calm    <-chan struct{} // closed when nothing goes wrong any more
	over    chan struct{}   // closed when the device has stopped
	waiting sync.WaitGroup

	mu         sync.Mutex
	todo       []func() // calls of the client's methods, for when the mutex is free
	dice       dice
	connection int                        // counts
	cursors    map[string]protocol.Cursor // sent with the last connect
	follows    map[string]*follow
}

// newDevice makes a device; hello is its credential.
func newDevice(r *run, n int, user string, l *line, hello protocol.ConnectParams) (*device, error) {
	d := &device{
		name: fmt.Sprintf("%s.d%d", user, n), user: user, line: l, run: r,
		http: &http.Transport{}, dice: newDice(r.Seed, "device", n), follows: map[string]*follow{},
		calm: r.calm, over: make(chan struct{}),
	}
	d.stopped.set(true)
	d.html, d.lazy = d.dice.chance(0.7), d.dice.chance(0.25)
	hello.DeviceName = d.name
	if d.html {
		hello.Client = &protocol.Client{Name: "chaos", Caps: []string{protocol.CapHTML}}
	}
	t, err := native.NewTransport("ws://"+l.address(), native.Options{HTTPClient: &http.Client{Transport: d.http}})
	if err != nil {
		return nil, err
	}
	d.client = client.New(client.Options{
		Transport: t, Hello: hello, Resume: d.resume, OnState: d.state, OnEvent: d.event,
	})
	return d, nil
}

// stop ends the device.
func (d *device) stop() {
	d.client.Stop()
	<-d.stopped.done() // after which nothing is told
	close(d.over)
	d.waiting.Wait()
	d.http.CloseIdleConnections()
}

// locked runs f with the mutex held, and then what it left to be done without.
func (d *device) locked(f func()) {
	d.mu.Lock()
	f()
	todo := d.todo
	d.todo = nil
	d.mu.Unlock()
	for _, do := range todo {
		do()
	}
}

// call asks the gateway, once the mutex is free; take gets the answer with the
// mutex held, unless another connection was made meanwhile.
func (d *device) call(method string, params protocol.Payload, take func(jsontext.Raw, *protocol.Error)) {
	connection := d.connection
	d.todo = append(d.todo, func() {
		d.client.Call(method, params, func(payload jsontext.Raw, failed *protocol.Error) {
			d.locked(func() {
				if connection == d.connection {
					take(payload, failed)
				}
			})
		})
	})
}

// after runs f with the mutex held after a while, unless another connection was
// made meanwhile.
func (d *device) after(pause time.Duration, f func()) {
	connection := d.connection
	d.waiting.Go(func() {
		t := time.NewTimer(pause)
		defer t.Stop()
		select {
		case <-t.C:
		case <-d.over:
			return
		}
		d.locked(func() {
			if connection == d.connection {
				f()
			}
		})
	})
}

// violate notes what should not have happened to a session here.
func (d *device) violate(session, format string, args ...any) {
	d.run.violate(session, d.name+": "+format, args...)
}

// resume is where every transcript that can be trusted stands.
func (d *device) resume() []protocol.Cursor {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cursors = map[string]protocol.Cursor{}
	var list []protocol.Cursor
	for key, f := range d.follows {
		if f.loaded && !f.line.Stale() {
			d.cursors[key] = f.line.Cursor()
			list = append(list, f.line.Cursor())
		}
	}
	return list
}

func (d *device) state(s client.State) {
	d.ready.set(s.Phase == client.Ready)
	d.stopped.set(s.Phase == client.Stopped)
	switch s.Phase {
	case client.Ready:
		d.locked(func() { d.connected(s) })
	case client.Waiting:
		if s.Err.Message == protocol.ReasonTooSlow {
			d.run.counts.slow.Add(1)
		}
		d.hurry()
	case client.Refused:
		d.violate("", "the gateway refused the credential: %v", s.Err)
		d.client.Start()
	}
}

// hurry mostly does not sit a wait out.
func (d *device) hurry() {
	d.mu.Lock()
	patient, pause := d.dice.chance(0.05), d.dice.around(150*time.Millisecond)
	d.mu.Unlock()
	d.waiting.Go(func() {
		t := time.NewTimer(pause)
		defer t.Stop()
		if patient {
			t.Reset(time.Hour)
		}
		select {
		case <-t.C:
		case <-d.calm:
		case <-d.ready.done():
			return
		case <-d.over:
			return
		}
		d.client.TryNow()
	})
}

// passing holds that a request was refused for a reason that passes.
func (d *device) passing(session, method string, err *protocol.Error) {
	if !err.Retryable {
		d.violate(session, "%s was refused: %v", method, err)
	}
}

// askAgain is the wait after a busy gateway.
const askAgain = 200 * time.Millisecond

// request is a request that is tried on whatever connection there is, until ctx
// ends.
func (d *device) request(ctx context.Context, limit time.Duration, method string, params, result protocol.Payload) error {
	select {
	case <-d.ready.done():
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return d.client.Request(ctx, method, params, result)
}
