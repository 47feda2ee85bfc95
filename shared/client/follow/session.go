package follow

import (
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/timeline"
)

const (
	patience  = 2 * clock.Second // how long a missing event may still be on its way
	leastWait = clock.Second     // before what was refused for now is asked for again
)

// Session is a session that is followed. Its fields belong to the callbacks.
type Session struct {
	Key string

	// Log is the transcript, and the place in the log that it shows. It is empty
	// until it is loaded, which is the first thing told of it.
	Log *timeline.Timeline

	// Gone says that the gateway has no such session, or has it no more: Log is
	// empty, and fills when somebody writes there.
	Gone bool

	// Err is why the session cannot be followed: it is somebody else's, for
	// instance. It is tried again on the next connection.
	Err *protocol.Error

	follower *Follower // nil when it is not followed any more
	loaded   bool      // Log is the session's
	asking   bool      // for the history or a replay
	earlier  bool      // for an older page
	waiting  bool      // to see whether a gap closes, or until asking makes sense again
}

// resumes reports whether the log goes on from its cursor.
func (s *Session) resumes() bool { return !s.Log.Stale() && s.Log.Cursor().Epoch != "" }

// connected brings the session up to date on a new connection.
func (s *Session) connected(resumed []protocol.ResumedCursor) {
	s.Err = nil
	if !s.resumes() {
		s.loaded = false
		s.heal()
		return
	}
	s.loaded = true
	for _, r := range resumed {
		if r.SessionKey == s.Key {
			s.Log.Resumed(r)
			s.heal()
			s.watchGap()
			return
		}
	}
	s.replay() // its cursor was one too many
}

func (s *Session) event(e protocol.Frame) {
	outcome, changes := s.Log.Apply(timeline.Event{Name: e.Event, Seq: e.Seq, Payload: e.Payload})
	switch outcome {
	case timeline.Applied:
		s.Gone = false
		fallthrough
	case timeline.Buffered:
		s.watchGap()
	case timeline.Reset:
		s.heal()
	}
	if s.loaded && len(changes) > 0 {
		s.tell(changes)
	}
}

func (s *Session) tell(changes []timeline.Change) {
	if s.follower != nil {
		s.follower.changed(s, changes)
	}
}

// idle reports whether there is a connection to ask over, and nothing asked.
func (s *Session) idle() bool {
	return s.follower != nil && s.follower.ready && !s.asking && s.Err == nil
}

// heal asks for the history if that is what the session needs.
func (s *Session) heal() {
	if s.idle() && (!s.loaded || s.Log.Stale()) {
		s.load()
	}
}

// watchGap asks for events that are missing if they do not come by themselves.
func (s *Session) watchGap() {
	if _, gap := s.Log.Gap(); !gap || s.waiting || !s.loaded {
		return
	}
	at := s.Log.Cursor()
	s.wait(patience, func() {
		switch _, gap := s.Log.Gap(); {
		case !gap:
			s.heal()
		case s.Log.Cursor() != at:
			s.watchGap()
		case s.idle():
			s.replay()
		}
	})
}

// wait calls f after d, unless it waits already.
func (s *Session) wait(d clock.Duration, f func()) {
	if s.waiting || s.follower == nil {
		return
	}
	s.waiting = true
	tell := s.follower.Client.Tell
	clock.AfterFunc(d, func() {
		tell(func() {
			s.waiting = false
			f()
		})
	})
}

// later asks anew when the gateway may have changed its mind.
func (s *Session) later(err *protocol.Error) {
	s.wait(max(clock.Duration(err.RetryAfterMs)*clock.Millisecond, leastWait), func() {
		s.heal()
		s.watchGap()
	})
}

// ask makes a request. Its answer is of no interest when nobody follows the
// session any more.
func (s *Session) ask(method string, params, answer protocol.Payload, under *bool, done func(*protocol.Error)) {
	*under = true
	s.follower.Client.Call(method, params, func(payload jsontext.Raw, err *protocol.Error) {
		*under = false
		if s.follower == nil {
			return
		}
		if err == nil && protocol.Decode(payload, answer) != nil {
			err = protocol.Refuse(protocol.Internal, "the gateway's answer cannot be read")
		}
		done(err)
	})
}

// load asks for as much of the transcript as there was.
func (s *Session) load() {
	limit := int64(min(max(len(s.Log.Messages()), protocol.DefaultHistoryLimit), protocol.MaxHistoryLimit))
	var h protocol.ChatHistoryResult
	s.ask(protocol.MethodChatHistory, &protocol.ChatHistoryParams{SessionKey: s.Key, Limit: &limit}, &h, &s.asking,
		func(err *protocol.Error) {
			switch {
			case err == nil:
				s.loaded, s.Gone = s.Log.Load(h), false
			case err.Code == protocol.NotFound:
				s.missing()
			case err.Retryable:
				s.later(err)
				return
			default:
				s.Err = err
				s.tell(nil)
				return
			}
			s.heal()
			if s.loaded {
				s.tell(nil)
				s.catchUp()
			}
		})
}

// missing takes the gateway's word that there is no such session. What was heard
// of one since is newer.
func (s *Session) missing() {
	if s.Log.Stale() {
		s.Log = timeline.New(s.Key)
	}
	s.loaded, s.Gone = true, s.Log.Cursor().Epoch == ""
}

// catchUp asks for what an answer showed to be missing.
func (s *Session) catchUp() {
	if _, gap := s.Log.Gap(); gap && s.idle() {
		s.replay()
	}
}

// replay asks for the events after the cursor.
func (s *Session) replay() {
	at := s.Log.Cursor()
	var r protocol.ChatReplayResult
	s.ask(protocol.MethodChatReplay, &protocol.ChatReplayParams{SessionKey: s.Key, Epoch: at.Epoch, AfterSeq: at.AfterSeq}, &r, &s.asking,
		func(err *protocol.Error) {
			if err != nil && err.Retryable {
				s.later(err)
				return
			}
			r.Reset = r.Reset || err != nil // the history, or the lack of it, tells more
			_, changes := s.Log.Replay(r)
			if len(changes) > 0 {
				s.tell(changes)
			}
			s.heal()
			if s.Log.Cursor() != at {
				s.catchUp()
			} else {
				s.watchGap()
			}
		})
}

// Earlier asks for the messages before the first one of Log, if there are any,
// and has them told like a history; after an error nothing is told. Only a
// callback may ask.
func (s *Session) Earlier() {
	before, more := s.Log.Oldest()
	if !more || s.earlier || !s.loaded || s.follower == nil {
		return
	}
	var page protocol.ChatHistoryResult
	s.ask(protocol.MethodChatHistory, &protocol.ChatHistoryParams{SessionKey: s.Key, Before: before}, &page, &s.earlier,
		func(err *protocol.Error) {
			switch {
			case err != nil || s.Log.Stale():
			case s.Log.Prepend(before, page):
				s.tell(nil)
			default:
				s.Earlier()
			}
		})
}
