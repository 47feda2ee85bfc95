package follow

import (
	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/timeline"
)

// Sessions are the sessions that somebody follows. Whoever owns them sets the
// exported fields, and passes on what the connection tells: State, Event, and
// Cursors for each connect.
type Sessions struct {
	// Ask makes a request. read decodes the payload of its answer before done is
	// called, on the loop, with the error or nil. When the connection is lost, done
	// may be called with UNAVAILABLE or not at all.
	Call func(method string, params []byte, read func(*jsontext.Decoder), done func(*protocol.Error))

	// Tell runs f on the loop. Timers call it from other goroutines.
	OnLoop func(f func())

	// Changed is called when a session changed: with the steps by which its Log
	// changed, or with nil when Log is another as a whole, or Gone or Err changed.
	// Nothing is told before the session is Loaded, except an Err.
	Changed func(s *Session, changes []timeline.Change)

	ready       bool       // there is a connection to ask over
	pausedUntil clock.Time // the gateway takes no requests before
	list        []*Session // the most recently followed first; replaced, never changed
}

// Kind is whose a session is.
type Kind uint8

// The kinds.
const (
	OwnSession        Kind = iota // the user's, which need not exist yet
	OtherUsersSession             // another user's, whose events the gateway sends an admin on request
	NewSession                    // the user's, with a key just generated: nothing is there to load
)

// Find is the session of that key, or nil when it is not followed.
func (all *Sessions) Find(key string) *Session {
	for _, s := range all.list {
		if s.Key == key {
			return s
		}
	}
	return nil
}

// Follow follows a session, and puts it first. The transcript is loaded if it is
// not here; a session that rests or was refused is asked for anew.
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

// behind is a new list: a session and all others behind it.
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

// Rest notes that nobody looks at a session for now: it is kept up to date only
// as long as no history has to be read for that. Follow ends its rest.
func (all *Sessions) SetBackground(key string) {
	if s := all.Find(key); s != nil {
		s.background = true
	}
}

// Unfollow ends Follow. The Session is empty then, and of no more use.
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

// Cursors is how far the sessions have been read: client.Options.Resume.
func (all *Sessions) Cursors() []protocol.Cursor {
	var cursors []protocol.Cursor
	for _, s := range all.list {
		if s.resumes() {
			cursors = append(cursors, s.Log.Cursor())
		}
	}
	return cursors
}

// State follows the connection: client.Options.OnState.
func (all *Sessions) State(st client.State) {
	all.ready = st.Phase == client.Ready
	for _, s := range all.list {
		if all.ready && s.sessions != nil { // what is told may unfollow others
			s.connected(st.Resumed)
		}
	}
}

// Event takes an event of the connection, of any kind: client.Options.OnEvent.
// Whoever has read already of which session an event is, and that the event is no
// tick, may call Session.Event instead.
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

// Tick takes the payload of a tick, which tells how far the sessions' logs are.
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
