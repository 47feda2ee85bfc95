package follow

import (
	"slices"

	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/timeline"
)

// Follower is a client that follows sessions.
type Follower struct {
	// Client is the connection: it is for the program to start and to stop, and to
	// make requests with.
	Client *client.Client

	changed  func(*Session, []timeline.Change)
	ready    bool
	sessions []*Session // those that were followed last come first
}

// New makes a Follower of the client that the options describe; their Resume is
// filled in, their OnState and OnEvent are told what they always are, after the
// sessions took it. changed is a callback too: it is told what changed in a
// session's Log, or nil when it was loaded anew, or the session's Gone or Err
// changed.
func New(o client.Options, changed func(s *Session, changes []timeline.Change)) *Follower {
	f := &Follower{changed: changed}
	onState, onEvent := o.OnState, o.OnEvent
	o.Resume = f.cursors
	o.OnState = func(s client.State) {
		f.state(s)
		if onState != nil {
			onState(s)
		}
	}
	o.OnEvent = func(e protocol.Frame) {
		f.event(e)
		if onEvent != nil {
			onEvent(e)
		}
	}
	f.Client = client.New(o)
	return f
}

// Follow begins to follow a session, which need not exist yet. What came of it
// is told when it is known. It may be called from anywhere, as may Unfollow.
//
// The gateway sends a user the events of their own sessions; an admin who follows
// somebody else's asks for them with chat.watch.
func (f *Follower) Follow(key string) {
	f.Client.Tell(func() {
		s := f.Session(key)
		if s == nil {
			s = &Session{Key: key, Log: timeline.New(key), follower: f}
		} else {
			f.remove(s)
		}
		f.sessions = slices.Insert(f.sessions, 0, s)
		s.heal()
	})
}

// Unfollow ends that.
func (f *Follower) Unfollow(key string) {
	f.Client.Tell(func() {
		if s := f.Session(key); s != nil {
			f.remove(s)
			s.follower = nil
		}
	})
}

func (f *Follower) remove(s *Session) {
	f.sessions = slices.DeleteFunc(f.sessions, func(o *Session) bool { return o == s })
}

// Session is the one of that key, or nil when it is not followed. Only a callback
// may ask.
func (f *Follower) Session(key string) *Session {
	for _, s := range f.sessions {
		if s.Key == key {
			return s
		}
	}
	return nil
}

func (f *Follower) cursors() []protocol.Cursor {
	var cursors []protocol.Cursor
	for _, s := range f.sessions {
		if s.resumes() {
			cursors = append(cursors, s.Log.Cursor())
		}
	}
	return cursors
}

func (f *Follower) state(st client.State) {
	f.ready = st.Phase == client.Ready
	if !f.ready {
		return
	}
	for _, s := range f.sessions {
		s.connected(st.Resumed)
	}
}

func (f *Follower) event(e protocol.Frame) {
	switch e.Event {
	case protocol.EventAgent, protocol.EventChat, protocol.EventSessionUpdated:
		key, _ := timeline.Peek(e.Payload)
		if s := f.Session(key); s != nil {
			s.event(e)
		}
	case protocol.EventTick:
		var t protocol.Tick
		if jsontext.Read(e.Payload, t.DecodeJSON) != nil {
			return
		}
		for key, last := range t.Sessions {
			if s := f.Session(key); s != nil {
				s.Log.Tick(last)
				s.watchGap()
			}
		}
	}
}
