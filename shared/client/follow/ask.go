package follow

import (
	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// question makes a request for the transcript. done is called when it was
// answered, if the answer still matters then.
func (s *Session) question(method string, params []byte, read func(*jsontext.Decoder), done func()) {
	if left := clock.Until(s.sessions.pause); left > 0 {
		s.wait(left)
		s.refused = true
		return
	}
	turn := s.turn
	s.asking, s.heard = true, false
	s.sessions.Ask(method, params, read, func(err *protocol.Error) {
		if s.turn != turn {
			return
		}
		s.asking = false
		switch {
		case err == nil:
			done()
		case err.Code == protocol.NotFound && !s.heard:
			s.empty(true)
		case client.Retryable(err):
			s.later(err)
		case s.heard && err.Code == protocol.NotFound, method == protocol.MethodChatReplay:
			s.load() // which tells more
		default:
			s.Err = err
			s.tell(nil)
		}
	})
}

// later asks anew when the gateway may have changed its mind.
func (s *Session) later(err *protocol.Error) {
	asked := clock.Duration(min(err.RetryAfterMs, int64(longestWish/clock.Millisecond))) * clock.Millisecond
	if err.Code == protocol.ResourceExhausted {
		s.sessions.pause = clock.Now().Add(asked)
	}
	s.wait(max(s.grown(leastWait), asked))
	s.tries++
	s.refused = true
}

// load asks for as much of the transcript as there was, so that nothing goes away
// above the reader. A session that nobody looks at is emptied instead.
func (s *Session) load() {
	if s.resting {
		s.empty(false)
		return
	}
	limit := int64(min(max(len(s.Log.Messages()), protocol.DefaultHistoryLimit), protocol.MaxHistoryLimit))
	var h protocol.ChatHistoryResult
	params := protocol.ChatHistoryParams{SessionKey: s.Key, Limit: &limit}
	s.question(protocol.MethodChatHistory, params.AppendJSON(nil), h.DecodeJSON, func() {
		seq, _ := s.Log.Gap()
		brought := !s.Loaded || s.Log.Stale() || h.LastSeq > seq
		if !s.Log.Load(h) { // the history was read before the log became another one
			s.load()
			return
		}
		s.Loaded, s.Gone = true, false
		s.tell(nil)
		s.answered(brought)
	})
}

// replay asks for the events after the cursor.
func (s *Session) replay() {
	at := s.Log.Cursor()
	var r protocol.ChatReplayResult
	params := protocol.ChatReplayParams{SessionKey: s.Key, Epoch: at.Epoch, AfterSeq: at.AfterSeq}
	s.question(protocol.MethodChatReplay, params.AppendJSON(nil), r.DecodeJSON, func() {
		_, changes := s.Log.Replay(r)
		s.changed(changes)
		seq, _ := s.Log.Gap()
		s.answered(seq != at.AfterSeq)
	})
}

// answered goes on after an answer that brought something, or nothing. What is
// missing even then cannot be had yet.
func (s *Session) answered(brought bool) {
	s.unsure = false
	if _, gap := s.Log.Gap(); gap && !brought {
		s.tries++
		s.watchGap()
		return
	}
	s.tries = 0
	s.mend()
}

// watch asks for the events of another user's session, from the cursor on.
func (s *Session) watch() {
	at := s.Log.Cursor()
	var now protocol.ResumedCursor
	params := protocol.ChatWatchParams{SessionKey: s.Key, Epoch: at.Epoch, AfterSeq: &at.AfterSeq}
	s.question(protocol.MethodChatWatch, params.AppendJSON(nil), now.DecodeJSON, func() {
		s.tries = 0
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
	s.sessions.Ask(protocol.MethodChatHistory, params.AppendJSON(nil), page.DecodeJSON, func(err *protocol.Error) {
		s.LoadingEarlier = false
		if err == nil && s.Log.Prepend(before, page) {
			s.tell(nil)
		}
		if done != nil {
			done(err)
		}
	})
}
