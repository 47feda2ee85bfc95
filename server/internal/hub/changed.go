package hub

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

const (
	// changedInterval is how often admins are told at most.
	changedInterval = time.Second
	// changedDelay is how long the first change waits for others that come with it.
	changedDelay = 50 * time.Millisecond
)

// changes are the lists of admins that are not as they were, and of which nobody
// was told yet.
type changes struct {
	mu     sync.Mutex
	admins int // who would be told
	topics map[string]struct{}
	due    *time.Timer // nil: nothing is due
	last   time.Time   // when they were told
}

// Changed tells admins soon, and at most once a second, that a list of theirs is
// not as it was. It does not block.
func (h *Hub) Changed(topic string) {
	c := &h.changes
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.admins == 0 {
		return
	}
	if c.topics == nil {
		c.topics = map[string]struct{}{}
	}
	c.topics[topic] = struct{}{}
	if c.due == nil {
		wait := max(changedDelay, time.Until(c.last.Add(changedInterval)))
		c.due = time.AfterFunc(wait, h.tellChanged)
	}
}

func (h *Hub) tellChanged() {
	c := &h.changes
	c.mu.Lock()
	topics := slices.Sorted(maps.Keys(c.topics))
	c.topics, c.due, c.last = nil, nil, time.Now()
	c.mu.Unlock()
	if len(topics) == 0 {
		return // they have left meanwhile
	}
	h.ToAdmins(protocol.EventAdminChanged, &protocol.AdminChanged{Topics: topics})
}

// count notes that a member came (1) or went (-1).
func (c *changes) count(m *Member, n int) {
	if !m.Role.Allows(protocol.Admin) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.admins += n; c.admins == 0 && c.due != nil {
		c.due.Stop()
		c.due, c.topics = nil, nil
	}
}

// listed reports whether lists of sessions show what the event tells.
func listed(e *session.Event) bool {
	switch e.Kind {
	case protocol.RunChunk, protocol.RunThinking, protocol.RunActivity, protocol.RunToolCall, protocol.RunToolRes:
		return false
	}
	return true
}
