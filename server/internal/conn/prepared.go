package conn

import (
	"encoding/binary"
	"strings"

	"github.com/coder/websocket"
)

// First bytes of unfragmented frames (RFC 6455 §5.2).
const (
	finText  = 0x81
	finClose = 0x88
	finPing  = 0x89

	opcodeMask = 0x0f
	opClose    = 0x08
)

// maxCloseReason bounds the reason in a close frame, in bytes (RFC 6455 §5.5.1).
const maxCloseReason = 123

// Prepared is an encoded text frame, header and payload (RFC 6455 §5.2, unmasked,
// unfragmented), for any number of connections. It is immutable. To send the zero
// value sends nothing.
type Prepared struct {
	frame []byte
}

// Prepare encodes a frame with a copy of payload, which should be valid UTF-8.
func Prepare(payload []byte) Prepared {
	n := len(payload)
	var frame []byte
	switch {
	case n < 126:
		frame = append(make([]byte, 0, 2+n), finText, byte(n))
	case n <= 0xffff:
		frame = append(make([]byte, 0, 4+n), finText, 126)
		frame = binary.BigEndian.AppendUint16(frame, uint16(n))
	default:
		frame = append(make([]byte, 0, 10+n), finText, 127)
		frame = binary.BigEndian.AppendUint64(frame, uint64(n))
	}
	return Prepared{append(frame, payload...)}
}

// closeFrame encodes a close frame. A reason that is too long is cut between two
// characters; invalid UTF-8 is left out.
func closeFrame(code websocket.StatusCode, reason string) []byte {
	reason = strings.ToValidUTF8(reason[:min(len(reason), maxCloseReason)], "")
	frame := append(make([]byte, 0, 4+len(reason)), finClose, byte(2+len(reason))) // #nosec G115 -- at most 125
	frame = binary.BigEndian.AppendUint16(frame, uint16(code))                     // #nosec G115 -- one of ours
	return append(frame, reason...)
}
