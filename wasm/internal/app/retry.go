package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// retry asks for another answer in the place of one that failed or was stopped.
// Until the gateway has said what became of that, it is asked under the same key,
// so that however often there is one new answer.
func (c *chat) retryRun(id string) {
	s := c.shown
	failed := s.log.Message(id)
	switch {
	case failed == nil || failed.RunID == "" || s.retrying || !c.mayWrite():
		return
	case failed.Status != protocol.StatusFailed && failed.Status != protocol.StatusAborted:
		return
	case !c.reached():
		c.problem("There is no connection right now. Try again when it is back.")
		return
	}
	run := failed.RunID
	if s.retries[run] == "" {
		s.retries[run] = hexOf(c.randomBytes(16))
	}
	s.retrying = true
	var result protocol.ChatSendResult
	params := &protocol.ChatRetryParams{
		SessionKey: s.key, RunID: run, IdempotencyKey: s.retries[run], Ack: protocol.AckAccepted,
	}
	c.call(protocol.MethodChatRetry, params.AppendJSON(nil), result.DecodeJSON, func(err *protocol.Error) {
		s.retrying = false
		switch {
		case err == nil:
			delete(s.retries, run)
		case c.ended:
		case err.Code == protocol.Unavailable:
			c.problem("It is not certain that another answer is coming: " + errorText(err) + ". Trying again makes no second one.")
		default:
			delete(s.retries, run)
			c.problem("The answer could not be asked for again: " + errorText(err))
		}
	})
}
