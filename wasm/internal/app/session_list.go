package app

import (
	"slices"

	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/words"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// sessionList is the list of the user's sessions, in the order of the page: pinned ones
// first, then the one with the latest activity.
type sessionList struct {
	sessions []*protocol.Session
	loaded   bool
	filter   string
}

func (l *sessionList) set(sessions []protocol.Session) {
	l.sessions, l.loaded = nil, true
	for i := range sessions {
		l.put(&sessions[i])
	}
}

func (l *sessionList) find(key string) *protocol.Session {
	for _, s := range l.sessions {
		if s.Key == key {
			return s
		}
	}
	return nil
}

// put inserts a session at its place, instead of the entry that it has already.
func (l *sessionList) put(s *protocol.Session) {
	l.remove(s.Key)
	at := 0
	for at < len(l.sessions) && !listedBefore(s, l.sessions[at]) {
		at++
	}
	l.sessions = slices.Insert(l.sessions, at, s)
}

func listedBefore(a, b *protocol.Session) bool {
	if a.Pinned != b.Pinned {
		return a.Pinned
	}
	return a.UpdatedAt > b.UpdatedAt
}

func (l *sessionList) remove(key string) {
	l.sessions = slices.DeleteFunc(l.sessions, func(s *protocol.Session) bool { return s.Key == key })
}

// label returns what a session is called on the page.
func (l *sessionList) label(key string) string {
	if s := l.find(key); s != nil {
		return words.Session(s.Label)
	}
	return words.NewSession
}

// recordEvent updates the activity of a session from an event of its log, since the
// gateway sends session.updated less often.
func (l *sessionList) recordEvent(key, event, kind string, now clock.Time) {
	s := l.find(key)
	if s == nil {
		return
	}
	switch kind {
	case protocol.RunStarted:
		s.IsRunning = true
	case protocol.RunCompleted, protocol.RunFailed, protocol.RunCancelled:
		s.IsRunning = false
	default:
		if event != protocol.EventChat {
			return
		}
	}
	s.UpdatedAt = max(s.UpdatedAt, protocol.At(now))
	l.put(s)
}

// withUnsent returns the sessions, with those first that exist only in the outbox yet.
func (l *sessionList) withUnsent(messages []*client.Outgoing) []*protocol.Session {
	all := l.sessions[:len(l.sessions):len(l.sessions)]
	for _, m := range messages {
		known := m.Refused != nil || !l.loaded
		for _, s := range all {
			known = known || s.Key == m.SessionKey
		}
		if !known {
			all = slices.Insert(all, 0, &protocol.Session{Key: m.SessionKey, UpdatedAt: m.At})
		}
	}
	return all
}

// views returns the list as the page shows it. out is what the outbox has for the user's
// own sessions, current the key of the session on the screen; link is basePage.link.
func (l *sessionList) views(
	out []*client.Outgoing, current string, now clock.Time, matches func(label, filter string) bool,
	link func(path string) string,
) []view.Session {
	sessions := l.withUnsent(out)
	list := make([]view.Session, len(sessions))
	for i, s := range sessions {
		label := words.Session(s.Label)
		list[i] = view.Session{
			Key:     s.Key,
			Href:    link(markup.SessionPath(s.Key)),
			Label:   label,
			Time:    view.Ago(s.UpdatedAt, protocol.At(now)),
			Running: s.IsRunning,
			Pinned:  s.Pinned,
			Current: s.Key == current,
			Hidden:  l.filter != "" && !matches(label, l.filter),
		}
	}
	return list
}

// maxListed is how many sessions the list shows at most.
const maxListed = 1000

// loadSessions loads the whole list, page by page.
func (c *chat) loadSessions() { c.loadSessionsFrom("", nil) }

func (c *chat) loadSessionsFrom(cursor string, before []protocol.Session) {
	limit := int64(protocol.MaxListLimit)
	var result protocol.SessionsListResult
	params := &protocol.SessionsListParams{Limit: &limit, Cursor: cursor}
	c.query(protocol.MethodSessionsList, params.AppendJSON(nil), result.DecodeJSON,
		func(err *protocol.Error) {
			if err != nil || c.ended {
				return
			}
			all := append(before, result.Sessions...)
			if result.Cursor != "" && len(all) < maxListed {
				c.loadSessionsFrom(result.Cursor, all)
				return
			}
			c.list.set(all)
			c.redraw(partBody)
		})
}
