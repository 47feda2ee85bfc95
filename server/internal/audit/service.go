package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/printable"
	"github.com/gatehouse-chat/gatehouse/server/internal/turn"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

const (
	// readInterval is the time between two entries for the same read.
	readInterval = 10 * time.Minute
	// maxReads limits how many recent reads are remembered. If there are more, some get
	// another entry sooner.
	maxReads = 10_000
	// maxText limits each text of an entry, in characters.
	maxText = 400
	// failTimeout limits how long storing a failure may take. The caller whose act failed
	// waits that long.
	failTimeout = 5 * time.Second
	// maxPendingFailures limits how many failures wait to be stored.
	maxPendingFailures = 1000
	// retryMs is the retry delay of a caller whose act was refused.
	retryMs = 2000
)

// Act is what is done. No field may contain a secret.
type Act struct {
	Action string // one of the constants
	Target string // from Session, User, Device, Key, Connection, Media or Code; "" is the gateway
	Detail string // more about the act, for people
}

// Options are what a Service needs in addition to its store.
type Options struct {
	// Log gets the failures that could not be stored.
	Log *slog.Logger
	// Written, if not nil, is called after each change of the log. It must not block.
	Written func()
}

// Service is the audit log. It is safe for concurrent use.
type Service struct {
	store Store
	o     Options
	// readLock is held while the entry of a read is written, so that simultaneous reads
	// of the same thing get one entry. It is a channel so that waiting ends with a
	// context.
	readLock chan struct{}
	searches *turn.Turns

	// mu guards the following fields.
	mu              sync.Mutex
	reads           map[read]time.Time      // when the latest entry of each recent read was written
	wrongTokens     map[string]*wrongTokens // not stored yet, by address
	pendingFailures []failure               // not stored yet
}

// read identifies a read: who reads what.
type read struct{ userID, via, address, action, target string }

// failure says that the act of an entry failed, and why.
type failure struct {
	id  int64
	why string
}

// New returns a Service. The caller must call Sweep once a minute and before the end.
func New(store Store, o Options) *Service {
	if o.Written == nil {
		o.Written = func() {}
	}
	return &Service{store: store, o: o, readLock: make(chan struct{}, 1),
		searches: turn.New("searches", turn.HalfTheProcessors()), reads: map[read]time.Time{}, wrongTokens: map[string]*wrongTokens{}}
}

// Begin writes the entry of an act that is about to be done. If Begin returns an error,
// which is UNAVAILABLE, the act must not be done. Otherwise the caller must call ended
// with the result of the act.
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

// BeginRead writes an entry for a read that is about to be done, unless the same read has
// an entry from the last ten minutes. If BeginRead returns an error, which is
// UNAVAILABLE, the read must not be done.
func (s *Service) BeginRead(ctx context.Context, who Actor, act Act) error {
	r := read{who.UserID, who.Via, who.Address, act.Action, act.Target}
	if s.readLogged(r) {
		return nil
	}
	select {
	case s.readLock <- struct{}{}:
		defer func() { <-s.readLock }()
	case <-ctx.Done():
		return refuseUnwritten(act.Action, context.Cause(ctx))
	}
	if s.readLogged(r) {
		return nil
	}
	if _, err := s.write(ctx, who, act, protocol.At(time.Now())); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.reads) >= maxReads {
		clear(s.reads)
	}
	s.reads[r] = time.Now()
	return nil
}

// readLogged reports whether the read has a recent entry.
func (s *Service) readLogged(r read) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.reads[r]
	return ok && time.Since(at) < readInterval
}

// maxSearch is how long a search through the log takes at most.
const maxSearch = 5 * time.Second

var errLongSearch = protocol.Exhausted(
	"the search takes longer than 5 s: narrow it, with since and until for example", 1000)

// List returns the entries that match f, newest first. If f narrows the log, List waits
// for a turn of the Reader, and refuses with RESOURCE_EXHAUSTED.
func (s *Service) List(ctx context.Context, f Filter) ([]protocol.AuditEntry, error) {
	if f.Searches() {
		done, err := s.searches.Take(ctx, f.Reader)
		if err != nil {
			return nil, err
		}
		defer done()
		var stop context.CancelFunc
		ctx, stop = context.WithTimeoutCause(ctx, maxSearch, errLongSearch)
		defer stop()
	}
	list, err := s.store.List(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	return list, nil
}

// write appends an entry and returns its id.
func (s *Service) write(ctx context.Context, who Actor, act Act, at protocol.Time) (int64, error) {
	id, err := s.store.Append(ctx, protocol.AuditEntry{
		At: at, UserID: oneLine(who.UserID), Role: who.Role, Via: oneLine(who.Via),
		Address: oneLine(who.Address), Action: act.Action, Target: oneLine(act.Target), Detail: oneLine(act.Detail),
	})
	if err != nil {
		return 0, refuseUnwritten(act.Action, err)
	}
	s.o.Written()
	return id, nil
}

// refuseUnwritten returns the refusal of an act whose entry could not be written.
func refuseUnwritten(action string, err error) error {
	refusal := &protocol.Error{Code: protocol.Unavailable, Retryable: true, RetryAfterMs: retryMs,
		Message: "nothing was done, because the audit log cannot be written right now; try again"}
	return fmt.Errorf("audit: %s: %w (%w)", action, refusal, err)
}

// fail stores that an act failed. If the store fails, the next Sweep tries again.
func (s *Service) fail(f failure) {
	ctx, cancel := context.WithTimeout(context.Background(), failTimeout)
	defer cancel()
	err := s.store.Fail(ctx, f.id, f.why)
	if err == nil {
		s.o.Written()
		return
	}
	s.o.Log.Error("audit: the failure of an act could not be stored, will retry", "entry", f.id,
		"failure", f.why, "error", err)
	s.addPendingFailure(f)
}

// reason returns the text of a failure: the code and message of the refusal, if err is
// one.
func reason(err error) string {
	var refused *protocol.Error
	if errors.As(err, &refused) {
		return oneLine(string(refused.Code) + ": " + refused.Message)
	}
	return "failed; the gateway's log has the cause"
}

// oneLine returns text as one line of at most maxText characters.
func oneLine(text string) string { return printable.Line(text, maxText) }
