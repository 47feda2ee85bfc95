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

func (d *sessionList) set(sessions []protocol.Session) {
	d.sessions, d.loaded = nil, true
	for i := range sessions {
		d.put(&sessions[i])
	}
}

func (d *sessionList) find(key string) *protocol.Session {
	for _, s := range d.sessions {
		if s.Key == key {
			return s
		}
	}
	return nil
}

// put inserts a session at its place, instead of the entry that it has already.
func (d *sessionList) put(s *protocol.Session) {
	d.remove(s.Key)
	at := 0
	for at < len(d.sessions) && !listedBefore(s, d.sessions[at]) {
		at++
	}
	d.sessions = slices.Insert(d.sessions, at, s)
}

func listedBefore(a, b *protocol.Session) bool {
	if a.Pinned != b.Pinned {
		return a.Pinned
	}
	return a.UpdatedAt > b.UpdatedAt
}

func (d *sessionList) remove(key string) {
	d.sessions = slices.DeleteFunc(d.sessions, func(s *protocol.Session) bool { return s.Key == key })
}

// label returns what a session is called on the page.
func (d *sessionList) label(key string) string {
	if s := d.find(key); s != nil {
		return words.Session(s.Label)
	}
	return words.NewSession
}

// recordEvent updates the activity of a session from an event of its log, since the
// gateway sends session.updated less often.
func (d *sessionList) recordEvent(key, event, kind string, now clock.Time) {
	s := d.find(key)
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
	d.put(s)
}

// withUnsent returns the sessions, with those first that exist only in the outbox yet.
func (d *sessionList) withUnsent(messages []*client.Outgoing) []*protocol.Session {
	all := d.sessions[:len(d.sessions):len(d.sessions)]
	for _, m := range messages {
		known := m.Refused != nil || !d.loaded
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
// own sessions, current the key of the session on the screen.
func (d *sessionList) views(
	out []*client.Outgoing, current string, now clock.Time, matches func(label, filter string) bool,
) []view.Session {
	sessions := d.withUnsent(out)
	list := make([]view.Session, len(sessions))
	for i, s := range sessions {
		label := words.Session(s.Label)
		list[i] = view.Session{
			Key:     s.Key,
			Href:    markup.SessionPath(s.Key),
			Label:   label,
			Time:    view.Ago(s.UpdatedAt, protocol.At(now)),
			Running: s.IsRunning,
			Pinned:  s.Pinned,
			Current: s.Key == current,
			Hidden:  d.filter != "" && !matches(label, d.filter),
		}
	}
	return list
}
