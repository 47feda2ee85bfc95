package present

import (
	"context"

	"github.com/gatehouse-chat/gatehouse/server/internal/format"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

const (
	// maxPayload bounds an event's payload, in bytes, so that its frame fits.
	maxPayload = protocol.MaxFrameBytes - envelope
	// envelope is the most that an event's frame adds to its payload, in bytes.
	envelope = 256
)

// chatPayload is the payload of a chat event with its message formatted, for a user.
func (f *Formatter) chatPayload(ctx context.Context, user string, payload []byte) []byte {
	var e protocol.ChatEvent
	if protocol.Decode(payload, &e) != nil {
		return payload
	}
	f.message(ctx, user, &e.Message)
	if e.Message.HTML == nil {
		return payload
	}
	if formatted := e.AppendJSON(make([]byte, 0, 2*len(payload))); len(formatted) <= maxPayload {
		return formatted
	}
	return payload
}

// Line returns the first line of a message that has words, without markdown. It is for
// titles.
func Line(message string) string { return format.Line(message) }
