package gateway

import (
	"github.com/gatehouse-chat/gatehouse/server/internal/present"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// framed is a page of messages as this client takes them, in one frame; cut tells
// that older ones were left out.
func (c *call) framed(messages []protocol.Message) (fitting []protocol.Message, cut bool) {
	if c.member.Load().HTML {
		present.Messages(messages)
	}
	return fit(messages)
}

// fit leaves out older messages, and the answers with them, until the rest fits
// a frame.
func fit(messages []protocol.Message) (fitting []protocol.Message, cut bool) {
	room := protocol.MaxFrameBytes - 4<<10
	first := len(messages)
	for i := len(messages) - 1; i >= 0; i-- {
		if room -= len(messages[i].AppendJSON(nil)) + 1; room < 0 {
			break
		}
		first = i
	}
	if first == len(messages) && first > 0 { // one that fills a frame by itself goes without its formatting
		first--
		messages[first].HTML = nil
	}
	for first > 0 && first < len(messages)-1 && messages[first].ReplyTo != "" {
		first++
	}
	return messages[first:], first > 0
}
