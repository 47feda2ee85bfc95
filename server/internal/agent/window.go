package agent

// Window returns a copy of the newest part of history that fits into a prompt: at most
// maxMessages messages whose texts have at most maxBytes bytes together. A limit of zero
// or less means no limit.
//
// The window always has the last user message and all that follows, whatever their size,
// because without them there is nothing to answer. Its first message that is not a system
// message is a user message: an answer whose question did not fit is left out. If history
// has no user message, the window is empty.
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

// lastUser returns the index of the last user message, or -1.
func lastUser(history []Message) int {
	for i := len(history) - 1; i >= 0; i-- {
		if history[i].Role == User {
			return i
		}
	}
	return -1
}

// fromFirstUser returns a copy of messages without the answers before the first user
// message.
func fromFirstUser(messages []Message) []Message {
	window := make([]Message, 0, len(messages))
	seenUser := false
	for _, m := range messages {
		seenUser = seenUser || m.Role == User
		if seenUser || m.Role == System {
			window = append(window, m)
		}
	}
	return window
}
