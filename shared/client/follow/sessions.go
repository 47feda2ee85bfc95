package follow

import (
	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/timeline"
)

// Sessions are the sessions that are followed. Their owner sets the exported fields
// before the first call, and connects them to a client: it calls State and Event, and
// sends Cursors with each connect.
type Sessions struct {
	// Call makes a request. It must call read to decode the payload of the answer, then done
	// with the error or nil, both on the loop. If the connection is lost, done may be
	// called with UNAVAILABLE, or not at all.
	Call func(method string, params []byte, read func(*jsontext.Decoder), done func(*protocol.Error))

	// OnLoop runs f on the loop. Timers call it from other goroutines.
	OnLoop func(f func())

	// Changed is called when a session has changed. changes are the changes of its Log,
	// or nil if all of Log is new, or Gone or Err has changed. Before the session is
	// Loaded, Changed is called for an Err only.
	Changed func(s *Session, changes []timeline.Change)

	ready       bool       // there is a connection
	pausedUntil clock.Time // until then the gateway refuses requests
	list        []*Session // the most recently followed first; never changed, only replaced
}

// Kind says whose session is followed.
type Kind uint8

// The kinds.
const (
	OwnSession        Kind = iota // a session of the user; it need not exist yet
	OtherUsersSession             // only admins get its events, and must ask (chat.watch)
	NewSession                    // a session of the user with a new key: nothing to load
)

// Find returns the session with that key, or nil if it is not followed.
func (all *Sessions) Find(key string) *Session {
	for _, s := range all.list {
		if s.Key == key {
			return s
		}
	}
	return nil
}

// Follow follows a session and makes it the first. It loads the transcript if that is
// needed, also if the session was in the background or had an Err.
func (all *Sessions) Follow(key string, kind Kind) *Session {
	s := all.Find(key)
	if s == nil {
		s = &Session{
			Key: key, Log: timeline.New(key), Loaded: kind == NewSession, Gone: kind == NewSession,
			sessions: all, ofOtherUser: kind == OtherUsersSession, live: kind != OtherUsersSession,
		}
	}
	all.list = all.withFirst(s)
	s.background, s.Err = false, nil
	s.requestBase()
	return s
}

// withFirst returns a new list: s, then all other sessions.
func (all *Sessions) withFirst(s *Session) []*Session {
	list := make([]*Session, len(all.list)+1)
	list[0] = s
	n := 1
	for _, o := range all.list {
		if o != s {
			list[n] = o
			n++
		}
	}
	return list[:n]
}

// SetBackground notes that nobody looks at a session for now: it is kept up to date only
// as long as that needs no history. Follow ends this.
func (all *Sessions) SetBackground(key string) {
	if s := all.Find(key); s != nil {
		s.background = true
	}
}

// Unfollow stops following a session. Its Session is empty then, and never changes again.
func (all *Sessions) Unfollow(key string) {
	if s := all.Find(key); s != nil {
		all.list = all.withFirst(s)[1:]
		s.clear(false)
		s.sessions = nil
	}
}

// Trim unfollows all but the most recently followed sessions.
func (all *Sessions) Trim(most int) {
	for len(all.list) > most {
		all.Unfollow(all.list[len(all.list)-1].Key)
	}
}

// Cursors returns how far the sessions are known. It is made for client.Options.Resume.
func (all *Sessions) Cursors() []protocol.Cursor {
	var cursors []protocol.Cursor
	for _, s := range all.list {
		if s.canResume() {
			cursors = append(cursors, s.Log.Cursor())
		}
	}
	return cursors
}

// State handles a change of the connection's state. It is made for
// client.Options.OnState.
func (all *Sessions) State(st client.State) {
	all.ready = st.Phase == client.Ready
	for _, s := range all.list {
		if all.ready && s.sessions != nil { // Changed may have unfollowed it
			s.connected(st.Resumed)
		}
	}
}

// Event handles an event of the connection, of any kind. It is made for
// client.Options.OnEvent. A caller that knows the event's session may call Session.Event
// instead, and Tick for ticks.
func (all *Sessions) Event(e protocol.Frame) {
	switch e.Event {
	case protocol.EventAgent, protocol.EventChat, protocol.EventSessionUpdated:
		key, _ := timeline.Peek(e.Payload)
		if s := all.Find(key); s != nil {
			s.Event(e)
		}
	case protocol.EventTick:
		all.Tick(e.Payload)
	}
}

// Tick handles the payload of a tick, which says how far the sessions' logs are.
func (all *Sessions) Tick(payload jsontext.Raw) {
	var t protocol.Tick
	if jsontext.Read(payload, t.DecodeJSON) != nil {
		return
	}
	for _, s := range all.list {
		if last := t.Sessions[s.Key]; last > 0 && !s.ignoresEvents() {
			s.Log.Tick(last)
			s.awaitGap()
		}
	}
}
