package words

import (
	"cmp"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// You stands for the reader as the author of a message.
const You = "You"

// MessageLabel returns the name of a message for assistive technology: who wrote the message,
// and when ("Demo agent, 17:42"). author is empty for the reader, and for notes of programs;
// agent is the name of the agent that answered. time is the text that the message shows.
func MessageLabel(from protocol.MessageRole, author, agent, time string) string {
	name := cmp.Or(agent, "Answer")
	switch from {
	case protocol.FromUser:
		name = cmp.Or(author, You)
	case protocol.FromSystem:
		name = "Note"
		if author != "" {
			name += " by " + author
		}
	}
	if time == "" {
		return name
	}
	return name + ", " + time
}
