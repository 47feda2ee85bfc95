package client

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// maxCalls is how many requests may wait for their answers.
const maxCalls = 1024

type call struct {
	done   func(payload jsontext.Raw, err *protocol.Error)
	bytes  int // of the frame
	number uint64
}

// Call sends a request and has done told the answer: its payload, or an error.
// Every call is answered exactly once. One that finds the client not Ready
// fails with UNAVAILABLE without having been sent; one whose connection is lost
// fails with UNAVAILABLE too, and whether it took effect is not known. Both are
// retryable. One over the gateway's frame limit fails with INVALID_REQUEST, one
// too many (1024 under way) with RESOURCE_EXHAUSTED.
//
// There is no time limit, since an answer may take as long as a run: while the
// connection lives, the gateway owes the answer. params may be nil and is read
// before Call returns; done may be nil.
func (c *Client) Call(method string, params protocol.Payload, done func(payload jsontext.Raw, err *protocol.Error)) {
	c.do(func() { c.call(method, params, done) })
}

// call gives the id of the request, or "" when it was refused.
func (c *Client) call(method string, params protocol.Payload, done func(jsontext.Raw, *protocol.Error)) string {
	if done == nil {
		done = func(jsontext.Raw, *protocol.Error) {}
	}
	if c.state.Phase != Ready {
		c.answer(done, nil, unavailable("not connected to the gateway"))
		return ""
	}
	if len(c.calls) >= maxCalls {
		c.answer(done, nil, protocol.Exhausted("too many requests under way", firstWait.Milliseconds()))
		return ""
	}
	id := c.nextID()
	frame := protocol.AppendRequest(nil, id, method, params)
	if int64(len(frame)) > c.state.Limits.MaxFrameBytes {
		c.answer(done, nil, tooBig(c.state.Limits.MaxFrameBytes))
		return ""
	}
	c.calls[id] = call{done, len(frame), c.lastID}
	c.link.socket.Send(frame)
	return id
}

func (c *Client) nextID() string {
	c.lastID++
	return strconv.FormatUint(c.lastID, 10)
}

func (c *Client) answer(done func(jsontext.Raw, *protocol.Error), payload jsontext.Raw, err *protocol.Error) {
	c.outbound.add(len(payload), func() { done(payload, err) })
}

// failCalls ends what is under way on a connection that was lost, in the order
// in which it was asked.
func (c *Client) failCalls() {
	lost := make([]call, 0, len(c.calls))
	for _, k := range c.calls {
		lost = append(lost, k)
	}
	clear(c.calls)
	slices.SortFunc(lost, func(a, b call) int { return cmp.Compare(a.number, b.number) })
	for _, k := range lost {
		c.answer(k.done, nil, unavailable("the connection was lost before the answer came"))
	}
}

// failBiggest ends the call whose frame the gateway, or a proxy before it,
// found too big: none of the others is bigger.
func (c *Client) failBiggest() {
	biggest := ""
	for id, k := range c.calls {
		if biggest == "" || k.bytes > c.calls[biggest].bytes {
			biggest = id
		}
	}
	if k, ok := c.calls[biggest]; ok {
		delete(c.calls, biggest)
		c.answer(k.done, nil, tooBig(int64(k.bytes)-1))
	}
}

func unavailable(message string) *protocol.Error {
	return &protocol.Error{Code: protocol.Unavailable, Message: message, Retryable: true}
}

func tooBig(limit int64) *protocol.Error {
	return protocol.Refuse(protocol.InvalidRequest,
		"the request is over "+strconv.FormatInt(limit, 10)+" bytes: split it, or upload files over HTTP")
}
