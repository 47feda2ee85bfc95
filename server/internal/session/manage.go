package session

import (
	"context"
	"strings"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Injected is the result of Inject.
type Injected struct {
	MessageID string
	Owner     string // of the session
}

// Inject adds a system message to a transcript, without a run.
func (s *Service) Inject(ctx context.Context, a Access, message, label string) (Injected, error) {
	injected := Injected{MessageID: newID("msg-")}
	err := s.update(ctx, a.key, func(c *change) error {
		if err := c.load(a); err != nil {
			return err
		}
		m := Message{Message: protocol.Message{
			ID: injected.MessageID, Role: protocol.FromSystem, Content: message, Status: protocol.StatusComplete,
			Label:     label,
			CreatedAt: protocol.At(c.now), Author: c.author(a.caller),
		}}
		if err := c.addMessage(&m); err != nil {
			return err
		}
		injected.Owner = c.rec.UserID
		return c.saveTouched()
	})
	return injected, err
}

// Patch sets the label and the pin, if they are not nil, and returns the session.
func (s *Service) Patch(ctx context.Context, a Access, label *string,
	pinned *bool) (Record, error) {
	var rec Record
	err := s.update(ctx, a.key, func(c *change) error {
		if err := c.load(a); err != nil {
			return err
		}
		if label != nil {
			c.rec.Label = strings.TrimSpace(*label)
		}
		if pinned != nil {
			c.rec.Pinned = *pinned
		}
		if err := c.appendUpdated(protocol.SessionPatched); err != nil {
			return err
		}
		rec = c.rec
		return c.SaveSession(&c.rec)
	})
	return rec, err
}

// Delete deletes a session with its log, and cancels its runs. The key still belongs to
// the owner: only the owner, or an admin for the owner, can use it again.
func (s *Service) Delete(ctx context.Context, a Access) error {
	return s.clear(ctx, a.key, loader(a), (*change).delete)
}

// delete marks a session as deleted. The log must have been cleared.
func (c *change) delete() error {
	c.rec.DeletedAt = c.now
	update := protocol.SessionUpdated{SessionKey: c.rec.Key, Change: protocol.SessionDeleted}
	c.events = append(c.events, Event{
		SessionKey: c.rec.Key, UserID: c.rec.UserID, Name: protocol.EventSessionUpdated,
		Payload: update.AppendJSON(nil),
	})
	return c.SaveSession(&c.rec)
}

// Reset clears the log and the transcript of a session, and gives it a new epoch.
func (s *Service) Reset(ctx context.Context, a Access) (Record, error) {
	var rec Record
	err := s.clear(ctx, a.key, loader(a), func(c *change) error {
		c.rec.UpdatedAt = c.now
		if err := c.appendUpdated(protocol.SessionReset); err != nil {
			return err
		}
		rec = c.rec
		return c.SaveSession(&c.rec)
	})
	return rec, err
}

// loader returns a function that loads the session of an Access.
func loader(a Access) func(*change) error {
	return func(c *change) error { return c.load(a) }
}

// clear loads the session with load, which may refuse, clears the log, and calls then.
// All this is one transaction, except that trim has shortened a long log before.
func (s *Service) clear(ctx context.Context, key string, load, then func(*change) error) error {
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

// maxRemoved limits how many events one transaction removes, so that transactions are
// short.
const maxRemoved = 2000

// trim removes most of a long log in short transactions, up to the running run, so that
// the transaction that clears the log is short, too. If that transaction fails, the
// session still has its transcript, and older cursors get a reset.
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

// trim removes up to maxRemoved events of a long log, and reports whether there are more.
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
	return n == maxRemoved, c.setFloor(last)
}

// beforeRun returns the last seq before the streaming answer, or the last one of the log.
func (c *change) beforeRun() (int64, error) {
	active, err := c.ActiveRuns(c.rec.ID)
	if err != nil || len(active) == 0 || active[0].Status != RunRunning {
		return c.rec.LastSeq, err
	}
	answer, err := c.Message(c.rec.ID, active[0].AnswerID)
	return answer.Seq - 1, err
}

// setFloor stores that events up to last were removed.
func (c *change) setFloor(last int64) error {
	// The tail is dropped before the commit, so that no removed event is read from it.
	c.tails.drop(c.rec.Key)
	c.rec.Floor = max(c.rec.Floor, last)
	return c.SaveSession(&c.rec)
}

// clear clears the log and gives it a new epoch.
func (c *change) clear() error {
	c.tails.drop(c.rec.Key) // as in setFloor
	active, err := c.ActiveRuns(c.rec.ID)
	if err != nil {
		return err
	}
	for _, run := range active {
		c.ended = append(c.ended,
			Ended{RunID: run.ID, SessionKey: c.rec.Key, Outcome: Outcome{Status: RunCancelled}})
	}
	c.rec.LastSeq, c.rec.Floor, c.rec.Epoch = 0, 0, newEpoch()
	c.rec.Messages, c.rec.Running = 0, false
	return c.ClearSession(c.rec.ID)
}
