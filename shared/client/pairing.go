package client

import (
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// How often a pairing is asked about: as the gateway says, but less often once
// the admin takes their time.
const (
	defaultPoll  = 2 * clock.Second
	shortestPoll = 500 * clock.Millisecond
	longestPoll  = clock.Minute

	patientAfter = clock.Minute
	patientPoll  = 5 * clock.Second
	resting      = 10 * clock.Minute
	restingPoll  = 10 * clock.Second
)

// pair waits for an admin, asking now and then.
func (c *Client) pair(r *protocol.ConnectResult) {
	if r.SenderID != "" {
		c.hello.SenderID = r.SenderID
	}
	poll := defaultPoll
	if r.PollIntervalMs > 0 {
		poll = max(wish(r.PollIntervalMs), shortestPoll)
	}
	if p := c.state.Pairing; p == nil || p.Code != r.PairingCode {
		c.pairingSince = c.now()
	}
	c.link.enter(pairing)
	c.setState(State{Phase: Pairing, Pairing: &PendingPairing{
		Code:         r.PairingCode,
		ExpiresAt:    r.ExpiresAt,
		PollInterval: min(poll, longestPoll),
		SenderID:     Secret(c.hello.SenderID),
	}})
	c.pollLater(0)
}

// pollLater arranges the next question, not before least.
func (c *Client) pollLater(least clock.Duration) {
	d := max(c.state.Pairing.PollInterval, least)
	switch waited := c.since(c.pairingSince); {
	case waited >= resting:
		d = max(d, restingPoll)
	case waited >= patientAfter:
		d = max(d, patientPoll)
	}
	c.ringIn(d, c.poll)
}

func (c *Client) poll() {
	l := c.link
	l.waits = c.nextID()
	c.ringIn(pollTimeout, func() { c.lose(unavailable("the gateway did not answer within 10 s")) })
	l.socket.Send(protocol.AppendRequest(nil, l.waits, protocol.MethodPairingStatus, nil))
}

// polled takes the answer to browser.pairing.status.
func (c *Client) polled(f protocol.Frame, err *protocol.Error) {
	if err != nil {
		if passing(err) {
			c.pollLater(wish(err.RetryAfterMs))
			return
		}
		c.refuse(err)
		return
	}
	var s protocol.PairingStatus
	if jsontext.Read(f.Payload, s.DecodeJSON) != nil {
		c.lose(protocol.Refuse(protocol.Internal, "the gateway's word on the pairing cannot be read"))
		return
	}
	if c.settled(s.Status) {
		return
	}
	if p := *c.state.Pairing; s.ExpiresAt != 0 && s.ExpiresAt != p.ExpiresAt {
		p.ExpiresAt = s.ExpiresAt
		c.setState(State{Phase: Pairing, Pairing: &p})
	}
	c.pollLater(0)
}

// resolved takes the pushed word on the pairing, which saves a poll.
func (c *Client) resolved(f protocol.Frame) {
	var r protocol.DeviceResolved
	if jsontext.Read(f.Payload, r.DecodeJSON) == nil {
		c.settled(r.Status)
	}
}

// settled acts on a status that ends the pairing, and reports whether it did.
func (c *Client) settled(status string) bool {
	switch status {
	case protocol.PairingApproved:
		c.greet()
	case protocol.PairingDenied, protocol.PairingExpired, protocol.PairingRevoked, protocol.PairingUnknown:
		c.refuse(notPaired(status))
	default:
		return false
	}
	return true
}

func notPaired(status string) *protocol.Error {
	message := "this device is not paired"
	switch status {
	case protocol.PairingDenied:
		message = "an admin denied the pairing"
	case protocol.PairingExpired:
		message = "the pairing code expired before it was approved"
	case protocol.PairingRevoked:
		message = "an admin revoked this device"
	}
	return &protocol.Error{
		Code:    protocol.NotPaired,
		Message: message,
		Details: &protocol.ErrorDetails{Status: status},
	}
}
