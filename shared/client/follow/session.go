package follow

import (
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/timeline"
)

const (
	gapTimeout    = 2 * clock.Second  // how long a missing event may take to arrive
	minBackoff    = clock.Second      // before a request that failed for now is made again
	maxBackoff    = 30 * clock.Second // waits grow up to this
	maxRetryAfter = 5 * clock.Minute  // longer values of retryAfterMs are cut to this
)

// Session is a session that is followed. Its fields may be read, on the loop.
type Session struct {
	Key string

	// Log is the transcript, and how far in the session's log it goes. The pointer stays
	// the same as long as the session is followed.
	Log *timeline.Timeline

	// Loaded says that Log is the session's transcript. It stays true while a newer
	// transcript is being loaded. It becomes false when a background session cannot be
	// kept up to date.
	Loaded bool

	// Gone says that the gateway has no such session: it does not exist yet, or was deleted.
	// Log is empty then. Gone becomes false when somebody writes in the session.
	Gone bool

	// Err is why the session cannot be followed, for example because it belongs to
	// another user; else nil. The request is made again on the next connection, or when
	// the session is followed again. If Loaded is true with an Err, Log is not kept up to
	// date.
	Err *protocol.Error

	// LoadingEarlier says that an older page is being loaded.
	LoadingEarlier bool

	sessions    *Sessions // nil after Unfollow
	ofOtherUser bool      // the session belongs to another user
	live        bool      // its events arrive on this connection
	background  bool      // nobody looks at the session

	maybeIncomplete   bool  // events may be missing, though no gap is known
	requesting        bool  // a request is under way
	eventSinceRequest bool  // an event arrived since the request was made
	generation        int   // answers to requests of an earlier generation are ignored
	timerSet          bool  // a timer is set; when it fires, requestMissing is called
	backingOff        bool  // a request failed for now: make none before the timer fires
	timerID           int   // identifies the timer; earlier timers do nothing
	seqAtTimer        int64 // seq of the last applied event when the timer was set
	attempts          int   // requests in a row that failed for now or brought nothing
}

// canResume reports whether the session can resume from its cursor after a connect. A
// session that is Gone resumes from its beginning.
func (s *Session) canResume() bool {
	cursor := s.Log.Cursor()
	return s.Loaded && !s.Log.Stale() && (cursor.Epoch != "" || cursor.AfterSeq == 0)
}

// connected brings the session up to date after a connect.
func (s *Session) connected(resumed []protocol.ResumedCursor) {
	canResume := s.canResume()
	s.cancelRequests()
	s.Err, s.live, s.attempts = nil, !s.ofOtherUser, 0
	if !canResume {
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
	s.maybeIncomplete = true // there were too many cursors, or the gateway does not know them
	s.requestMissing()
}

// resume handles the gateway's answer to the session's cursor.
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

// ignoresEvents reports whether the session needs no events: nobody looks at it, and its
// history will be loaded when somebody does.
func (s *Session) ignoresEvents() bool { return s.background && !s.Loaded && !s.requesting }

// Event handles an event of the session.
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
	if _, gap := s.Log.Gap(); outcome == timeline.Applied && !s.backingOff &&
		(!gap || s.attempts > 0) {
		s.attempts, s.timerSet = 0, false // the wait starts again
	}
	s.applied(changes)
	s.requestBase()
	s.awaitGap()
}

// Confirm notes that the gateway has the session, because it has answered a chat.send. If
// a request that is under way is then answered with NOT_FOUND, that answer is out of date.
func (s *Session) Confirm() { s.eventSinceRequest = true }

// clear drops the transcript: because the gateway has no such session (gone), or because
// nobody looks at it.
func (s *Session) clear(gone bool) {
	unchanged := gone == s.Gone
	s.cancelRequests()
	*s.Log = *timeline.New(s.Key)
	s.Loaded, s.Gone = gone, gone
	if gone && !unchanged {
		s.notify(nil)
	}
}

// cancelRequests makes the session ignore the answers to all requests so far, and cancels
// its timer.
func (s *Session) cancelRequests() {
	s.generation++
	s.timerID++
	s.requesting, s.eventSinceRequest, s.maybeIncomplete, s.LoadingEarlier = false, false, false, false
	s.timerSet, s.backingOff = false, false
}

// applied reports the changes that events have made. The first event of a session that
// was Gone shows that it exists.
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

// canRequest reports whether a request may be made: there is a connection, no request is
// under way, and none was refused.
func (s *Session) canRequest() bool {
	return s.sessions != nil && s.sessions.ready && !s.requesting && !s.backingOff && s.Err == nil
}

// requestMissing requests whatever the session lacks: the history, or the events in a
// gap.
func (s *Session) requestMissing() {
	s.requestBase()
	if _, gap := s.Log.Gap(); (gap || s.maybeIncomplete) && s.Loaded && s.canRequest() {
		s.replay()
	}
}

// requestBase requests the history, or to watch the session, if the session needs that
// before events can be applied. It does not request the events in a gap.
func (s *Session) requestBase() {
	switch {
	case !s.canRequest():
	case !s.Loaded || s.Log.Stale() || s.maybeIncomplete && s.Log.Cursor().Epoch == "":
		s.loadHistory()
	case !s.live:
		s.watch()
	}
}

// awaitGap starts the wait for the events in a gap, if there is one.
func (s *Session) awaitGap() {
	if _, gap := s.Log.Gap(); !gap || s.timerSet || !s.Loaded {
		return
	}
	s.startTimer(s.backoff(gapTimeout))
}

// backoff returns the wait d, doubled for each attempt, up to maxBackoff.
func (s *Session) backoff(d clock.Duration) clock.Duration {
	for range s.attempts {
		if d *= 2; d >= maxBackoff {
			return maxBackoff
		}
	}
	return d
}

// startTimer sets the timer to d, and cancels an earlier setting; see timerFired.
func (s *Session) startTimer(d clock.Duration) {
	if s.sessions == nil {
		return
	}
	s.timerSet = true
	s.timerID++
	s.seqAtTimer, _ = s.Log.Gap()
	n, onLoop := s.timerID, s.sessions.OnLoop
	clock.AfterFunc(d, func() {
		onLoop(func() {
			if s.timerID == n {
				s.timerFired()
			}
		})
	})
}

// timerFired requests what is missing, or waits again if the gap has become smaller.
func (s *Session) timerFired() {
	s.timerSet, s.backingOff = false, false
	if seq, gap := s.Log.Gap(); gap && seq != s.seqAtTimer {
		s.awaitGap()
	} else {
		s.requestMissing()
	}
}
