package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/client/follow"
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/timeline"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// handleLogEvent handles an event of a session's log.
func (c *chat) handleLogEvent(f protocol.Frame) {
	key, kind := timeline.Peek(f.Payload)
	c.list.recordEvent(key, f.Event, kind, clock.Now())
	if kind != protocol.RunChunk {
		c.redraw(partList)
	}
	if s := c.followedSessions.Find(key); s != nil {
		s.Event(f)
	}
}

// sessionChanged is called when a followed session has changed; see
// follow.Sessions.Changed.
func (c *chat) sessionChanged(f *follow.Session, changes []timeline.Change) {
	s := c.opened[f.Key]
	if s == nil || s.followed != f {
		return
	}
	if changes != nil {
		if s == c.shown {
			c.redrawChanges(changes)
		}
		return
	}
	c.redraw(partBody)
	opening := c.opening != "" && c.opening == s.key
	switch {
	case f.Err != nil && f.Loaded:
		c.problem("This chat is not kept up to date: " + errorText(f.Err))
	case f.Err != nil:
		c.problem(errorText(f.Err))
		if opening {
			c.cancelOpening()
		}
		return
	case !f.Gone:
		s.existed, s.gone = true, false
	case s.existed:
		c.markGone(s)
	default: // a session without messages yet
	}
	if opening {
		c.display(s, c.pushOnOpen)
	}
}

// markGone notes that a session was deleted.
func (c *chat) markGone(s *session) {
	s.gone = true
	c.list.remove(s.key)
	c.outboxSessionDeleted(s.key, false)
}

// redrawChanges has the changed messages of the transcript on the screen drawn again.
func (c *chat) redrawChanges(changes []timeline.Change) {
	for _, change := range changes {
		switch change.Kind {
		case timeline.Added, timeline.Replaced:
			c.redraw(partBody)
		case timeline.Activity:
			c.redrawStreaming()
		case timeline.Status:
			c.announceEnd(change.MessageID)
			fallthrough
		default:
			c.changed[change.MessageID] = true
			c.redraw(partText)
		}
	}
}

// redrawStreaming has the answer that is being written drawn again.
func (c *chat) redrawStreaming() {
	messages := c.shown.log.Messages()
	for i := len(messages) - 1; i >= 0; i-- {
		if messages[i].Status == protocol.StatusStreaming {
			c.changed[messages[i].ID] = true
			c.redraw(partText)
			return
		}
	}
}

// announceEnd tells assistive technology how an answer has ended.
func (c *chat) announceEnd(id string) {
	c.redraw(partForm)
	m := c.shown.log.Message(id)
	if m == nil || m.Role != protocol.FromAssistant {
		return
	}
	switch m.Status {
	case protocol.StatusComplete:
		if m.Finish == "" || m.Finish == protocol.FinishStop {
			view.Announce(c.doc, "The answer is complete.")
		} else {
			view.Announce(c.doc, "The answer stopped early.")
		}
	case protocol.StatusAborted:
		view.Announce(c.doc, "The answer was stopped.")
	case protocol.StatusFailed:
		view.Announce(c.doc, "The answer failed: "+m.Error)
	}
}

// loadEarlier loads the messages before the first one.
func (c *chat) loadEarlier(s *session) {
	if s.followed == nil {
		return
	}
	s.followed.Earlier(func(err *protocol.Error) {
		c.redraw(partBody)
		if err != nil && !client.Retryable(err) {
			c.problem(errorText(err))
		}
	})
	c.redraw(partBody)
}
