package follow

import (
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/timeline"
)

const (
	gapTimeout    = 2 * clock.Second  // how long a missing event may still be on its way
	minBackoff    = clock.Second      // before a question that failed for now is asked again
	maxBackoff    = 30 * clock.Second // that waits grow to by themselves
	maxRetryAfter = 5 * clock.Minute  // the longest retryAfterMs that is obeyed
)

// Session is a session that is followed. Its fields are for reading, on the loop.
type Session struct {
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

	sessions    *Sessions // nil when it is not followed any more
	ofOtherUser bool      // it is another user's
	live        bool      // its events come on this connection
	background  bool      // nobody looks at it

	maybeIncomplete   bool  // events may be missing, though no gap is known
	requesting        bool  // a question is under way
	eventSinceRequest bool  // an event arrived since it was asked
	generation        int   // answers to questions of an earlier turn are ignored
	timerSet          bool  // a timer is set, after which is asked for what is missing
	backingOff        bool  // for now: nothing is asked before that
	timerID           int   // the number of that timer; earlier ones do nothing
	seqAtTimer        int64 // the last event when it was set
	attempts          int   // questions in a row that failed for now or brought nothing
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
	s.cancelRequests()
	s.Err, s.live, s.attempts = nil, !s.ofOtherUser, 0
	if !resumes {
		s.loadHistory()
		return
	}
	for i := range resumed {
		if resumed[i].SessionKey == s.Key {
			s.resume(&resumed[i])
			return
		}
	}
	if s.background {
		s.clear(false)
		return
	}
	s.maybeIncomplete = true // there were too many cursors, or the gateway knows of none
	s.requestMissing()
}

// resume takes what became of the cursor.
func (s *Session) resume(r *protocol.ResumedCursor) {
	if r.Status == protocol.ResumeGone {
		s.clear(true)
		return
	}
	s.live, s.maybeIncomplete = s.live || r.Status == protocol.ResumeLive, false
	s.Log.Resumed(*r)
	s.requestBase()
	s.awaitGap()
}

// idles reports whether events are of no interest: nobody looks at the session,
// and its history will be read when somebody does.
func (s *Session) ignoresEvents() bool { return s.background && !s.Loaded && !s.requesting }

// Event takes an event of the session.
func (s *Session) Event(e protocol.Frame) {
	if s.ignoresEvents() {
		return
	}
	outcome, changes := s.Log.Apply(timeline.Event{Name: e.Event, Seq: e.Seq, Payload: e.Payload})
	if outcome == timeline.Ignored {
		return
	}
	s.eventSinceRequest = true
	if s.Log.Deleted() {
		s.clear(true)
		return
	}
	if _, gap := s.Log.Gap(); outcome == timeline.Applied && !s.backingOff && (!gap || s.attempts > 0) {
		s.attempts, s.timerSet = 0, false // patience begins anew
	}
	s.applied(changes)
	s.requestBase()
	s.awaitGap()
}

// Confirm notes that the gateway has the session, as the answer to a chat.send
// shows: a NOT_FOUND that is under way is out of date.
func (s *Session) Confirm() { s.eventSinceRequest = true }

// empty lets go of the transcript, because the gateway has no such session, or
// because nobody looks at it.
func (s *Session) clear(gone bool) {
	known := gone == s.Gone
	s.cancelRequests()
	*s.Log = *timeline.New(s.Key)
	s.Loaded, s.Gone = gone, gone
	if gone && !known {
		s.notify(nil)
	}
}

// abandon ignores the answers to all questions so far, and stops the timer.
func (s *Session) cancelRequests() {
	s.generation++
	s.timerID++
	s.requesting, s.eventSinceRequest, s.maybeIncomplete, s.LoadingEarlier = false, false, false, false
	s.timerSet, s.backingOff = false, false
}

// changed tells of changes by events. The first one of a session that was Gone
// shows that it is there.
func (s *Session) applied(changes []timeline.Change) {
	switch seq, _ := s.Log.Gap(); {
	case !s.Loaded:
	case s.Gone && seq > 0:
		s.Gone = false
		s.notify(nil)
	case len(changes) > 0:
		s.notify(changes)
	}
}

func (s *Session) notify(changes []timeline.Change) {
	if s.sessions != nil {
		s.sessions.Changed(s, changes)
	}
}

// mayAsk reports whether there is a connection to ask over, and nothing asked.
func (s *Session) canRequest() bool {
	return s.sessions != nil && s.sessions.ready && !s.requesting && !s.backingOff && s.Err == nil
}

// mend asks for whatever the session lacks now.
func (s *Session) requestMissing() {
	s.requestBase()
	if _, gap := s.Log.Gap(); (gap || s.maybeIncomplete) && s.Loaded && s.canRequest() {
		s.replay()
	}
}

// heal asks for the history, or to watch the session, if the session needs that.
func (s *Session) requestBase() {
	switch {
	case !s.canRequest():
	case !s.Loaded || s.Log.Stale() || s.maybeIncomplete && s.Log.Cursor().Epoch == "":
		s.loadHistory()
	case !s.live:
		s.watch()
	}
}

// watchGap asks for events that are missing if they do not arrive by themselves.
func (s *Session) awaitGap() {
	if _, gap := s.Log.Gap(); !gap || s.timerSet || !s.Loaded {
		return
	}
	s.startTimer(s.backoff(gapTimeout))
}

// grown is a wait after so many tries.
func (s *Session) backoff(d clock.Duration) clock.Duration {
	for range s.attempts {
		if d *= 2; d >= maxBackoff {
			return maxBackoff
		}
	}
	return d
}

// wait asks for what is missing after d, unless events arrive meanwhile, in the
// place of a timer that was set before.
func (s *Session) startTimer(d clock.Duration) {
	if s.sessions == nil {
		return
	}
	s.timerSet = true
	s.timerID++
	s.seqAtTimer, _ = s.Log.Gap()
	n, tell := s.timerID, s.sessions.OnLoop
	clock.AfterFunc(d, func() {
		tell(func() {
			if s.timerID == n {
				s.timerFired()
			}
		})
	})
}

// due takes the end of a wait.
func (s *Session) timerFired() {
	s.timerSet, s.backingOff = false, false
	if seq, gap := s.Log.Gap(); gap && seq != s.seqAtTimer {
		s.awaitGap()
	} else {
		s.requestMissing()
	}
}
