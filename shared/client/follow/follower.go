package follow

import (
	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/timeline"
)

// Follower is a client that follows sessions, and calls a function when one has changed.
//
// A Session may be read only in callbacks: see Concurrency in package client.
// [client.Client.RunInCallback] runs any function as a callback.
type Follower struct {
	// Client is the connection. The program starts and stops it, and may make requests.
	Client *client.Client

	sessions Sessions
}

// New makes a Follower and the client that the options describe. It replaces their
// Resume. Their OnState and OnEvent are called as usual, after the sessions have handled
// the state or event. changed is called, as a callback, when a session has changed: see
// Sessions.Changed.
func New(o client.Options, changed func(s *Session, changes []timeline.Change)) *Follower {
	f := &Follower{}
	f.sessions.Call, f.sessions.Changed = f.call, changed
	f.sessions.OnLoop = func(run func()) { f.Client.RunInCallback(run) }
	onState, onEvent := o.OnState, o.OnEvent
	o.Resume = f.sessions.Cursors
	o.OnState = func(s client.State) {
		f.sessions.State(s)
		if onState != nil {
			onState(s)
		}
	}
	o.OnEvent = func(e protocol.Frame) {
		f.sessions.Event(e)
		if onEvent != nil {
			onEvent(e)
		}
	}
	f.Client = client.New(o)
	return f
}

func (f *Follower) call(method string, params []byte, read func(*jsontext.Decoder),
	done func(*protocol.Error)) {
	f.Client.Call(method, client.Encoded(params), func(payload jsontext.Raw, err *protocol.Error) {
		if err == nil && jsontext.Read(payload, read) != nil {
			err = protocol.Refuse(protocol.Internal, "the gateway's answer cannot be read")
		}
		done(err)
	})
}

// Follow starts to follow a session of the user, which need not exist yet. The result is
// reported by the function that New was given. Follow, Watch and Unfollow may be called
// from any goroutine.
func (f *Follower) Follow(key string) {
	f.Client.RunInCallback(func() { f.sessions.Follow(key, OwnSession) })
}

// Watch starts to follow a session of another user. Only admins may.
func (f *Follower) Watch(key string) {
	f.Client.RunInCallback(func() { f.sessions.Follow(key, OtherUsersSession) })
}

// Unfollow stops following a session.
func (f *Follower) Unfollow(key string) {
	f.Client.RunInCallback(func() {
		s := f.sessions.Find(key)
		if s != nil && s.ofOtherUser && s.sessions.ready {
			f.Client.Call(protocol.MethodChatUnwatch, &protocol.ChatUnwatchParams{SessionKey: key}, nil)
		}
		f.sessions.Unfollow(key)
	})
}

// Session returns the session with that key, or nil if it is not followed. Only callbacks
// may call it.
func (f *Follower) Session(key string) *Session { return f.sessions.Find(key) }
