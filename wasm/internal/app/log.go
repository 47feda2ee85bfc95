package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/timeline"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// patience is how long a missing event may still be on its way.
const patience = 2 * clock.Second

// logged takes an event of a session's log.
func (c *chat) logged(f protocol.Frame) {
	key, kind := timeline.Peek(f.Payload)
	c.list.noteEvent(key, f.Event, kind, clock.Now())
	if kind != protocol.RunChunk {
		c.need(partList)
	}
	s := c.all[key]
	if s == nil || !s.loaded && s != c.shown {
		return
	}
	outcome, changes := s.log.Apply(timeline.Event{Name: f.Event, Seq: f.Seq, Payload: f.Payload})
	switch outcome {
	case timeline.Reset:
		c.heal(s)
	case timeline.Buffered:
		c.watchGap(s)
	case timeline.Applied:
		s.gap = clock.Time{} // patience begins anew with each step
		c.watchGap(s)
	}
	if s == c.shown && s.loaded {
		c.show(changes)
		c.caughtUp(s)
	}
}

// show marks for drawing what changed in the transcript on the screen.
func (c *chat) show(changes []timeline.Change) {
	for _, change := range changes {
		switch change.Kind {
		case timeline.Added, timeline.Replaced:
			c.need(partBody)
		case timeline.Activity:
			c.streaming()
		case timeline.Status:
			c.ended(change.MessageID)
			fallthrough
		default:
			c.changed[change.MessageID] = true
			c.need(partText)
		}
	}
}

// streaming marks the answer that is being written.
func (c *chat) streaming() {
	messages := c.shown.log.Messages()
	for i := len(messages) - 1; i >= 0; i-- {
		if messages[i].Status == protocol.StatusStreaming {
			c.changed[messages[i].ID] = true
			c.need(partText)
			return
		}
	}
}

// ended says aloud how an answer ended.
func (c *chat) ended(id string) {
	c.need(partForm)
	m := c.shown.log.Message(id)
	if m == nil || m.Role != protocol.FromAssistant {
		return
	}
	switch m.Status {
	case protocol.StatusComplete:
		view.Announce(c.doc, "The answer is complete.")
	case protocol.StatusAborted:
		view.Announce(c.doc, "The answer was stopped.")
	case protocol.StatusFailed:
		view.Announce(c.doc, "The answer failed: "+m.Error)
	}
}

// ticked learns how far the sessions' logs are.
func (c *chat) ticked(payload jsontext.Raw) {
	var t protocol.Tick
	if jsontext.Read(payload, t.DecodeJSON) != nil {
		return
	}
	for key, last := range t.Sessions {
		if s := c.all[key]; s != nil && s.loaded {
			s.log.Tick(last)
			c.watchGap(s)
		}
	}
}

func (c *chat) watchGap(s *session) {
	if _, open := s.log.Gap(); !open || !s.loaded {
		s.gap = clock.Time{}
	} else if s.gap.IsZero() {
		s.gap = clock.Now()
	}
}

// load asks for a session's transcript.
func (c *chat) load(s *session) {
	if s.loading || !c.ready() {
		return
	}
	s.loading = true
	known := s.known
	// As much as is shown, so that nothing goes away above the reader.
	limit := int64(min(max(len(s.log.Messages()), protocol.DefaultHistoryLimit), protocol.MaxHistoryLimit))
	var h protocol.ChatHistoryResult
	params := &protocol.ChatHistoryParams{SessionKey: s.key, Limit: &limit}
	c.look(protocol.MethodChatHistory, params.AppendJSON(nil), h.DecodeJSON, func(err *protocol.Error) {
		s.loading = false
		if c.over {
			return
		}
		if err != nil {
			c.notLoaded(s, err, known)
			return
		}
		at := s.log.Cursor()
		if !s.loaded || s.log.Stale() || at.Epoch != h.Epoch || at.AfterSeq != h.LastSeq {
			if !s.log.Load(h) {
				c.load(s) // it was read before the log became another one
				return
			}
		}
		s.loaded, s.known, s.gone = true, true, false
		if s.other != nil {
			c.watch(s)
		}
		c.loadedNow(s)
	})
}

// loadedNow shows what was loaded, if it is what the user wants to see.
func (c *chat) loadedNow(s *session) {
	if c.opening != "" && c.opening == s.key {
		c.display(s, c.push)
	}
	c.watchGap(s)
	c.caughtUp(s)
	c.need(partBody)
}

// notLoaded takes a refusal; known says whether the gateway had the session when
// it was asked.
func (c *chat) notLoaded(s *session, err *protocol.Error, known bool) {
	switch {
	case err.Code == protocol.NotFound && known:
		c.lost(s)
	case err.Code == protocol.NotFound && s.known:
		c.load(s) // a message has made it since
	case err.Code == protocol.NotFound:
		s.loaded = true // nobody has written there yet
		c.loadedNow(s)
	case client.Retryable(err):
		if c.ready() {
			s.gap = clock.Now() // tries again
		}
	default:
		c.problem(sentence(err))
	}
	if c.opening == s.key && !s.loaded {
		c.opening = ""
		c.win.Replace(markup.SessionPath(c.shown.key))
	}
	c.need(partBody)
}

// loadEarlier asks for the messages before the first one.
func (c *chat) loadEarlier(s *session) {
	before, more := s.log.Oldest()
	if !s.loaded || !more || s.earlier || !c.ready() {
		return
	}
	s.earlier = true
	c.need(partBody)
	var page protocol.ChatHistoryResult
	params := &protocol.ChatHistoryParams{SessionKey: s.key, Before: before}
	c.look(protocol.MethodChatHistory, params.AppendJSON(nil), page.DecodeJSON, func(err *protocol.Error) {
		s.earlier = false
		c.need(partBody)
		if err != nil {
			if !client.Retryable(err) {
				c.problem(sentence(err))
			}
			return
		}
		s.log.Prepend(before, page) // one that does not fit is asked for again by scrolling
	})
}
