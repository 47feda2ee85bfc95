package follow

import (
	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// request makes a request for the transcript. done is called when it has succeeded,
// unless the answer is out of date by then.
func (s *Session) request(method string, params []byte, read func(*jsontext.Decoder), done func()) {
	if left := clock.Until(s.sessions.pausedUntil); left > 0 {
		s.startTimer(left)
		s.backingOff = true
		return
	}
	generation := s.generation
	s.requesting, s.eventSinceRequest = true, false
	s.sessions.Call(method, params, read, func(err *protocol.Error) {
		if s.generation != generation {
			return
		}
		s.requesting = false
		switch {
		case err == nil:
			done()
		case err.Code == protocol.NotFound && !s.eventSinceRequest:
			s.clear(true)
		case client.Retryable(err):
			s.retryLater(err)
		case s.eventSinceRequest && err.Code == protocol.NotFound, method == protocol.MethodChatReplay:
			s.loadHistory() // a history says whether the session exists and what its log is
		default:
			s.Err = err
			s.notify(nil)
		}
	})
}

// retryLater makes the request again after a wait.
func (s *Session) retryLater(err *protocol.Error) {
	wanted := clock.Duration(min(err.RetryAfterMs,
		int64(maxRetryAfter/clock.Millisecond))) * clock.Millisecond
	if err.Code == protocol.ResourceExhausted {
		s.sessions.pausedUntil = clock.Now().Add(wanted)
	}
	s.startTimer(max(s.backoff(minBackoff), wanted))
	s.attempts++
	s.backingOff = true
}

// loadHistory requests the newest part of the transcript, at least as long as Log, so
// that no message disappears from the screen. A background session is cleared instead.
func (s *Session) loadHistory() {
	if s.background {
		s.clear(false)
		return
	}
	limit := int64(min(max(len(s.Log.Messages()), protocol.DefaultHistoryLimit),
		protocol.MaxHistoryLimit))
	var h protocol.ChatHistoryResult
	params := protocol.ChatHistoryParams{SessionKey: s.Key, Limit: &limit}
	s.request(protocol.MethodChatHistory, params.AppendJSON(nil), h.DecodeJSON, func() {
		seq, _ := s.Log.Gap()
		progress := !s.Loaded || s.Log.Stale() || h.LastSeq > seq
		if !s.Log.Load(h) { // the history was read before the log was reset
			s.loadHistory()
			return
		}
		s.Loaded, s.Gone = true, false
		s.notify(nil)
		s.afterAnswer(progress)
	})
}

// replay requests the events after the cursor.
func (s *Session) replay() {
	cursor := s.Log.Cursor()
	var r protocol.ChatReplayResult
	params := protocol.ChatReplayParams{SessionKey: s.Key, Epoch: cursor.Epoch, AfterSeq: cursor.AfterSeq}
	s.request(protocol.MethodChatReplay, params.AppendJSON(nil), r.DecodeJSON, func() {
		_, changes := s.Log.Replay(r)
		s.applied(changes)
		seq, _ := s.Log.Gap()
		s.afterAnswer(seq != cursor.AfterSeq)
	})
}

// afterAnswer requests what is still missing. If the answer brought nothing, what is
// missing is not available yet: the next request waits.
func (s *Session) afterAnswer(progress bool) {
	s.maybeIncomplete = false
	if _, gap := s.Log.Gap(); gap && !progress {
		s.attempts++
		s.awaitGap()
		return
	}
	s.attempts = 0
	s.requestMissing()
}

// watch requests the events of another user's session after the cursor, and those to
// come.
func (s *Session) watch() {
	cursor := s.Log.Cursor()
	var now protocol.ResumedCursor
	params := protocol.ChatWatchParams{SessionKey: s.Key, Epoch: cursor.Epoch, AfterSeq: &cursor.AfterSeq}
	s.request(protocol.MethodChatWatch, params.AppendJSON(nil), now.DecodeJSON, func() {
		s.attempts = 0
		s.resume(&now)
	})
}

// Earlier loads the page of messages before the first one of Log, unless there is none or
// one is being loaded. done, which may be nil, is called at the end with the error or
// nil. Without an error, Log has the page, unless Log has changed in the meantime so that
// the page does not fit. done is not called if the connection is lost.
func (s *Session) Earlier(done func(*protocol.Error)) {
	before, more := s.Log.Oldest()
	if !more || s.LoadingEarlier || s.sessions == nil || !s.sessions.ready {
		return
	}
	s.LoadingEarlier = true
	var page protocol.ChatHistoryResult
	params := protocol.ChatHistoryParams{SessionKey: s.Key, Before: before}
	s.sessions.Call(protocol.MethodChatHistory, params.AppendJSON(nil), page.DecodeJSON,
		func(err *protocol.Error) {
			s.LoadingEarlier = false
			if err == nil && s.Log.Prepend(before, page) {
				s.notify(nil)
			}
			if done != nil {
				done(err)
			}
		})
}
