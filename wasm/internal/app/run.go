package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// retryRun asks for another answer instead of one that failed or was stopped. It uses the
// same idempotency key until the gateway has answered, so that asking again after a lost
// connection makes no second answer.
func (c *chat) retryRun(id string) {
	s := c.shown
	failed := s.log.Message(id)
	switch {
	case failed == nil || failed.RunID == "" || s.retrying || !c.mayWrite():
		return
	case failed.Status != protocol.StatusFailed && failed.Status != protocol.StatusAborted:
		return
	case !c.reachable():
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
	c.call(protocol.MethodChatRetry, params.AppendJSON(nil), result.DecodeJSON,
		func(err *protocol.Error) {
			s.retrying = false
			switch {
			case err == nil:
				delete(s.retries, run)
			case c.ended:
			case err.Code == protocol.Unavailable:
				c.problem("It is not certain that another answer is coming: " + errorText(err) +
					". You can try again: there will be only one answer.")
			default:
				delete(s.retries, run)
				c.problem("The answer could not be asked for again: " + errorText(err))
			}
		})
}

// stop aborts the run that is under way, or else the queued ones.
func (c *chat) stop() {
	run, _ := c.shown.log.Running()
	c.abort(run)
}

// abort aborts a run of the session on the screen, or all of them if run is "".
func (c *chat) abort(run string) {
	var result protocol.ChatAbortResult
	params := &protocol.ChatAbortParams{SessionKey: c.shown.key, RunID: run}
	c.call(protocol.MethodChatAbort, params.AppendJSON(nil), result.DecodeJSON,
		func(err *protocol.Error) {
			if err != nil {
				c.problem("The answer could not be stopped: " + errorText(err))
			}
		})
}
