package session

import (
	"context"
	"crypto/sha256"
	"errors"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// RetryRequest asks for another answer in place of one that failed or was
// stopped. Its fields were checked for form.
type RetryRequest struct {
	RunID          string // whose answer it was
	IdempotencyKey string
	Stream         bool
}

// Retry queues a new run on the user message of one that did not complete; what
// that one said stays. Its event shows the message once more, as it is: Sent has
// the event's seq, the message in it its own. Nothing is stored when it refuses:
// as Send does, NOT_FOUND for a run that is not of the session, and
// FAILED_PRECONDITION when the run is active or completed, or its message was
// withdrawn or is being answered.
func (s *Service) Retry(ctx context.Context, a Access, r RetryRequest) (Sent, error) {
	// No message has this digest: it would not be UTF-8.
	digest := sha256.Sum256([]byte("\xffretry:" + r.RunID))
	var sent Sent
	err := s.update(ctx, a.key, func(c *change) (err error) {
		sent, err = c.once(a.caller, r.IdempotencyKey, digest, func() (Sent, error) { return c.retry(a, r) })
		return err
	})
	if err != nil {
		return Sent{}, err
	}
	return sent, nil
}

func (c *change) retry(a Access, r RetryRequest) (Sent, error) {
	if err := c.load(a); err != nil {
		return Sent{}, err
	}
	m, err := c.unanswered(r.RunID)
	if err != nil {
		return Sent{}, err
	}
	active, err := c.room(a.caller)
	if err != nil {
		return Sent{}, err
	}
	if err := c.show(m); err != nil {
		return Sent{}, err
	}
	return c.queue(c.newRun(a.caller, r.Stream), m.ID, active)
}

// unanswered gives the user message of a run that may be retried.
func (c *change) unanswered(runID string) (Message, error) {
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
		return Message{}, cannotRetry("this message was taken back: send it anew")
	}
	active, err := c.ActiveRuns(c.rec.ID)
	if err != nil {
		return Message{}, err
	}
	for _, other := range active {
		if other.UserMessageID == m.ID {
			return Message{}, cannotRetry("this message is being answered: wait for that, or abort it")
		}
	}
	return m, nil
}

func cannotRetry(why string) error { return protocol.Refuse(protocol.FailedPrecondition, why) }
