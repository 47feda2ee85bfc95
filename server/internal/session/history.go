package session

import (
	"context"
	"errors"
	"slices"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Page is a part of a transcript with the place in the log that it shows.
type Page struct {
	Session  Record
	Messages []protocol.Message // in transcript order
	HasMore  bool               // there are older ones
}

// History gives up to limit messages before the one with that seq (0: the
// newest), in transcript order, with what a running answer has said so far. A
// page ends early where its text would not fit a frame. A message and its
// answers are not parted, so a page may hold a few more than limit, unless there
// are more of them than a page can hold. Refuses with NOT_FOUND and FORBIDDEN.
func (s *Service) History(ctx context.Context, a Access, before int64, limit int) (Page, error) {
	var p Page
	err := s.store.View(ctx, func(tx Tx) error {
		rec, err := owned(tx, a)
		if err != nil {
			return err
		}
		p, err = page(tx, rec, before, limit)
		return err
	})
	return p, err
}

// answersAMessage is how many messages beyond a page are looked at to find
// where its first group begins.
const answersAMessage = 20

func page(tx Tx, rec Record, before int64, limit int) (Page, error) {
	place, err := placeOf(tx, rec, before)
	if err != nil {
		return Page{}, err
	}
	messages, more, err := tx.Messages(rec.ID, place, Bound{Messages: limit + answersAMessage, Bytes: protocol.MaxFrameBytes})
	if err != nil {
		return Page{}, err
	}
	first := whole(messages, max(0, len(messages)-limit))
	p := Page{Session: rec, HasMore: more || first > 0, Messages: make([]protocol.Message, 0, len(messages)-first)}
	for _, m := range messages[first:] {
		if err := streamed(tx, rec.ID, &m.Message); err != nil {
			return Page{}, err
		}
		p.Messages = append(p.Messages, m.Message)
	}
	return p, nil
}

// placeOf finds where the message with that seq stands. A seq that is no
// message's stands where one would that answers nothing.
func placeOf(tx Tx, rec Record, seq int64) (Place, error) {
	if seq <= 0 {
		return Place{}, nil
	}
	m, err := tx.MessageAt(rec.ID, seq)
	if errors.Is(err, store.ErrNotFound) {
		return Place{Anchor: seq}, nil
	}
	return Place{Anchor: m.Anchor, Seq: m.Seq}, err
}

// whole moves the start of a page to where a message stands together with all
// its answers: back, or where that is out of sight, forward.
func whole(messages []Message, first int) int {
	for first > 0 && messages[first-1].Anchor == messages[first].Anchor {
		first--
	}
	if first == len(messages) || messages[first].Seq == messages[first].Anchor {
		return first
	}
	next := first
	for next < len(messages) && messages[next].Anchor == messages[first].Anchor {
		next++
	}
	if next == len(messages) {
		return first // nothing but answers to one message
	}
	return next
}

// Activity is what a session is doing.
type Activity struct {
	Session Record
	RunID   string // the run under way, if any
	Phase   *protocol.Activity
	Queued  int
}

// Status says what a session is doing. Refuses with NOT_FOUND and FORBIDDEN.
func (s *Service) Status(ctx context.Context, a Access) (Activity, error) {
	var now Activity
	err := s.store.View(ctx, func(tx Tx) error {
		rec, err := owned(tx, a)
		if err != nil {
			return err
		}
		now = Activity{Session: rec}
		active, err := tx.ActiveRuns(rec.ID)
		if err != nil {
			return err
		}
		for _, r := range active {
			if r.Status == RunQueued {
				now.Queued++
				continue
			}
			now.RunID = r.ID
			if now.Phase, err = phase(tx, r); err != nil {
				return err
			}
		}
		return nil
	})
	return now, err
}

// phase is a run's last activity: what it announced, or answering once it
// speaks.
func phase(tx Tx, r Run) (*protocol.Activity, error) {
	answer, err := tx.Message(r.SessionID, r.AnswerID)
	if err != nil {
		return nil, err
	}
	last, err := tx.LastRunEvent(r.SessionID, answer.Seq, r.ID, [2]string{protocol.RunChunk, protocol.RunActivity})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return &protocol.Activity{Phase: "thinking"}, nil
	case err != nil:
		return nil, err
	case last.Kind == protocol.RunChunk:
		return &protocol.Activity{Phase: protocol.PhaseAnswering}, nil
	}
	a := &protocol.Activity{}
	return a, inner(last.Payload, a)
}

// List gives a page of sessions and whether there are more. Only admins may ask
// for sessions of others.
func (s *Service) List(ctx context.Context, q List) (sessions []Record, more bool, err error) {
	limit := q.Limit
	q.Limit++
	err = s.store.View(ctx, func(tx Tx) error {
		sessions, err = tx.Sessions(q)
		return err
	})
	if len(sessions) > limit {
		return slices.Clip(sessions[:limit]), true, err
	}
	return sessions, false, err
}

// Find gives one session. Refuses with NOT_FOUND and FORBIDDEN.
func (s *Service) Find(ctx context.Context, a Access) (Record, error) {
	var rec Record
	err := s.store.View(ctx, func(tx Tx) (err error) {
		rec, err = owned(tx, a)
		return err
	})
	return rec, err
}
