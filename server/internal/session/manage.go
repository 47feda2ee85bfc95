package session

import (
	"context"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Inject adds a message of role system to a transcript; no run starts. It gives
// the message's id.
func (s *Service) Inject(ctx context.Context, a Access, message, label string) (string, error) {
	id := newID("msg-")
	err := s.update(ctx, a.key, func(c *change) error {
		if err := c.load(a); err != nil {
			return err
		}
		m := Message{Message: protocol.Message{
			ID: id, Role: protocol.FromSystem, Content: message, Status: protocol.StatusComplete, Label: label,
			CreatedAt: protocol.At(c.now), Author: c.author(a.caller),
		}}
		if err := c.message(&m); err != nil {
			return err
		}
		return c.saveTouched()
	})
	return id, err
}

// Patch changes what is not nil and gives the session as it is then.
func (s *Service) Patch(ctx context.Context, a Access, label *string, pinned *bool) (Record, error) {
	var rec Record
	err := s.update(ctx, a.key, func(c *change) error {
		if err := c.load(a); err != nil {
			return err
		}
		if label != nil {
			c.rec.Label = *label
		}
		if pinned != nil {
			c.rec.Pinned = *pinned
		}
		if err := c.updated(protocol.SessionPatched); err != nil {
			return err
		}
		rec = c.rec
		return c.SaveSession(&c.rec)
	})
	return rec, err
}

// Delete removes a session with its log; its runs end as cancelled. The key
// stays its owner's.
func (s *Service) Delete(ctx context.Context, a Access) error {
	return s.empty(ctx, a.key, by(a), (*change).delete)
}

// delete ends a session whose log was cleared.
func (c *change) delete() error {
	c.rec.DeletedAt = c.now
	gone := protocol.SessionUpdated{SessionKey: c.rec.Key, Change: protocol.SessionDeleted}
	c.events = append(c.events, Event{
		SessionKey: c.rec.Key, UserID: c.rec.UserID, Name: protocol.EventSessionUpdated, Payload: gone.AppendJSON(nil),
	})
	return c.SaveSession(&c.rec)
}

// Reset starts a session's log anew: another epoch, an empty transcript.
func (s *Service) Reset(ctx context.Context, a Access) (Record, error) {
	var rec Record
	err := s.empty(ctx, a.key, by(a), func(c *change) error {
		c.rec.UpdatedAt = c.now
		if err := c.updated(protocol.SessionReset); err != nil {
			return err
		}
		rec = c.rec
		return c.SaveSession(&c.rec)
	})
	return rec, err
}

// by loads a session for a caller.
func by(a Access) func(*change) error {
	return func(c *change) error { return c.load(a) }
}

// empty clears the log of the session that load gives, or refuses, and lets then
// say what is to be.
func (s *Service) empty(ctx context.Context, key string, load, then func(*change) error) error {
	unlock, err := s.locks.lock(ctx, key)
	if err != nil {
		return err
	}
	defer unlock()
	if err := s.trim(ctx, key, load); err != nil {
		return err
	}
	return s.commit(ctx, key, func(c *change) error {
		if err := load(c); err != nil {
			return err
		}
		if err := c.clear(); err != nil {
			return err
		}
		return then(c)
	})
}

// maxRemoved is how many events one transaction removes: others wait for it.
const maxRemoved = 2000

// trim removes a long log from its beginning, up to the run under way, in
// transactions that are short, so that little is left for the one that clears
// it. Should that never come, the session has its transcript still, and cursors
// that are from before get a reset.
func (s *Service) trim(ctx context.Context, key string, load func(*change) error) error {
	for more := true; more; {
		err := s.commit(ctx, key, func(c *change) (err error) {
			if err := load(c); err != nil {
				return err
			}
			more, err = c.trim()
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// trim removes some of a long log, and reports whether there is more.
func (c *change) trim() (more bool, err error) {
	if c.rec.LastSeq <= maxRemoved {
		return false, nil
	}
	through, err := c.beforeRun()
	if err != nil {
		return false, err
	}
	n, last, err := c.RemoveEvents(c.rec.ID, through, maxRemoved)
	if n == 0 || err != nil {
		return false, err
	}
	return n == maxRemoved, c.raise(last)
}

// beforeRun is the last seq before the answer that streams.
func (c *change) beforeRun() (int64, error) {
	active, err := c.ActiveRuns(c.rec.ID)
	if err != nil || len(active) == 0 || active[0].Status != RunRunning {
		return c.rec.LastSeq, err
	}
	answer, err := c.Message(c.rec.ID, active[0].AnswerID)
	return answer.Seq - 1, err
}

// raise saves that events up to and with last were removed.
func (c *change) raise(last int64) error {
	// Before it is so, since nobody is to be given from memory what is not there.
	c.tails.drop(c.rec.Key)
	c.rec.Floor = max(c.rec.Floor, last)
	return c.SaveSession(&c.rec)
}

// clear empties the session's log and gives it another epoch.
func (c *change) clear() error {
	c.tails.drop(c.rec.Key) // as in raise
	active, err := c.ActiveRuns(c.rec.ID)
	if err != nil {
		return err
	}
	for _, run := range active {
		c.ended = append(c.ended, Ended{RunID: run.ID, SessionKey: c.rec.Key, Outcome: Outcome{Status: RunCancelled}})
	}
	c.rec.LastSeq, c.rec.Floor, c.rec.Epoch, c.rec.Running = 0, 0, newEpoch(), false
	return c.ClearSession(c.rec.ID)
}
