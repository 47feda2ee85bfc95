package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

const (
	// maxGuessing bounds the addresses that are told of one by one in a minute;
	// the others are told of together.
	maxGuessing = 50
	// others stands for them.
	others = "other addresses"
	// pruneStep is how many lines one transaction removes.
	pruneStep = 2000
	// pruneSlack is how long lines may wait to be removed together, since each
	// removal adds a line.
	pruneSlack = 24 * time.Hour
)

// guessing is an address that sends wrong tokens.
type guessing struct {
	since protocol.Time
	times int
}

// WrongToken counts a wrong token, or sign-in link, of an address. It writes
// nothing: Sweep does, a line an address.
func (s *Service) WrongToken(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.guesses[address]
	if g == nil && len(s.guesses) >= maxGuessing {
		address = others
		g = s.guesses[address]
	}
	if g == nil {
		g = &guessing{since: protocol.At(time.Now())}
		s.guesses[address] = g
	}
	g.times++
}

// Sweep does what time brings: it tells of wrong tokens and of failures that the
// store did not take before.
func (s *Service) Sweep(ctx context.Context) error {
	guesses, owed := s.due()
	var errs []error
	for _, f := range owed {
		if err := s.store.Fail(ctx, f.id, f.why); err != nil {
			errs = append(errs, err)
			s.owe(f)
		}
	}
	addresses := slices.SortedFunc(maps.Keys(guesses), func(a, b string) int {
		return cmp.Or(cmp.Compare(guesses[a].since, guesses[b].since), cmp.Compare(a, b))
	})
	for _, address := range addresses {
		g := guesses[address]
		act := Act{Action: WrongTokens, Detail: plural(g.times, "wrong token")}
		if _, err := s.write(ctx, Actor{Via: ViaNone, Address: address}, act, g.since); err != nil {
			errs = append(errs, err)
			s.guessedBefore(address, g)
		}
	}
	return errors.Join(errs...)
}

// due takes what is to be written, and forgets what was read long ago.
func (s *Service) due() (map[string]*guessing, []failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	guesses, owed := s.guesses, s.owed
	s.guesses, s.owed = map[string]*guessing{}, nil
	maps.DeleteFunc(s.seen, func(_ reading, at time.Time) bool { return time.Since(at) >= readAgain })
	return guesses, owed
}

func (s *Service) owe(f failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.owed) < maxOwed {
		s.owed = append(s.owed, f)
	}
}

// guessedBefore puts back what could not be written.
func (s *Service) guessedBefore(address string, g *guessing) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.guesses[address]; now != nil {
		g.times += now.times
	}
	s.guesses[address] = g
}

// Retain removes the lines from before a time, once the first of them is a day
// older, and adds one that tells of it. It gives how many it removed, also with
// an error.
func (s *Service) Retain(ctx context.Context, before time.Time) (removed int, err error) {
	oldest, err := s.store.Oldest(ctx)
	if err != nil {
		return 0, fmt.Errorf("prune the audit log: %w", err)
	}
	if oldest == 0 || oldest >= protocol.At(before.Add(-pruneSlack)) {
		return 0, nil
	}
	act := Act{Action: LogPrune, Detail: "lines from before " + before.UTC().Format(time.DateTime) + " UTC"}
	if _, err := s.write(ctx, Gateway(), act, protocol.At(time.Now())); err != nil {
		return 0, err
	}
	for {
		n, err := s.store.Prune(ctx, protocol.At(before), pruneStep)
		removed += n
		if err != nil {
			return removed, fmt.Errorf("prune the audit log: %w", err)
		}
		if n < pruneStep {
			return removed, nil
		}
	}
}

func plural(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return strconv.Itoa(n) + " " + what
}
