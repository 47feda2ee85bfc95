package follow

import (
	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/timeline"
)

// Follower is a client that follows sessions. A program is told what changes in
// them.
//
// What a session has to say is told, and may be read, in callbacks alone (see
// package client's word on concurrency); [client.Client.Tell] makes one of any
// function.
type Follower struct {
	// Client is the connection: it is for the program to start and to stop, and to
	// make requests with.
	Client *client.Client

	sessions Sessions
}

// New makes a Follower of the client that the options describe; their Resume is
// filled in, their OnState and OnEvent are told what they always are, after the
// sessions took it. changed is a callback too: see Sessions.Changed.
func New(o client.Options, changed func(s *Session, changes []timeline.Change)) *Follower {
	f := &Follower{}
	f.sessions.Call, f.sessions.Changed = f.call, changed
	f.sessions.OnLoop = func(run func()) { f.Client.Tell(run) }
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

func (f *Follower) call(method string, params []byte, read func(*jsontext.Decoder), done func(*protocol.Error)) {
	f.Client.Call(method, client.Encoded(params), func(payload jsontext.Raw, err *protocol.Error) {
		if err == nil && jsontext.Read(payload, read) != nil {
			err = protocol.Refuse(protocol.Internal, "the gateway's answer cannot be read")
		}
		done(err)
	})
}

// Follow begins to follow a session of the user's own, which need not exist yet.
// What came of it is told when it is known. Follow may be called from anywhere,
// as may Watch and Unfollow.
func (f *Follower) Follow(key string) {
	f.Client.Tell(func() { f.sessions.Follow(key, OwnSession) })
}

// Watch is Follow for an admin and the session of another user.
func (f *Follower) Watch(key string) {
	f.Client.Tell(func() { f.sessions.Follow(key, OtherUsersSession) })
}

// Unfollow ends that.
func (f *Follower) Unfollow(key string) {
	f.Client.Tell(func() {
		s := f.sessions.Find(key)
		if s != nil && s.ofOtherUser && s.sessions.ready {
			f.Client.Call(protocol.MethodChatUnwatch, &protocol.ChatUnwatchParams{SessionKey: key}, nil)
		}
		f.sessions.Unfollow(key)
	})
}

// Session is the one of that key, or nil when it is not followed. Only a callback
// may ask.
func (f *Follower) Session(key string) *Session { return f.sessions.Find(key) }
