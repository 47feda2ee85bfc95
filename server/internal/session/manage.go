package session

import (
	"context"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Inject adds a message of role system to a transcript; no run starts. It gives
// the message's id.
func (s *Service) Inject(ctx context.Context, caller Caller, key, message, label string) (string, error) {
	m := Message{Message: protocol.Message{
		ID: newID("msg-"), Role: protocol.FromSystem, Content: message, Status: protocol.StatusComplete, Label: label,
	}}
	err := s.update(ctx, key, func(c *change) error {
		if err := c.load(key, caller); err != nil {
			return err
		}
		m.CreatedAt, m.Author = protocol.At(c.now), c.author(caller)
		if err := c.message(&m); err != nil {
			return err
		}
		return c.saveTouched()
	})
	return m.ID, err
}

// Patch changes what is not nil and gives the session as it is then.
func (s *Service) Patch(ctx context.Context, caller Caller, key string, label *string, pinned *bool) (Record, error) {
	var rec Record
	err := s.update(ctx, key, func(c *change) error {
		if err := c.load(key, caller); err != nil {
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
func (s *Service) Delete(ctx context.Context, caller Caller, key string) error {
	return s.update(ctx, key, func(c *change) error {
		if err := c.load(key, caller); err != nil {
			return err
		}
		if err := c.clear(); err != nil {
			return err
		}
		c.rec.DeletedAt = c.now
		gone := protocol.SessionUpdated{SessionKey: key, Change: protocol.SessionDeleted}
		c.tell(StoredEvent{Name: protocol.EventSessionUpdated, Payload: gone.AppendJSON(nil)})
		return c.SaveSession(&c.rec)
	})
}

// Reset starts a session's log anew: another epoch, an empty transcript.
func (s *Service) Reset(ctx context.Context, caller Caller, key string) (Record, error) {
	var rec Record
	err := s.update(ctx, key, func(c *change) error {
		if err := c.load(key, caller); err != nil {
			return err
		}
		if err := c.clear(); err != nil {
			return err
		}
		c.rec.UpdatedAt = c.now
		if err := c.updated(protocol.SessionReset); err != nil {
			return err
		}
		rec = c.rec
		return c.SaveSession(&c.rec)
	})
	return rec, err
}

// clear empties the session's log and gives it another epoch.
func (c *change) clear() error {
	active, err := c.ActiveRuns(c.rec.ID)
	if err != nil {
		return err
	}
	for _, run := range active {
		c.ended = append(c.ended, Ended{RunID: run.ID, SessionKey: c.rec.Key, Outcome: Outcome{Status: RunCancelled}})
	}
	c.rec.LastSeq, c.rec.Epoch, c.rec.Running = 0, newEpoch(), false
	return c.ClearSession(c.rec.ID)
}
