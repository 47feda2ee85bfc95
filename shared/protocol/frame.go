package protocol

import "github.com/gatehouse-chat/gatehouse/shared/jsontext"

// Frame types.
const (
	TypeRequest  = "req"
	TypeResponse = "res"
	TypeEvent    = "event"
)

// Request is a frame that a client sends.
type Request struct {
	Type   string       `json:"type"`
	ID     string       `json:"id"`
	Method string       `json:"method"`
	Params jsontext.Raw `json:"params,omitempty"`
}

// Frame is a frame that the gateway sends: a response or an event, as Type says. A
// response has ID, OK, and Payload or Error; an event has Event, Payload and Seq.
type Frame struct {
	Type    string       `json:"type"`
	ID      string       `json:"id,omitempty"`
	OK      bool         `json:"ok,omitempty"`
	Payload jsontext.Raw `json:"payload,omitempty"`
	Error   *Error       `json:"error,omitempty"`
	Event   string       `json:"event,omitempty"`
	Seq     int64        `json:"seq,omitempty"`
}

// Payload is a type with a generated codec.
type Payload interface {
	AppendJSON(dst []byte) []byte
	DecodeJSON(d *jsontext.Decoder)
}

// AppendRequest appends a req frame; params may be nil.
func AppendRequest(dst []byte, id, method string, params Payload) []byte {
	dst = append(dst, `{"type":"req","id":`...)
	dst = jsontext.AppendString(dst, id)
	dst = append(dst, `,"method":`...)
	dst = jsontext.AppendString(dst, method)
	if params != nil {
		dst = append(dst, `,"params":`...)
		dst = params.AppendJSON(dst)
	}
	return append(dst, '}')
}

// AppendResult appends the res frame of a request that succeeded.
func AppendResult(dst []byte, id string, payload Payload) []byte {
	dst = append(dst, `{"type":"res","id":`...)
	dst = jsontext.AppendString(dst, id)
	dst = append(dst, `,"ok":true,"payload":`...)
	if payload == nil {
		dst = append(dst, "{}"...)
	} else {
		dst = payload.AppendJSON(dst)
	}
	return append(dst, '}')
}

// AppendError appends the res frame of a request that was refused.
func AppendError(dst []byte, id string, e *Error) []byte {
	dst = append(dst, `{"type":"res","id":`...)
	dst = jsontext.AppendString(dst, id)
	dst = append(dst, `,"ok":false,"error":`...)
	dst = e.AppendJSON(dst)
	return append(dst, '}')
}

// AppendEvent appends an event frame. seq 0 is left out; events that belong to no
// session have none.
func AppendEvent(dst []byte, event string, payload []byte, seq int64) []byte {
	dst = append(dst, `{"type":"event","event":`...)
	dst = jsontext.AppendString(dst, event)
	dst = append(dst, `,"payload":`...)
	dst = append(dst, payload...)
	if seq > 0 {
		dst = append(dst, `,"seq":`...)
		dst = jsontext.AppendInt(dst, seq)
	}
	return append(dst, '}')
}

// Decode decodes the whole of text into v. The error is a *jsontext.Error.
func Decode(text []byte, v Payload) error { return jsontext.Read(text, v.DecodeJSON) }
