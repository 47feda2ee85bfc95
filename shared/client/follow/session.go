package follow

import (
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/timeline"
)

const (
	patience    = 2 * clock.Second  // how long a missing event may still be on its way
	leastWait   = clock.Second      // before a question that failed for now is asked again
	longestWait = 30 * clock.Second // that waits grow to by themselves
	longestWish = 5 * clock.Minute  // the longest retryAfterMs that is obeyed
)

// Session is a session that is followed. Its fields are for reading, on the loop.
type Session struct {
	_ [0]func() // no two are compared, which spares the browser the code for it

	Key string

	// Log is the transcript, and the place in the session's log that it shows. The
	// pointer stays the same as long as the session is followed.
	Log *timeline.Timeline

	// Loaded says that Log is the session's transcript, even if a newer one is being
	// loaded. It becomes false when a resting session cannot go on.
	Loaded bool

	// Gone says that the gateway has no such session, not yet or not any more: Log
	// is empty, and fills when somebody writes there.
	Gone bool

	// Err is why the session cannot be followed: it is somebody else's, for
	// instance. The session is tried again on the next connection, or when it is
	// followed anew. If Loaded is true with it, Log is not kept up to date.
	Err *protocol.Error

	// LoadingEarlier says that an older page is being loaded.
	LoadingEarlier bool

	sessions *Sessions // nil when it is not followed any more
	watched  bool      // it is another user's
	live     bool      // its events come on this connection
	resting  bool      // nobody looks at it

	unsure  bool  // events may be missing, though no gap is known
	asking  bool  // a question is under way
	heard   bool  // an event arrived since it was asked
	turn    int   // answers to questions of an earlier turn are ignored
	waiting bool  // a timer is set, after which is asked for what is missing
	refused bool  // for now: nothing is asked before that
	timer   int   // the number of that timer; earlier ones do nothing
	since   int64 // the last event when it was set
	tries   int   // questions in a row that failed for now or brought nothing
}

// resumes reports whether the session goes on from its cursor. A session that is
// Gone goes on from its beginning.
func (s *Session) resumes() bool {
	at := s.Log.Cursor()
	return s.Loaded && !s.Log.Stale() && (at.Epoch != "" || at.AfterSeq == 0)
}

// connected brings the session up to date on a new connection.
func (s *Session) connected(resumed []protocol.ResumedCursor) {
	resumes := s.resumes()
	s.abandon()
	s.Err, s.live, s.tries = nil, !s.watched, 0
	if !resumes {
		s.load()
		return
	}
	for i := range resumed {
		if resumed[i].SessionKey == s.Key {
			s.resume(&resumed[i])
			return
		}
	}
	if s.resting {
		s.empty(false)
		return
	}
	s.unsure = true // there were too many cursors, or the gateway knows of none
	s.mend()
}

// resume takes what became of the cursor.
func (s *Session) resume(r *protocol.ResumedCursor) {
	if r.Status == protocol.ResumeGone {
		s.empty(true)
		return
	}
	s.live, s.unsure = s.live || r.Status == protocol.ResumeLive, false
	s.Log.Resumed(*r)
	s.heal()
	s.watchGap()
}

// idles reports whether events are of no interest: nobody looks at the session,
// and its history will be read when somebody does.
func (s *Session) idles() bool { return s.resting && !s.Loaded && !s.asking }

// Event takes an event of the session.
func (s *Session) Event(e protocol.Frame) {
	if s.idles() {
		return
	}
	outcome, changes := s.Log.Apply(timeline.Event{Name: e.Event, Seq: e.Seq, Payload: e.Payload})
	if outcome == timeline.Ignored {
		return
	}
	s.heard = true
	if s.Log.Deleted() {
		s.empty(true)
		return
	}
	if _, gap := s.Log.Gap(); outcome == timeline.Applied && !s.refused && (!gap || s.tries > 0) {
		s.tries, s.waiting = 0, false // patience begins anew
	}
	s.changed(changes)
	s.heal()
	s.watchGap()
}

// Confirm notes that the gateway has the session, as the answer to a chat.send
// shows: a NOT_FOUND that is under way is out of date.
func (s *Session) Confirm() { s.heard = true }

// empty lets go of the transcript, because the gateway has no such session, or
// because nobody looks at it.
func (s *Session) empty(gone bool) {
	known := gone == s.Gone
	s.abandon()
	*s.Log = *timeline.New(s.Key)
	s.Loaded, s.Gone = gone, gone
	if gone && !known {
		s.tell(nil)
	}
}

// abandon ignores the answers to all questions so far, and stops the timer.
func (s *Session) abandon() {
	s.turn++
	s.timer++
	s.asking, s.heard, s.unsure, s.LoadingEarlier = false, false, false, false
	s.waiting, s.refused = false, false
}

// changed tells of changes by events. The first one of a session that was Gone
// shows that it is there.
func (s *Session) changed(changes []timeline.Change) {
	switch seq, _ := s.Log.Gap(); {
	case !s.Loaded:
	case s.Gone && seq > 0:
		s.Gone = false
		s.tell(nil)
	case len(changes) > 0:
		s.tell(changes)
	}
}

func (s *Session) tell(changes []timeline.Change) {
	if s.sessions != nil {
		s.sessions.Changed(s, changes)
	}
}

// mayAsk reports whether there is a connection to ask over, and nothing asked.
func (s *Session) mayAsk() bool {
	return s.sessions != nil && s.sessions.ready && !s.asking && !s.refused && s.Err == nil
}

// mend asks for whatever the session lacks now.
func (s *Session) mend() {
	s.heal()
	if _, gap := s.Log.Gap(); (gap || s.unsure) && s.Loaded && s.mayAsk() {
		s.replay()
	}
}

// heal asks for the history, or to watch the session, if the session needs that.
func (s *Session) heal() {
	switch {
	case !s.mayAsk():
	case !s.Loaded || s.Log.Stale() || s.unsure && s.Log.Cursor().Epoch == "":
		s.load()
	case !s.live:
		s.watch()
	}
}

// watchGap asks for events that are missing if they do not arrive by themselves.
func (s *Session) watchGap() {
	if _, gap := s.Log.Gap(); !gap || s.waiting || !s.Loaded {
		return
	}
	s.wait(s.grown(patience))
}

// grown is a wait after so many tries.
func (s *Session) grown(d clock.Duration) clock.Duration {
	for range s.tries {
		if d *= 2; d >= longestWait {
			return longestWait
		}
	}
	return d
}

// wait asks for what is missing after d, unless events arrive meanwhile, in the
// place of a timer that was set before.
func (s *Session) wait(d clock.Duration) {
	if s.sessions == nil {
		return
	}
	s.waiting = true
	s.timer++
	s.since, _ = s.Log.Gap()
	n, tell := s.timer, s.sessions.Tell
	clock.AfterFunc(d, func() {
		tell(func() {
			if s.timer == n {
				s.due()
			}
		})
	})
}

// due takes the end of a wait.
func (s *Session) due() {
	s.waiting, s.refused = false, false
	if seq, gap := s.Log.Gap(); gap && seq != s.since {
		s.watchGap()
	} else {
		s.mend()
	}
}
