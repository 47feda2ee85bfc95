package session

import (
	"context"
	"crypto/sha256"
	"errors"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// RetryRequest asks for another answer after one that failed or was stopped. The form of
// its fields must have been checked.
type RetryRequest struct {
	RunID          string // the run that failed or was stopped
	IdempotencyKey string // as in SendRequest
	Stream         bool   // as in SendRequest
}

// Retry queues a new run for the message of a run that did not complete. The old answer
// stays. An event shows the message again: Sent has the seq of that event, not the seq of
// the message.
//
// If Retry refuses, nothing is stored. It refuses as Send does, with NOT_FOUND if the
// session has no such run, and with FAILED_PRECONDITION if the run is active or
// completed, or its message was withdrawn or is being answered.
func (s *Service) Retry(ctx context.Context, a Access, r RetryRequest) (Sent, error) {
	// No message has this digest, because its text would not be UTF-8.
	digest := sha256.Sum256([]byte("\xffretry:" + r.RunID))
	var sent Sent
	err := s.update(ctx, a.key, func(c *change) (err error) {
		sent, err = c.once(a.caller, r.IdempotencyKey, digest,
			func() (Sent, error) { return c.retry(a, r) })
		return err
	})
	if err != nil {
		return Sent{}, err
	}
	return sent, nil
}

// retry is the transaction of Retry.
func (c *change) retry(a Access, r RetryRequest) (Sent, error) {
	if err := c.load(a); err != nil {
		return Sent{}, err
	}
	m, err := c.retryable(r.RunID)
	if err != nil {
		return Sent{}, err
	}
	active, err := c.checkLimits(a.caller)
	if err != nil {
		return Sent{}, err
	}
	if err := c.appendMessage(m); err != nil {
		return Sent{}, err
	}
	return c.queue(c.newRun(a.caller, r.Stream), m.ID, active)
}

// retryable returns the message of a run that may be retried.
func (c *change) retryable(runID string) (Message, error) {
	run, err := c.Run(runID)
	switch {
	case errors.Is(err, store.ErrNotFound) || err == nil && run.SessionID != c.rec.ID:
		return Message{}, protocol.Refuse(protocol.NotFound, "runId: this session has no such run")
	case err != nil:
		return Message{}, err
	case run.Status.Active():
		return Message{}, cannotRetry("this run has not ended: wait for its answer, or abort it")
	case run.Status == RunCompleted:
		return Message{}, cannotRetry("this run has answered: send a message to ask again")
	}
	m, err := c.Message(c.rec.ID, run.UserMessageID)
	if err != nil {
		return Message{}, err
	}
	if m.Status == protocol.StatusWithdrawn {
		return Message{}, cannotRetry("this message was withdrawn: send it again")
	}
	active, err := c.ActiveRuns(c.rec.ID)
	if err != nil {
		return Message{}, err
	}
	for _, other := range active {
		if other.UserMessageID == m.ID {
			return Message{}, cannotRetry("this message is being answered: " +
				"wait for that, or abort it")
		}
	}
	return m, nil
}

func cannotRetry(why string) error { return protocol.Refuse(protocol.FailedPrecondition, why) }
