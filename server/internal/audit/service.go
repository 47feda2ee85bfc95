package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/printable"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

const (
	// readAgain is for how long one line tells of somebody who reads something
	// again and again.
	readAgain = 10 * time.Minute
	// maxSeen bounds how many readings are remembered; when there are more, lines
	// are written again sooner.
	maxSeen = 10_000
	// maxText bounds each text of a line, in characters.
	maxText = 400
	// failTimeout bounds the note that an act failed, which nobody waits for but
	// the one who is refused.
	failTimeout = 5 * time.Second
	// maxOwed bounds how many such notes wait for a store that was away.
	maxOwed = 1000
	// retryMs is when a refused act may be tried again.
	retryMs = 2000
)

// Act is what is done. No field may hold a secret.
type Act struct {
	Action string // one of the constants
	Target string // as Session, User, Device, Key, Connection or Media name it; empty: the gateway
	Detail string
}

// Options are what a Service needs besides its store.
type Options struct {
	Log *slog.Logger
	// Written, if set, is called after each line; it must not block.
	Written func()
}

// Service is the audit log. It is safe for concurrent use.
type Service struct {
	store Store
	o     Options
	turn  chan struct{} // held while a reading is written, so that one line tells of those at once

	mu      sync.Mutex
	seen    map[reading]time.Time // by what was read, when a line told of it
	guesses map[string]*guessing  // by address
	owed    []failure
}

// reading is somebody who reads something.
type reading struct{ userID, via, address, action, target string }

// failure is a note that the store has not taken yet.
type failure struct {
	id  int64
	why string
}

// New makes a Service. Call Sweep once a minute and at the end.
func New(store Store, o Options) *Service {
	if o.Written == nil {
		o.Written = func() {}
	}
	return &Service{store: store, o: o, turn: make(chan struct{}, 1), seen: map[reading]time.Time{}, guesses: map[string]*guessing{}}
}

// Begin writes the line of an act that is about to be done; with an error, which
// is UNAVAILABLE, it must not be done. How the act ended is to be told to ended.
func (s *Service) Begin(ctx context.Context, who Actor, act Act) (ended func(error), err error) {
	id, err := s.write(ctx, who, act, protocol.At(time.Now()))
	if err != nil {
		return nil, err
	}
	return func(err error) {
		if err != nil {
			s.fail(failure{id, reason(err)})
		}
	}, nil
}

// Reading writes a line for somebody who reads something, unless one from the
// last ten minutes tells of the same. With an error it must not be read.
func (s *Service) Reading(ctx context.Context, who Actor, act Act) error {
	r := reading{who.UserID, who.Via, who.Address, act.Action, act.Target}
	if s.told(r) {
		return nil
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return unwritten(act.Action, context.Cause(ctx))
	}
	if s.told(r) {
		return nil
	}
	if _, err := s.write(ctx, who, act, protocol.At(time.Now())); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.seen) >= maxSeen {
		clear(s.seen)
	}
	s.seen[r] = time.Now()
	return nil
}

// told reports whether a line tells of the reading.
func (s *Service) told(r reading) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.seen[r]
	return ok && time.Since(at) < readAgain
}

// List gives a page of the log.
func (s *Service) List(ctx context.Context, f Filter) ([]protocol.AuditEntry, error) {
	list, err := s.store.List(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	return list, nil
}

func (s *Service) write(ctx context.Context, who Actor, act Act, at protocol.Time) (int64, error) {
	id, err := s.store.Append(ctx, protocol.AuditEntry{
		At: at, UserID: line(who.UserID), Role: who.Role, Via: line(who.Via), Address: line(who.Address),
		Action: act.Action, Target: line(act.Target), Detail: line(act.Detail),
	})
	if err != nil {
		return 0, unwritten(act.Action, err)
	}
	s.o.Written()
	return id, nil
}

// unwritten refuses an act that no line could be written of.
func unwritten(action string, err error) error {
	refusal := &protocol.Error{Code: protocol.Unavailable, Retryable: true, RetryAfterMs: retryMs,
		Message: "not done: the audit log cannot be written right now, try again"}
	return fmt.Errorf("audit: %s: %w (%w)", action, refusal, err)
}

// fail notes that an act failed, now or when the store takes it.
func (s *Service) fail(f failure) {
	ctx, cancel := context.WithTimeout(context.Background(), failTimeout)
	defer cancel()
	err := s.store.Fail(ctx, f.id, f.why)
	if err == nil {
		s.o.Written()
		return
	}
	s.o.Log.Error("audit: the log does not say yet that an act failed", "line", f.id, "failure", f.why, "error", err)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.owed) < maxOwed {
		s.owed = append(s.owed, f)
	}
}

// reason is what the log says of a failure: what the caller was told.
func reason(err error) string {
	var refused *protocol.Error
	if errors.As(err, &refused) {
		return line(string(refused.Code) + ": " + refused.Message)
	}
	return "failed; the gateway's log has the cause"
}

// line makes one line of bounded length of a text.
func line(text string) string { return printable.Line(text, maxText) }
