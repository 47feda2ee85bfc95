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
	// changedInterval is the least time between two admin.changed events.
	changedInterval = time.Second
	// changedDelay is how long the first change waits for others that come with it.
	changedDelay = 50 * time.Millisecond
)

// adminLists collects which lists of the admin pages have changed since admins
// were last notified.
type adminLists struct {
	// mu guards the following fields.
	mu     sync.Mutex
	admins int // members to notify
	topics map[string]struct{}
	timer  *time.Timer // runs sendTopics; nil: no notification is due
	last   time.Time   // of the last notification
}

// NotifyAdmins notifies admins soon, and at most once a second, that one of their lists
// has changed; topic is one of protocol.Topic…. It does not block.
func (h *Hub) NotifyAdmins(topic string) {
	l := &h.adminLists
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.admins == 0 {
		return
	}
	if l.topics == nil {
		l.topics = map[string]struct{}{}
	}
	l.topics[topic] = struct{}{}
	if l.timer == nil {
		wait := max(changedDelay, time.Until(l.last.Add(changedInterval)))
		l.timer = time.AfterFunc(wait, h.sendTopics)
	}
}

func (h *Hub) sendTopics() {
	l := &h.adminLists
	l.mu.Lock()
	topics := slices.Sorted(maps.Keys(l.topics))
	l.topics, l.timer, l.last = nil, nil, time.Now()
	l.mu.Unlock()
	if len(topics) == 0 {
		return // all admins have left meanwhile
	}
	h.SendToAdmins(protocol.EventAdminChanged, &protocol.AdminChanged{Topics: topics})
}

// count counts a member that has joined (n is 1) or left (n is -1), if it is an
// admin.
func (l *adminLists) count(m *Member, n int) {
	if !m.isAdmin() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.admins += n; l.admins == 0 && l.timer != nil {
		l.timer.Stop()
		l.timer, l.topics = nil, nil
	}
}

// changesLists reports whether the event changes what a list of sessions shows.
func changesLists(e *session.Event) bool {
	switch e.Kind {
	case protocol.RunChunk, protocol.RunThinking, protocol.RunActivity,
		protocol.RunToolCall, protocol.RunToolResult:
		return false
	}
	return true
}
