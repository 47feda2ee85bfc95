package present

import (
	"slices"

	"github.com/gatehouse-chat/gatehouse/server/internal/format"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

const (
	// maxFormatted bounds the formatted text of one message, in bytes.
	maxFormatted = protocol.MaxFrameBytes / 2
	// maxPayload bounds an event's payload, in bytes, so that its frame fits.
	maxPayload = protocol.MaxFrameBytes - envelope
	// envelope is the most that an event's frame adds to its payload, in bytes.
	envelope = 256
)

// Messages adds formatted text to messages that are shown together, the newest
// last. All code on the page shares one time limit for highlighting, and the
// newest message, which is read first, is served first. A message whose formatted
// text would make a frame too large keeps its plain text alone.
func Messages(list []protocol.Message) {
	var page format.Page
	for i := range slices.Backward(list) {
		formatMessage(&list[i], &page)
	}
}

// formatMessage formats what an agent or the system has written. What users write
// is shown as they typed it.
func formatMessage(m *protocol.Message, page *format.Page) {
	if m.Role != protocol.FromAssistant && m.Role != protocol.FromSystem {
		return
	}
	html := &protocol.HTML{Blocks: page.Blocks(m.Content)}
	if len(html.AppendJSON(nil)) <= maxFormatted {
		m.HTML = html
	}
}

// chatPayload is the payload of a chat event with its message formatted.
func chatPayload(payload []byte, page *format.Page) []byte {
	var e protocol.ChatEvent
	if protocol.Decode(payload, &e) != nil {
		return payload
	}
	formatMessage(&e.Message, page)
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
