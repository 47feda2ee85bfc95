package agent

// Window returns the newest part of history that fits into a prompt: at most maxMessages messages with at most
// maxBytes bytes of text together; a limit of zero or less is none. The messages are copied, in their order.
//
// The conversation in the window starts with a user message: answers whose question is cut off are left out, while
// system messages beside them stay. The last user message is always in it, with whatever follows it, however
// large: without it there is nothing to answer. A history without a user message has an empty window.
func Window(history []Message, maxMessages, maxBytes int) []Message {
	question := lastUser(history)
	if question < 0 {
		return nil
	}
	start := question
	count := len(history) - question
	size := 0
	for _, m := range history[question:] {
		size += len(m.Text)
	}
	for start > 0 {
		count++
		size += len(history[start-1].Text)
		if maxMessages > 0 && count > maxMessages || maxBytes > 0 && size > maxBytes {
			break
		}
		start--
	}
	return fromFirstUser(history[start:])
}

func lastUser(history []Message) int {
	for i := len(history) - 1; i >= 0; i-- {
		if history[i].Role == User {
			return i
		}
	}
	return -1
}

// fromFirstUser copies messages without the answers that precede the first user message.
func fromFirstUser(messages []Message) []Message {
	window := make([]Message, 0, len(messages))
	asked := false
	for _, m := range messages {
		asked = asked || m.Role == User
		if asked || m.Role == System {
			window = append(window, m)
		}
	}
	return window
}
