package client

import (
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// How often the client polls the status of a pairing: as the gateway says, but less often
// after a while.
const (
	defaultPoll  = 2 * clock.Second
	shortestPoll = 500 * clock.Millisecond
	longestPoll  = clock.Minute

	slowPollAfter    = clock.Minute
	slowPoll         = 5 * clock.Second
	slowestPollAfter = 10 * clock.Minute
	slowestPoll      = 10 * clock.Second
)

// pair waits until an admin approves or denies the pairing, and polls its status.
func (c *Client) pair(r *protocol.ConnectResult) {
	if r.SenderID != "" {
		c.params.SenderID = r.SenderID
	}
	poll := defaultPoll
	if r.PollIntervalMs > 0 {
		poll = max(retryWait(r.PollIntervalMs), shortestPoll)
	}
	if p := c.state.Pairing; p == nil || p.Code != r.PairingCode {
		c.pairingSince = c.now()
	}
	c.link.enter(pairing)
	c.setState(State{Phase: Pairing, Pairing: &PendingPairing{
		Code:         r.PairingCode,
		ExpiresAt:    r.ExpiresAt,
		PollInterval: min(poll, longestPoll),
		SenderID:     Secret(c.params.SenderID),
	}})
	c.pollLater(0)
}

// pollLater schedules the next poll after the poll interval, but not before minWait is over.
func (c *Client) pollLater(minWait clock.Duration) {
	d := max(c.state.Pairing.PollInterval, minWait)
	switch waited := c.since(c.pairingSince); {
	case waited >= slowestPollAfter:
		d = max(d, slowestPoll)
	case waited >= slowPollAfter:
		d = max(d, slowPoll)
	}
	c.setTimer(d, c.poll)
}

func (c *Client) poll() {
	l := c.link
	l.pendingID = c.nextID()
	c.setTimer(pollTimeout, func() { c.lose(unavailable("the gateway did not answer within 10 s")) })
	l.socket.Send(protocol.AppendRequest(nil, l.pendingID, protocol.MethodPairingStatus, nil))
}

// polled handles the answer to browser.pairing.status.
func (c *Client) polled(f protocol.Frame, err *protocol.Error) {
	if err != nil {
		if mayConnectLater(err) {
			c.pollLater(retryWait(err.RetryAfterMs))
			return
		}
		c.refuse(err)
		return
	}
	var s protocol.PairingStatus
	if jsontext.Read(f.Payload, s.DecodeJSON) != nil {
		c.lose(protocol.Refuse(protocol.Internal, "the gateway's answer about the pairing cannot be read"))
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

// resolved handles the event that the pairing was resolved, which may come before a poll.
func (c *Client) resolved(f protocol.Frame) {
	var r protocol.DeviceResolved
	if jsontext.Read(f.Payload, r.DecodeJSON) == nil {
		c.settled(r.Status)
	}
}

// settled acts on a pairing's status, and reports whether the pairing has ended.
func (c *Client) settled(status string) bool {
	switch status {
	case protocol.PairingApproved:
		c.beginConnect()
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
