package client

import (
	"strconv"

	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// maxCalls limits the pending requests.
const maxCalls = 1024

// call is a pending request.
type call struct {
	id    string
	done  func(payload jsontext.Raw, err *protocol.Error)
	bytes int // size of the frame
}

// Call sends a request and calls done with the payload of its answer, or with an error.
// done is a callback, and is called exactly once. These errors come from the client:
//
//   - UNAVAILABLE: the client was not Ready, and the request was not sent; or the
//     connection was lost, and the request may have taken effect. Retryable.
//   - INVALID_REQUEST: the request is over the gateway's frame limit.
//   - RESOURCE_EXHAUSTED: 1024 requests are pending. Retryable.
//
// There is no timeout, since an answer may take as long as a run. params may be nil and is
// read before Call returns. done may be nil.
func (c *Client) Call(
	method string, params protocol.Payload, done func(payload jsontext.Raw, err *protocol.Error),
) {
	c.do(func() { c.call(method, params, done) })
}

// call sends a request and returns its id, or "" if it was not sent.
func (c *Client) call(
	method string, params protocol.Payload, done func(jsontext.Raw, *protocol.Error),
) string {
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
	c.calls = append(c.calls, call{id, done, len(frame)})
	c.link.socket.Send(frame)
	return id
}

func (c *Client) nextID() string {
	c.lastID++
	return strconv.FormatUint(c.lastID, 10)
}

// answer queues the callback of a call.
func (c *Client) answer(
	done func(jsontext.Raw, *protocol.Error), payload jsontext.Raw, err *protocol.Error,
) {
	c.callbacks.add(len(payload), func() { done(payload, err) })
}

// takeCall removes the pending call with that id and returns it.
func (c *Client) takeCall(id string) (call, bool) {
	for i, k := range c.calls {
		if k.id == id {
			c.calls = append(c.calls[:i], c.calls[i+1:]...)
			return k, true
		}
	}
	return call{}, false
}

// failCalls fails all pending calls, in the order of their requests.
func (c *Client) failCalls() {
	for _, k := range c.calls {
		c.answer(k.done, nil, unavailable("the connection was lost before the answer came"))
	}
	c.calls = nil
}

// failBiggest fails the pending call with the largest frame: the gateway, or a proxy in
// front of it, has refused a frame as too big, and this is the likeliest one.
func (c *Client) failBiggest() {
	var biggest call
	for _, k := range c.calls {
		if k.bytes > biggest.bytes {
			biggest = k
		}
	}
	if k, ok := c.takeCall(biggest.id); ok {
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

// Encoded are params that are encoded already. A program that is compiled to WebAssembly
// encodes the params itself and passes Encoded: if it passed the params' type as a
// protocol.Payload, the linker would also keep the type's decoder.
type Encoded []byte

// AppendJSON appends the params, or {} if there are none.
func (e Encoded) AppendJSON(dst []byte) []byte {
	if len(e) == 0 {
		return append(dst, "{}"...)
	}
	return append(dst, e...)
}

// DecodeJSON does nothing: params are never decoded.
func (Encoded) DecodeJSON(*jsontext.Decoder) {}
