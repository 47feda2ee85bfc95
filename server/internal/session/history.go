package session

import (
	"context"
	"errors"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Page is a part of a transcript, and the session with the last seq that the part shows.
type Page struct {
	Session  Record
	Messages []protocol.Message // in the order of the transcript
	HasMore  bool               // whether there are older messages
	// Activity is what the running run is doing, on the newest page; nil if none runs.
	Activity *protocol.Activity
}

// History returns up to limit messages before the message with the seq before, or the
// newest messages if before is 0. A streaming answer has its text so far.
//
// A page has fewer messages if their text would not fit into a frame. It may have a few
// more than limit, since a message and its answers are on the same page if possible.
// History refuses with NOT_FOUND and FORBIDDEN.
func (s *Service) History(ctx context.Context, a Access, before int64, limit int) (Page, error) {
	var p Page
	err := s.store.View(ctx, func(tx Tx) error {
		rec, err := findOwned(tx, a)
		if err != nil {
			return err
		}
		if p, err = loadPage(tx, rec, before, limit); err != nil || before > 0 || !rec.Running {
			return err
		}
		p.Activity, err = runningPhase(tx, rec.ID)
		return err
	})
	return p, err
}

// alignMargin is how many messages are read in addition to a page, so that
// alignToQuestion finds the message that the first answers of the page belong to.
const alignMargin = 20

// loadPage returns a page of the session's transcript.
func loadPage(tx Tx, rec Record, before int64, limit int) (Page, error) {
	place, err := placeOf(tx, rec, before)
	if err != nil {
		return Page{}, err
	}
	messages, more, err := tx.Messages(rec.ID, place,
		Bound{Messages: limit + alignMargin, Bytes: protocol.MaxFrameBytes})
	if err != nil {
		return Page{}, err
	}
	first := alignToQuestion(messages, max(0, len(messages)-limit))
	p := Page{Session: rec, HasMore: more || first > 0,
		Messages: make([]protocol.Message, 0, len(messages)-first)}
	for _, m := range messages[first:] {
		if err := loadStreaming(tx, rec.ID, &m.Message); err != nil {
			return Page{}, err
		}
		p.Messages = append(p.Messages, m.Message)
	}
	return p, nil
}

// placeOf returns the place of the message with that seq. If there is no such message,
// placeOf returns the place that a user's message with that seq would have.
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

// alignToQuestion returns the index near first at which a page should begin, so that a
// message and all its answers are on the same page. It moves back to the message if the
// message was read, otherwise forward to the next one.
func alignToQuestion(messages []Message, first int) int {
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
		return first // there are only answers to one message
	}
	return next
}
