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
	// maxWrongTokenAddresses is how many addresses get an entry of their own in a minute.
	// All others share one entry.
	maxWrongTokenAddresses = 50
	// otherAddresses is the address in the shared entry.
	otherAddresses = "other addresses"
	// pruneBatch is how many entries one transaction removes.
	pruneBatch = 2000
	// pruneSlack is how much older than the retention the oldest entry must be before
	// entries are removed. Each removal adds an entry, so removals should be rare.
	pruneSlack = 24 * time.Hour
)

// wrongTokens counts the wrong tokens of an address.
type wrongTokens struct {
	since protocol.Time
	count int
}

// WrongToken counts a wrong token or sign-in link from an address. The next Sweep writes
// an entry for each address.
func (s *Service) WrongToken(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.wrongTokens[address]
	if w == nil && len(s.wrongTokens) >= maxWrongTokenAddresses {
		address = otherAddresses
		w = s.wrongTokens[address]
	}
	if w == nil {
		w = &wrongTokens{since: protocol.At(time.Now())}
		s.wrongTokens[address] = w
	}
	w.count++
}

// Sweep writes the entries of wrong tokens, and retries to store the failures that could
// not be stored before.
func (s *Service) Sweep(ctx context.Context) error {
	wrong, failures := s.takePending()
	var errs []error
	for _, f := range failures {
		if err := s.store.Fail(ctx, f.id, f.why); err != nil {
			errs = append(errs, err)
			s.addPendingFailure(f)
		}
	}
	addresses := slices.SortedFunc(maps.Keys(wrong), func(a, b string) int {
		return cmp.Or(cmp.Compare(wrong[a].since, wrong[b].since), cmp.Compare(a, b))
	})
	for _, address := range addresses {
		w := wrong[address]
		act := Act{Action: WrongTokens, Detail: plural(w.count, "wrong token")}
		if _, err := s.write(ctx, Actor{Via: ViaNone, Address: address}, act, w.since); err != nil {
			errs = append(errs, err)
			s.restoreWrongTokens(address, w)
		}
	}
	return errors.Join(errs...)
}

// takePending returns what must be stored, and removes it. It also removes the reads that
// have no recent entry.
func (s *Service) takePending() (map[string]*wrongTokens, []failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	wrong, failures := s.wrongTokens, s.pendingFailures
	s.wrongTokens, s.pendingFailures = map[string]*wrongTokens{}, nil
	maps.DeleteFunc(s.reads,
		func(_ read, at time.Time) bool { return time.Since(at) >= readInterval })
	return wrong, failures
}

// addPendingFailure keeps a failure for the next Sweep. If there are too many, it drops
// the failure.
func (s *Service) addPendingFailure(f failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.pendingFailures) < maxPendingFailures {
		s.pendingFailures = append(s.pendingFailures, f)
	}
}

// restoreWrongTokens puts back a count whose entry could not be written.
func (s *Service) restoreWrongTokens(address string, w *wrongTokens) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if newer := s.wrongTokens[address]; newer != nil {
		w.count += newer.count
	}
	s.wrongTokens[address] = w
}

// Retain removes the entries from before a time, and adds an entry that says so. It does
// nothing until the oldest entry is a day older than that. It returns the number of
// removed entries, even if it returns an error.
func (s *Service) Retain(ctx context.Context, before time.Time) (removed int, err error) {
	oldest, err := s.store.Oldest(ctx)
	if err != nil {
		return 0, fmt.Errorf("prune the audit log: %w", err)
	}
	if oldest == 0 || oldest >= protocol.At(before.Add(-pruneSlack)) {
		return 0, nil
	}
	act := Act{Action: LogPrune, Detail: "entries from before " +
		before.UTC().Format(time.DateTime) + " UTC"}
	if _, err := s.write(ctx, Gateway(), act, protocol.At(time.Now())); err != nil {
		return 0, err
	}
	for {
		n, err := s.store.Prune(ctx, protocol.At(before), pruneBatch)
		removed += n
		if err != nil {
			return removed, fmt.Errorf("prune the audit log: %w", err)
		}
		if n < pruneBatch {
			return removed, nil
		}
	}
}

// plural returns a number with its noun.
func plural(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return strconv.Itoa(n) + " " + what
}
