package session

import (
	"context"
	"errors"
	"math"
	"strings"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Span is how much is read of a log.
type Span struct {
	Events int
	Bytes  int // of payloads
}

// fits reports whether a page of so many events and bytes takes one more of
// that size. The first event fits whatever its size is.
func (most Span) fits(events, bytes, size int) bool {
	return events < most.Events && (events == 0 || bytes+size <= most.Bytes)
}

// Replay is a part of a log: the events right after a cursor, in order. There
// are more while Session.LastSeq is beyond the last of them. With Reset the
// cursor is no place in this log and there are none.
type Replay struct {
	Session Record // its ID, Key, UserID, Epoch and LastSeq; the rest is not set
	Events  []StoredEvent
	Reset   bool
}

// Replay gives the events after that seq, as many as the span allows, at least
// one unless there is none. It gives Reset for a cursor that cannot be followed:
// one of another epoch (where epoch is not empty), ahead of the log, or from
// before what was compacted away. Refuses with NOT_FOUND and FORBIDDEN. The
// payloads are shared and must not be changed.
func (s *Service) Replay(ctx context.Context, a Access, epoch string, after int64, most Span) (Replay, error) {
	if r, ok := s.tails.replay(a.key, epoch, after, most); ok {
		if !a.caller.owns(r.Session) {
			return Replay{}, errNotOwner
		}
		return r, nil
	}
	var r Replay
	err := s.store.View(ctx, func(tx Tx) error {
		rec, err := owned(tx, a)
		if err != nil {
			return err
		}
		r = Replay{Session: rec.log()}
		if epoch != "" && epoch != rec.Epoch || after > rec.LastSeq || after < rec.Floor {
			r.Reset = true
			return nil
		}
		r.Events, err = tx.Events(rec.ID, after, most)
		return err
	})
	return r, err
}

// log is what a Replay tells of the session.
func (r Record) log() Record {
	return Record{ID: r.ID, Key: r.Key, UserID: r.UserID, Epoch: r.Epoch, LastSeq: r.LastSeq}
}

// Said gives what the answer of a run says up to and with the event of that seq:
// what a client has that continues from there. It gives store.ErrNotFound when that
// cannot be told: the log is another, the run has no answer, or pieces from
// beyond that seq were compacted away.
func (s *Service) Said(ctx context.Context, key, epoch, runID string, through int64) (text string, err error) {
	err = s.store.View(ctx, func(tx Tx) error {
		rec, err := tx.Session(key)
		if err != nil {
			return err
		}
		run, err := tx.Run(runID)
		if err != nil {
			return err
		}
		if rec.Epoch != epoch || run.SessionID != rec.ID {
			return store.ErrNotFound
		}
		answer, err := tx.Message(rec.ID, run.AnswerID)
		if err != nil {
			return err
		}
		text, err = saidThrough(tx, rec, run, answer, through)
		return err
	})
	return text, err
}

func saidThrough(tx Tx, rec Record, run Run, answer Message, through int64) (string, error) {
	switch {
	case through <= answer.Seq:
		return "", nil
	case run.Status.Active():
		text, _, err := spoken(tx, run, answer.Seq, through)
		return text, err
	case through >= run.EndSeq:
		return answer.Content, nil
	case through < rec.Floor:
		return "", store.ErrNotFound
	}
	// The pieces before it may have been folded into the message, those after
	// it are here.
	rest, _, err := spoken(tx, run, through, run.EndSeq)
	if err != nil {
		return "", err
	}
	text, ok := strings.CutSuffix(answer.Content, rest)
	if !ok {
		return "", errors.New("run " + run.ID + ": its pieces are not what its answer says")
	}
	return text, nil
}

// streamed sets what a streaming answer has said so far, from its run's events.
func streamed(tx Tx, sessionID int64, m *protocol.Message) (err error) {
	if m.Status != protocol.StatusStreaming {
		return nil
	}
	m.Content, m.Thinking, err = spoken(tx, Run{ID: m.RunID, SessionID: sessionID}, m.Seq, math.MaxInt64)
	return err
}

// spoken is what a run's pieces after a seq, up to and with another, say.
func spoken(tx Tx, run Run, after, through int64) (content, thinking string, err error) {
	events, err := tx.RunEvents(run.SessionID, run.ID, after, through)
	if err != nil {
		return "", "", err
	}
	var said, thought strings.Builder
	for _, e := range events {
		into := &said
		switch e.Kind {
		case protocol.RunChunk:
		case protocol.RunThinking:
			into = &thought
		default:
			continue
		}
		var piece protocol.TextPayload
		if err := inner(e.Payload, &piece); err != nil {
			return "", "", err
		}
		into.WriteString(piece.Content)
	}
	return said.String(), thought.String(), nil
}
