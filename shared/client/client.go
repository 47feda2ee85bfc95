package client

import (
	"sync"

	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Options make a Client.
type Options struct {
	// Transport opens sockets to the gateway.
	Transport Transport

	// Hello is what every connection's connect says. Protocol is filled in; a
	// pairing fills in SenderID.
	Hello protocol.ConnectParams

	// Resume gives how far the program has read its sessions' logs; nil where it
	// follows none. It is asked before each connect like a callback: once all that
	// was heard has been told, so that what it gives is not behind that. At most
	// protocol.MaxResume cursors are sent, of at most 12 KiB together; the first
	// ones count. State.Resumed says what became of them.
	Resume func() []protocol.Cursor

	// OnState is told each new State, OnEvent each event of a ready connection,
	// ticks included. Either may be nil. See the package's word on concurrency.
	OnState func(State)
	OnEvent func(protocol.Frame)
}

// Client is one program's or page's connection to a gateway, through as many
// sockets as it takes, one at a time. Its methods may be called from any
// goroutine and from callbacks.
type Client struct {
	transport Transport
	resume    func() []protocol.Cursor
	onState   func(State)
	onEvent   func(protocol.Frame)
	now       func() moment
	random    func() float64 // [0, 1)

	mu           sync.Mutex
	hello        protocol.ConnectParams
	state        State
	link         *link  // the one socket that counts; nil while there is none
	calls        []call // under way, in the order in which they were asked
	lastID       uint64
	attempt      int
	retryAfter   clock.Duration // the gateway's wish for the next wait
	pairingSince moment         // when the code that waits was first seen
	waitFor      clock.Duration
	waitSince    moment
	alarm        alarm
	outbound     delivery
}

// New returns a Client that does nothing until Start.
func New(o Options) *Client {
	c := &Client{
		transport: o.Transport,
		resume:    o.Resume,
		onState:   o.OnState,
		onEvent:   o.OnEvent,
		now:       readClocks,
		random:    random,
		hello:     o.Hello,
	}
	c.hello.Protocol = protocol.Version
	return c
}

// Start begins to connect. On a Refused client it tries once more, which is a
// person's decision: after NOT_PAIRED the refused sender_id is forgotten, and a
// new pairing is asked for. Otherwise it does nothing.
func (c *Client) Start() {
	c.do(func() {
		if c.state.Phase == Stopped || c.state.Phase == Refused {
			c.attempt, c.retryAfter = 0, 0
			c.dial()
		}
	})
}

// Stop closes the connection for good; calls under way end with UNAVAILABLE.
// The Stopped state is the last thing told of it. Start begins anew.
func (c *Client) Stop() {
	c.do(func() {
		if c.state.Phase == Stopped {
			return
		}
		c.drop(closeDone, "")
		c.alarm.stop()
		c.setState(State{Phase: Stopped})
	})
}

// TryNow cuts a wait short, because a person asked for it or the page became
// visible. It replaces a socket that takes long to open or has been silent for
// too long; a ready one that said nothing for 3 s has to answer within 2 s. It
// does nothing in the other phases: a refused credential is not used again.
func (c *Client) TryNow() {
	c.do(func() {
		l := c.link
		switch {
		case c.state.Phase == Waiting:
			c.dial()
		case l == nil:
		case l.step == dialing && c.since(l.began) >= redialAfter,
			l.step == ready && c.since(l.heard) >= c.silence():
			c.redial("trying again")
		case l.step == ready && !l.probed && c.since(l.heard) >= quietAfter:
			c.probe()
		}
	})
}

// Redial connects anew, because the network is another one or was away: a socket
// from before is not trusted, however far it has come. It does nothing when the
// client is Stopped or Refused.
func (c *Client) Redial() {
	c.do(func() {
		switch c.state.Phase {
		case Stopped, Refused:
		default:
			c.redial("the network changed")
		}
	})
}

// Tell has f run as a callback does: after what has happened so far was told, and
// not while another one runs. So it may touch what the callbacks touch.
func (c *Client) Tell(f func()) {
	c.do(func() { c.outbound.add(0, f) })
}

// State returns where the Client stands.
func (c *Client) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// do runs f with the lock held and then tells what came of it.
func (c *Client) do(f func()) {
	c.mu.Lock()
	f()
	c.mu.Unlock()
	c.deliver()
}

func (c *Client) setState(s State) {
	c.state = s
	if c.onState != nil {
		c.outbound.add(0, func() { c.onState(s) })
	}
}
