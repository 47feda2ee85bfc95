package session

import (
	"context"
	"errors"
	"math"
	"strings"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Span limits how much of a log is read.
type Span struct {
	Events int
	Bytes  int // of the payloads
}

// fits reports whether an event of that size fits after that many events and bytes. The
// first event always fits.
func (limit Span) fits(events, bytes, size int) bool {
	return events < limit.Events && (events == 0 || bytes+size <= limit.Bytes)
}

// Replay is a part of a log: the events right after a cursor, in order. If
// Session.LastSeq is higher than their last seq, there are more.
type Replay struct {
	Session Record // only ID, Key, UserID, Epoch and LastSeq are set
	Events  []StoredEvent
	Reset   bool // the cursor is not valid in this log; there are no Events
}

// Replay returns the events after the seq after, within limit, but at least one if there
// is any. It returns a Reset if the cursor is not valid: epoch is not empty and belongs
// to another log, or after is above the last seq or below the floor. Replay refuses with
// NOT_FOUND and FORBIDDEN. The payloads are shared and must not be changed.
func (s *Service) Replay(ctx context.Context, a Access, epoch string, after int64,
	limit Span) (Replay, error) {
	if r, ok := s.tails.replay(a.key, epoch, after, limit); ok {
		if !a.caller.owns(r.Session) {
			return Replay{}, errNotOwner
		}
		return r, nil
	}
	var r Replay
	err := s.store.View(ctx, func(tx Tx) error {
		rec, err := findOwned(tx, a)
		if err != nil {
			return err
		}
		r = Replay{Session: rec.log()}
		if epoch != "" && epoch != rec.Epoch || after > rec.LastSeq || after < rec.Floor {
			r.Reset = true
			return nil
		}
		r.Events, err = tx.Events(rec.ID, after, limit)
		return err
	})
	return r, err
}

// log returns the fields that a Replay has of the session.
func (r Record) log() Record {
	return Record{ID: r.ID, Key: r.Key, UserID: r.UserID, Epoch: r.Epoch, LastSeq: r.LastSeq}
}

// AnswerText returns the text of a run's answer up to the event with the seq through,
// which is the text that a client with the cursor through shows. The error is
// store.ErrNotFound if the text is not known any more: the epoch belongs to another log,
// the run has no answer, later pieces were compacted, or the text turned out to be
// thinking.
func (s *Service) AnswerText(ctx context.Context, key, epoch, runID string,
	through int64) (text string, err error) {
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
		text, err = answerText(tx, rec, run, answer, through)
		return err
	})
	return text, err
}

// answerText is AnswerText for a session, a run and an answer that were loaded.
func answerText(tx Tx, rec Record, run Run, answer Message, through int64) (string, error) {
	switch {
	case through <= answer.Seq:
		return "", nil
	case run.Status.Active() || rec.Floor <= answer.Seq && through < run.EndSeq:
		text, _, err := joinPieces(tx, run, answer.Seq, through)
		return text, err
	case through >= run.EndSeq:
		return answer.Content, nil
	case through < rec.Floor:
		return "", store.ErrNotFound
	}
	// Earlier pieces may have been compacted, later ones are still in the log: the answer
	// without them is the text.
	rest, err := readPieces(tx, run, through, run.EndSeq)
	switch {
	case err != nil:
		return "", err
	case rest.moved: // the text up to there is a part of the thinking now
		return "", store.ErrNotFound
	}
	text, ok := strings.CutSuffix(answer.Content, rest.text.String())
	if !ok {
		return "", errors.New("run " + run.ID + ": its pieces do not match its answer")
	}
	return text, nil
}

// loadStreaming sets the content of a streaming answer to the text of its pieces so far.
func loadStreaming(tx Tx, sessionID int64, m *protocol.Message) (err error) {
	if m.Status != protocol.StatusStreaming {
		return nil
	}
	m.Content, m.Thinking, err = joinPieces(tx, Run{ID: m.RunID, SessionID: sessionID}, m.Seq,
		math.MaxInt64)
	return err
}

// joinPieces returns the text and the thinking in the pieces of a run with a seq above
// after and up to through.
func joinPieces(tx Tx, run Run, after, through int64) (content, thinking string, err error) {
	p, err := readPieces(tx, run, after, through)
	return p.text.String(), p.thinking.String(), err
}

// pieces are the texts of some pieces of a run.
type pieces struct {
	text, thinking strings.Builder
	moved          bool // whether a piece said that the text before it was thinking
}

// readPieces reads the pieces of a run with a seq above after and up to through.
func readPieces(tx Tx, run Run, after, through int64) (*pieces, error) {
	p := &pieces{}
	events, err := tx.RunEvents(run.SessionID, run.ID, after, through)
	if err != nil {
		return p, err
	}
	for _, e := range events {
		if e.Kind != protocol.RunChunk && e.Kind != protocol.RunThinking {
			continue
		}
		var piece protocol.TextPayload
		if err := decodeAgent(e.Payload, &piece); err != nil {
			return &pieces{}, err
		}
		if e.Kind == protocol.RunChunk {
			p.text.WriteString(piece.Content)
			continue
		}
		if piece.TextWasThinking {
			p.moved = true
			p.thinking.WriteString(p.text.String())
			p.text.Reset()
		}
		p.thinking.WriteString(piece.Content)
	}
	return p, nil
}
