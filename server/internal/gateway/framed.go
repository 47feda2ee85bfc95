package gateway

import (
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// framed gives a page of messages in the form that the client takes. Older messages are
// left out if they do not fit a frame; cut says so.
func (c *call) framed(messages []protocol.Message) (fitting []protocol.Message, cut bool, err error) {
	if c.member.Load().HTML {
		if err := c.g.Formatter.Messages(c.ctx, c.caller().UserID, messages); err != nil {
			return nil, false, err
		}
	}
	fitting, cut = fit(messages)
	return fitting, cut, nil
}

// fit leaves out older messages until the rest fits a frame. An answer is left out with
// the message that it answers.
func fit(messages []protocol.Message) (fitting []protocol.Message, cut bool) {
	room := protocol.MaxFrameBytes - 4<<10
	first := len(messages)
	for i := len(messages) - 1; i >= 0; i-- {
		if room -= len(messages[i].AppendJSON(nil)) + 1; room < 0 {
			break
		}
		first = i
	}
	if first == len(messages) && first > 0 {
		// The newest message alone is too large with its formatted text: leave that out.
		first--
		messages[first].HTML = nil
	}
	for first > 0 && first < len(messages)-1 && messages[first].ReplyTo != "" {
		first++
	}
	return messages[first:], first > 0
}
