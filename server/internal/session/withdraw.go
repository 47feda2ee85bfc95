package session

import (
	"context"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Withdraw cancels queued runs of a session: the run runID, or all if runID is empty. It
// returns the cancelled runs. If one of the named runs is running, Withdraw does not stop
// it, but returns its id: its Runner must abort it.
func (s *Service) Withdraw(ctx context.Context, a Access,
	runID string) (withdrawn []string, running string, err error) {
	err = s.update(ctx, a.key, func(c *change) error {
		withdrawn, running = nil, ""
		if err := c.load(a); err != nil {
			return err
		}
		active, err := c.ActiveRuns(c.rec.ID)
		if err != nil {
			return err
		}
		for _, run := range active {
			switch {
			case runID != "" && run.ID != runID:
				continue
			case run.Status == RunRunning:
				running = run.ID
				continue
			}
			if err := c.withdraw(run); err != nil {
				return err
			}
			withdrawn = append(withdrawn, run.ID)
		}
		if len(withdrawn) == 0 {
			return nil
		}
		return c.saveTouched()
	})
	if err != nil {
		return nil, "", err
	}
	return withdrawn, running, nil
}

// withdraw cancels a queued run, and withdraws its message.
func (c *change) withdraw(run Run) error {
	m, err := c.Message(run.SessionID, run.UserMessageID)
	if err != nil {
		return err
	}
	// The message of a retry is not withdrawn: it was answered before.
	if m.RunID == run.ID {
		m.Status = protocol.StatusWithdrawn
		if err := c.SaveMessage(run.SessionID, m); err != nil {
			return err
		}
	}
	run.Status, run.EndedAt, run.EndSeq = RunCancelled, c.now, c.rec.LastSeq+1
	if err := c.SaveRun(run); err != nil {
		return err
	}
	c.ended = append(c.ended,
		Ended{RunID: run.ID, SessionKey: c.rec.Key, Outcome: Outcome{Status: RunCancelled}})
	return c.appendAgent(protocol.RunCancelled, run, &protocol.RunCancelledPayload{})
}
