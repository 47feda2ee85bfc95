package session

import (
	"context"
	"slices"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Page is a part of a transcript with the place in the log that it shows.
type Page struct {
	Session  Record
	Messages []protocol.Message // in transcript order
	HasMore  bool               // there are older ones
}

// History gives up to limit messages before a seq (0: the newest), in
// transcript order, with what a running answer has said so far. A message and
// its answers are never parted, so a page may hold a few more. Refuses with
// NOT_FOUND and FORBIDDEN.
func (s *Service) History(ctx context.Context, caller Caller, key string, before int64, limit int) (Page, error) {
	var p Page
	err := s.store.View(ctx, func(tx Tx) error {
		rec, err := owned(tx, key, caller)
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
	messages, err := tx.Messages(rec.ID, before, limit+answersAMessage)
	if err != nil {
		return Page{}, err
	}
	first := max(0, len(messages)-limit)
	for first > 0 && messages[first-1].Anchor == messages[first].Anchor {
		first--
	}
	p := Page{Session: rec, HasMore: first > 0, Messages: make([]protocol.Message, 0, len(messages)-first)}
	for _, m := range messages[first:] {
		if err := streamed(tx, rec.ID, &m.Message); err != nil {
			return Page{}, err
		}
		p.Messages = append(p.Messages, m.Message)
	}
	return p, nil
}

// Activity is what a session is doing.
type Activity struct {
	Session Record
	RunID   string // the run under way, if any
	Phase   *protocol.Activity
	Queued  int
}

// Status says what a session is doing. Refuses with NOT_FOUND and FORBIDDEN.
func (s *Service) Status(ctx context.Context, caller Caller, key string) (Activity, error) {
	var a Activity
	err := s.store.View(ctx, func(tx Tx) error {
		rec, err := owned(tx, key, caller)
		if err != nil {
			return err
		}
		a.Session = rec
		active, err := tx.ActiveRuns(rec.ID)
		if err != nil {
			return err
		}
		for _, r := range active {
			if r.Status == RunQueued {
				a.Queued++
				continue
			}
			a.RunID = r.ID
			if a.Phase, err = phase(tx, r); err != nil {
				return err
			}
		}
		return nil
	})
	return a, err
}

// phase is a run's last activity: what it announced, or answering once it
// speaks.
func phase(tx Tx, r Run) (*protocol.Activity, error) {
	said, err := tx.RunEvents(r.SessionID, r.ID, protocol.RunChunk)
	if err != nil {
		return nil, err
	}
	if len(said) > 0 {
		return &protocol.Activity{Phase: "answering"}, nil
	}
	announced, err := tx.RunEvents(r.SessionID, r.ID, protocol.RunActivity)
	if err != nil || len(announced) == 0 {
		return &protocol.Activity{Phase: "thinking"}, err
	}
	var e protocol.AgentEvent
	if err := protocol.Decode(announced[len(announced)-1], &e); err != nil {
		return nil, err
	}
	a := &protocol.Activity{}
	return a, protocol.Decode(e.Payload, a)
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
func (s *Service) Find(ctx context.Context, caller Caller, key string) (Record, error) {
	var rec Record
	err := s.store.View(ctx, func(tx Tx) (err error) {
		rec, err = owned(tx, key, caller)
		return err
	})
	return rec, err
}
