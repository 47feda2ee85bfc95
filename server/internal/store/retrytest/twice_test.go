package retrytest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/internal/store"
)

// words is a store of words, which notes what becomes of its transactions.
type words struct {
	kept     []string
	outcomes []string
	fail     error // what the engine gives, if set
}

type wordsTx struct{ added []string }

func (w *words) Update(_ context.Context, fn func(*wordsTx) error) error {
	if w.fail != nil {
		return w.fail
	}
	tx := &wordsTx{}
	err := fn(tx)
	if err != nil {
		w.outcomes = append(w.outcomes, "undone")
		return err
	}
	w.outcomes = append(w.outcomes, "kept")
	w.kept = append(w.kept, tx.added...)
	return nil
}

func (w *words) View(_ context.Context, fn func(*wordsTx) error) error {
	w.outcomes = append(w.outcomes, "viewed")
	return fn(&wordsTx{added: w.kept})
}

func TestTwice(t *testing.T) {
	t.Parallel()
	w := &words{}
	s := Twice[*wordsTx](w)
	runs := 0
	add := func(tx *wordsTx) error {
		runs++
		tx.added = append(tx.added, fmt.Sprint("run ", runs))
		return nil
	}
	if err := s.Update(t.Context(), add); err != nil || !slices.Equal(w.kept, []string{"run 2"}) || !slices.Equal(w.outcomes, []string{"undone", "kept"}) {
		t.Errorf("it keeps %v after %v (%v)", w.kept, w.outcomes, err)
	}
	w.outcomes, runs = nil, 0
	if err := s.View(t.Context(), add); err != nil || runs != 2 || len(w.kept) != 1 || !slices.Equal(w.outcomes, []string{"viewed", "viewed"}) {
		t.Errorf("a view runs %d times: %v (%v)", runs, w.outcomes, err)
	}
	// A refusal is the second run's.
	w.outcomes, runs = nil, 0
	refusals := []error{errors.New("first"), errors.New("second")}
	err := s.Update(t.Context(), func(*wordsTx) error { runs++; return refusals[runs-1] })
	if err != refusals[1] || len(w.kept) != 1 || !slices.Equal(w.outcomes, []string{"undone", "undone"}) {
		t.Errorf("a refusal comes as %v after %v", err, w.outcomes)
	}
	// A store that fails is not asked again.
	w.outcomes, runs, w.fail = nil, 0, store.Full
	if err := s.Update(t.Context(), add); !errors.Is(err, store.Full) || runs != 0 || len(w.outcomes) != 0 {
		t.Errorf("a failure comes as %v after %v", err, w.outcomes)
	}
	w.fail = nil
	if err := s.Update(t.Context(), func(*wordsTx) error { runs++; return store.Failing }); !errors.Is(err, store.Failing) || runs != 1 {
		t.Errorf("a failure within comes as %v after %d runs", err, runs)
	}
}
