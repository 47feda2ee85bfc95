package client

import (
	"sync"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Options make a Client.
type Options struct {
	// Transport opens sockets to the gateway.
	Transport Transport

	// Hello is what every connection's connect says. Protocol is filled in; a
	// pairing fills in SenderID.
	Hello protocol.ConnectParams

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
	retryAfter   time.Duration // the gateway's wish for the next wait
	pairingSince moment        // when the code that waits was first seen
	waitFor      time.Duration
	waitSince    moment
	alarm        alarm
	outbound     delivery
}

// New returns a Client that does nothing until Start.
func New(o Options) *Client {
	c := &Client{
		transport: o.Transport,
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
// The Stopped state is the last thing told. Start begins anew.
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

// TryNow cuts a wait short, because a person asked for it, the network came
// back or the page became visible. It replaces a socket that takes long to open
// or has been silent for too long, and does nothing in the other phases: a
// refused credential is not used again.
func (c *Client) TryNow() {
	c.do(func() {
		switch {
		case c.state.Phase == Waiting:
			c.dial()
		case c.link == nil:
		case c.link.step == dialing && c.since(c.link.began) >= redialAfter,
			c.link.step == ready && c.since(c.link.heard) >= c.silence():
			c.drop(closeSilent, "trying again")
			c.dial()
		}
	})
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
