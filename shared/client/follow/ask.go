package follow

import (
	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// question makes a request for the transcript. done is called when it was
// answered, if the answer still matters then.
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
			s.loadHistory() // which tells more
		default:
			s.Err = err
			s.notify(nil)
		}
	})
}

// later asks anew when the gateway may have changed its mind.
func (s *Session) retryLater(err *protocol.Error) {
	wanted := clock.Duration(min(err.RetryAfterMs, int64(maxRetryAfter/clock.Millisecond))) * clock.Millisecond
	if err.Code == protocol.ResourceExhausted {
		s.sessions.pausedUntil = clock.Now().Add(wanted)
	}
	s.startTimer(max(s.backoff(minBackoff), wanted))
	s.attempts++
	s.backingOff = true
}

// load asks for as much of the transcript as there was, so that nothing goes away
// above the reader. A session that nobody looks at is emptied instead.
func (s *Session) loadHistory() {
	if s.background {
		s.clear(false)
		return
	}
	limit := int64(min(max(len(s.Log.Messages()), protocol.DefaultHistoryLimit), protocol.MaxHistoryLimit))
	var h protocol.ChatHistoryResult
	params := protocol.ChatHistoryParams{SessionKey: s.Key, Limit: &limit}
	s.request(protocol.MethodChatHistory, params.AppendJSON(nil), h.DecodeJSON, func() {
		seq, _ := s.Log.Gap()
		brought := !s.Loaded || s.Log.Stale() || h.LastSeq > seq
		if !s.Log.Load(h) { // the history was read before the log became another one
			s.loadHistory()
			return
		}
		s.Loaded, s.Gone = true, false
		s.notify(nil)
		s.afterAnswer(brought)
	})
}

// replay asks for the events after the cursor.
func (s *Session) replay() {
	at := s.Log.Cursor()
	var r protocol.ChatReplayResult
	params := protocol.ChatReplayParams{SessionKey: s.Key, Epoch: at.Epoch, AfterSeq: at.AfterSeq}
	s.request(protocol.MethodChatReplay, params.AppendJSON(nil), r.DecodeJSON, func() {
		_, changes := s.Log.Replay(r)
		s.applied(changes)
		seq, _ := s.Log.Gap()
		s.afterAnswer(seq != at.AfterSeq)
	})
}

// answered goes on after an answer that brought something, or nothing. What is
// missing even then cannot be had yet.
func (s *Session) afterAnswer(brought bool) {
	s.maybeIncomplete = false
	if _, gap := s.Log.Gap(); gap && !brought {
		s.attempts++
		s.awaitGap()
		return
	}
	s.attempts = 0
	s.requestMissing()
}

// watch asks for the events of another user's session, from the cursor on.
func (s *Session) watch() {
	at := s.Log.Cursor()
	var now protocol.ResumedCursor
	params := protocol.ChatWatchParams{SessionKey: s.Key, Epoch: at.Epoch, AfterSeq: &at.AfterSeq}
	s.request(protocol.MethodChatWatch, params.AppendJSON(nil), now.DecodeJSON, func() {
		s.attempts = 0
		s.resume(&now)
	})
}

// Earlier loads the page before the first message of Log, unless there is none,
// or one is being loaded already. done, which may be nil, is called when that has
// ended: Log has the page, except after an error, or when the page did not join
// on because Log changed meanwhile. done is not called when the connection is
// lost.
func (s *Session) Earlier(done func(*protocol.Error)) {
	before, more := s.Log.Oldest()
	if !more || s.LoadingEarlier || s.sessions == nil || !s.sessions.ready {
		return
	}
	s.LoadingEarlier = true
	var page protocol.ChatHistoryResult
	params := protocol.ChatHistoryParams{SessionKey: s.Key, Before: before}
	s.sessions.Call(protocol.MethodChatHistory, params.AppendJSON(nil), page.DecodeJSON, func(err *protocol.Error) {
		s.LoadingEarlier = false
		if err == nil && s.Log.Prepend(before, page) {
			s.notify(nil)
		}
		if done != nil {
			done(err)
		}
	})
}
