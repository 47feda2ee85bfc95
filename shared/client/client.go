package client

import (
	"sync"

	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Options configure a Client.
type Options struct {
	// Transport opens sockets to the gateway.
	Transport Transport

	// Hello has the params of connect, which is sent on every connection. New sets
	// Protocol; a pairing sets SenderID.
	Hello protocol.ConnectParams

	// Resume returns how far the program has read its sessions' logs; nil if it follows
	// no session. It is called like a callback before each connect, after the program has
	// received all earlier events, so that the cursors include them. The client sends the
	// first cursors: at most protocol.MaxResume, and at most 12 KiB. State.Resumed says
	// which of them could be resumed.
	Resume func() []protocol.Cursor

	// OnState is called with each new State, OnEvent with each event of a ready
	// connection, including ticks. Either may be nil. See Concurrency in the package
	// documentation.
	OnState func(State)
	OnEvent func(protocol.Frame)
}

// Client keeps a program or a page connected to a gateway: when a socket ends, it opens the
// next one. Its methods may be called from any goroutine and from callbacks.
//
// Its unexported methods require mu to be held, except do and deliver.
type Client struct {
	transport Transport
	resume    func() []protocol.Cursor
	onState   func(State)
	onEvent   func(protocol.Frame)
	now       func() moment
	random    func() float64 // [0, 1)

	// mu guards the following fields.
	mu           sync.Mutex
	params       protocol.ConnectParams // of connect
	state        State
	link         *link          // the current socket; nil while there is none
	calls        []call         // pending calls, in the order of their requests
	lastID       uint64         // id of the last request
	attempt      int            // tries to connect since the client was last ready
	retryAfter   clock.Duration // minimum of the next wait, as the gateway asked
	pairingSince moment         // when the current pairing code was received
	waitFor      clock.Duration // length of the current wait
	waitSince    moment         // beginning of the current wait
	timer        resettableTimer
	callbacks    callbackQueue
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
		params:    o.Hello,
	}
	c.params.Protocol = protocol.Version
	return c
}

// Start begins to connect. A Refused client tries once more; let a person decide that. After
// NOT_PAIRED the client has forgotten the refused sender_id and requests a new pairing. In
// other phases Start does nothing.
func (c *Client) Start() {
	c.do(func() {
		if c.state.Phase == Stopped || c.state.Phase == Refused {
			c.attempt, c.retryAfter = 0, 0
			c.dial()
		}
	})
}

// Stop closes the connection. Pending calls end with UNAVAILABLE. OnState with Stopped is
// the last callback. Start begins again.
func (c *Client) Stop() {
	c.do(func() {
		if c.state.Phase == Stopped {
			return
		}
		c.drop(closeDone, "")
		c.timer.stop()
		c.setState(State{Phase: Stopped})
	})
}

// TryNow ends a wait, because a person asked for it or the page became visible. It replaces
// a socket that takes long to open or has been silent for too long. A ready connection on
// which nothing was received for 3 s has to answer within 2 s. In other phases TryNow does
// nothing: a refused credential is not used again.
func (c *Client) TryNow() {
	c.do(func() {
		l := c.link
		switch {
		case c.state.Phase == Waiting:
			c.dial()
		case l == nil:
		case l.step == dialing && c.since(l.began) >= redialAfter,
			l.step == ready && c.since(l.lastHeard) >= c.silence():
			c.redial("trying again")
		case l.step == ready && !l.probed && c.since(l.lastHeard) >= quietAfter:
			c.probe()
		}
	})
}

// Redial replaces the current socket in any state, because the network has changed or was
// lost. It does nothing if the client is Stopped or Refused.
func (c *Client) Redial() {
	c.do(func() {
		switch c.state.Phase {
		case Stopped, Refused:
		default:
			c.redial("the network changed")
		}
	})
}

// RunInCallback runs f as a callback: after all callbacks so far, and never while another
// callback runs. So f may use what the callbacks use.
func (c *Client) RunInCallback(f func()) {
	c.do(func() { c.callbacks.add(0, f) })
}

// State returns the current State.
func (c *Client) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// do runs f with mu held, and then delivers the callbacks that f has queued. mu must not be
// held.
func (c *Client) do(f func()) {
	c.mu.Lock()
	f()
	c.mu.Unlock()
	c.deliver()
}

func (c *Client) setState(s State) {
	c.state = s
	if c.onState != nil {
		c.callbacks.add(0, func() { c.onState(s) })
	}
}
